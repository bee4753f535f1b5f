"""Deployments and their statuses: what GitHub accepts, keeps, and changes by itself.

https://docs.github.com/en/rest/deployments
"""

import itertools
import threading
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from local.github.body import Body, check_given, check_kind
from local.github.refusal import invalid

STATES = ("error", "failure", "inactive", "in_progress", "queued", "pending", "success")
LONGEST_DESCRIPTION = 140
PRODUCTION = "production"  # the environment of whoever names none


@dataclass(frozen=True)
class Deployment:
    """A wish to deploy a commit; `environment` is where to, after what its statuses said of that."""

    number: int
    sha: str
    ref: str
    task: str
    payload: Mapping[str, Any] | str
    original_environment: str
    environment: str
    description: str | None
    transient: bool
    production: bool
    created: datetime
    updated: datetime


@dataclass(frozen=True)
class DeploymentStatus:
    """What became of a deployment."""

    number: int
    state: str
    description: str
    environment: str
    environment_url: str
    log_url: str
    created: datetime


def check_deployment(wanted: Body) -> None:
    """Refuse what GitHub makes no deployment of.

    Raises:
        RefusedError: a field is not as it must be.
    """
    check_given(wanted, "ref")
    check_kind(wanted, str, "ref", "task", "environment", "description")
    check_kind(wanted, bool, "auto_merge", "transient_environment", "production_environment")
    check_kind(wanted, list, "required_contexts")
    if not isinstance(wanted.get("payload"), str):
        check_kind(wanted, dict, "payload")


def check_status(wanted: Body) -> None:
    """Refuse what GitHub makes no deployment status of.

    Raises:
        RefusedError: a field is not as it must be.
    """
    check_given(wanted, "state")
    check_kind(wanted, str, "state", "description", "environment", "environment_url", "log_url", "target_url")
    check_kind(wanted, bool, "auto_inactive")
    if wanted["state"] not in STATES:
        raise invalid("DeploymentStatus", "state", "state is not included in the list")
    if len(wanted.get("description") or "") > LONGEST_DESCRIPTION:
        longest = f"description is too long (maximum is {LONGEST_DESCRIPTION} characters)"
        raise invalid("DeploymentStatus", "description", longest)
    for field in ("environment_url", "log_url", "target_url"):
        if not (wanted.get(field) or "http://").startswith(("http://", "https://")):
            raise invalid("DeploymentStatus", field, f"{field} must use http(s) scheme")


class Deployments:
    """The deployments of every repository, in memory."""

    def __init__(self) -> None:
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()
        self._kept: dict[tuple[str, int], Deployment] = {}
        self._statuses: dict[int, list[DeploymentStatus]] = {}

    def of(self, repository: str) -> list[Deployment]:
        """Return the deployments of a repository, the oldest first."""
        with self._lock:
            return [deployment for (home, _), deployment in self._kept.items() if home == repository]

    def find(self, repository: str, number: int) -> Deployment | None:
        """Return a deployment by its number, or None if there is none."""
        with self._lock:
            return self._kept.get((repository, number))

    def statuses(self, deployment: Deployment) -> list[DeploymentStatus]:
        """Return what was said of a deployment, the oldest first."""
        with self._lock:
            return list(self._statuses[deployment.number])

    def add(self, repository: str, sha: str, wanted: Body) -> Deployment:
        """Keep a new deployment of a commit, of which `check_deployment` has nothing to say."""
        environment, now = wanted.get("environment") or PRODUCTION, datetime.now(UTC)
        production = wanted.get("production_environment")
        with self._lock:
            deployment = Deployment(
                number=next(self._numbers),
                sha=sha,
                ref=wanted["ref"],
                task=wanted.get("task") or "deploy",
                payload=wanted.get("payload") or "",
                original_environment=environment,
                environment=environment,
                description=wanted.get("description"),
                transient=bool(wanted.get("transient_environment")),
                production=environment == PRODUCTION if production is None else production,
                created=now,
                updated=now,
            )
            self._kept[repository, deployment.number] = deployment
            self._statuses[deployment.number] = []
        return deployment

    def say(self, repository: str, deployment: Deployment, wanted: Body) -> DeploymentStatus:
        """Keep a new status of a deployment, of which `check_status` has nothing to say.

        One that is a success makes the earlier ones of its environment inactive, unless `auto_inactive` is false: those
        that were successes, and neither transient nor production.
        """
        with self._lock:
            known = self._kept[repository, deployment.number]
            status = self._add(repository, known, wanted)
            if status.state == "success" and wanted.get("auto_inactive") is not False:
                for (home, number), other in list(self._kept.items()):
                    earlier = home == repository and number < deployment.number
                    if earlier and other.environment == status.environment and self._replaceable(other):
                        self._add(repository, other, {"state": "inactive"})
        return status

    def rename(self, before: str, after: str) -> None:
        """Keep what was said of a repository under its new name."""
        with self._lock:
            self._kept = {
                (after if home == before else home, number): one for (home, number), one in self._kept.items()
            }

    def _add(self, repository: str, deployment: Deployment, wanted: Body) -> DeploymentStatus:
        status = DeploymentStatus(
            number=next(self._numbers),
            state=wanted["state"],
            description=wanted.get("description") or "",
            environment=wanted.get("environment") or deployment.environment,
            environment_url=wanted.get("environment_url") or "",
            log_url=wanted.get("log_url") or wanted.get("target_url") or "",
            created=datetime.now(UTC),
        )
        self._statuses[deployment.number].append(status)
        changed = replace(deployment, environment=status.environment, updated=status.created)
        self._kept[repository, deployment.number] = changed
        return status

    def _replaceable(self, deployment: Deployment) -> bool:
        said = self._statuses[deployment.number]
        succeeded = bool(said) and said[-1].state == "success"
        return succeeded and not deployment.transient and not deployment.production
