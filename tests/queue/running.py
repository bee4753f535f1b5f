"""An application whose jobs are run in this process, for the tests of what becomes of them."""

import json
import time
from typing import Any

from deployer.configuration import Placement
from deployer.job import Action, Job, JobOptions
from deployer.queue.jobs import Ended, run
from deployer.settings import Settings
from tests.queue.helpers import configuration_of, told
from tests.world import Bench


class Placed:
    """The application of the folder `a`, and where it goes."""

    def __init__(self, bench: Bench, settings: Settings) -> None:
        self.bench, self.settings = bench, settings
        self.name = f"{bench.name}-a"

    @property
    def placement(self) -> Placement:
        return configuration_of(self.settings).placement(self.name)


class Running(Placed):
    """That application, and jobs about it."""

    def __call__(
        self, action: Action = "push", seconds: float = 60, actor: str = "ada", options: Any = None, **job: Any
    ) -> Ended:
        given = Job(self.name, f"{action} of a test", action, actor=actor, options=options or JobOptions(), **job)
        return run(given, self.placement, self.settings, time.monotonic() + seconds)

    def history(self) -> list[dict[str, Any]]:
        data = self.bench.live("configmap", f"deployer-{self.name}")["data"]
        found: list[dict[str, Any]] = json.loads(data["history"])
        return found

    def status(self, commit: str) -> tuple[str, str | None]:
        return told(self.bench, commit, f"deployer/{self.name}")[-1]
