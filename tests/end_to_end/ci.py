"""What others say on GitHub of an application's commits: an App's checks, and statuses of a Jenkins."""

import uuid
from typing import Any

from tests.local.github.helpers import ask
from tests.world import Bench


class Ci:
    """A CI, with tokens of its own: it knows neither the webhook's secret nor a cluster."""

    def __init__(self, bench: Bench) -> None:
        self._bench = bench
        self.token = f"ghs_{uuid.uuid4().hex}"
        permissions = {"contents": "read", "checks": "write", "statuses": "write", "deployments": "write"}
        bench.world.github.tokens.add(self.token, permissions=permissions)

    def ask(self, path: str, body: object = None, method: str | None = None) -> Any:
        """Ask GitHub about the repository, or tell it something; returns its answer."""
        path = f"/repos/{self._bench.repository}{path}"
        answer = ask(self._bench.world.github, path, body, method, Authorization=f"Bearer {self.token}")
        assert answer.status in (200, 201), answer.body
        return answer.json()

    def begin(self, commit: str, name: str = "build") -> int:
        """Begin a check of a commit; returns its number."""
        return int(self.ask("/check-runs", {"name": name, "head_sha": commit, "status": "in_progress"})["id"])

    def end(self, number: int, conclusion: str = "success") -> None:
        """End a check that has begun."""
        self.ask(f"/check-runs/{number}", {"status": "completed", "conclusion": conclusion}, "PATCH")

    def check(self, commit: str, conclusion: str = "success", name: str = "build") -> None:
        """Run a check of a commit; run again, it takes the place of the one before."""
        self.end(self.begin(commit, name), conclusion)

    def status(self, commit: str, state: str = "success", context: str = "jenkins") -> None:
        """Set a status on a commit."""
        self.ask(f"/statuses/{commit}", {"state": state, "context": context})
