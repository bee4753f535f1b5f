"""How an application may stand, for the tests of what is to be done about it."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from deployer.application import Application, parse_application
from deployer.cluster.health import Status as HealthStatus
from deployer.cluster.history import Entry, Fault, Result
from deployer.cluster.inventory import empty
from deployer.cluster.operation import Operation
from deployer.errors import ClusterError, DeployerError
from deployer.github.statuses import State, Status
from deployer.manifest import ObjectKey
from deployer.sync.decision import Decision, decide
from deployer.sync.how import Deployed
from deployer.sync.look import Seen
from deployer.sync.result import Action, ObjectResult, Outcome, SyncResult

NOW = datetime(2026, 1, 2, 12, tzinfo=UTC)
COMMIT, EARLIER = "1" * 40, "0" * 40
UNREACHABLE = ClusterError("cluster staging cannot be reached")


def application(*, automated: bool = True, self_heal: bool = False) -> Application:
    return parse_application(
        {
            "apiVersion": "argoproj.io/v1alpha1",
            "kind": "Application",
            "metadata": {"name": "shop"},
            "spec": {
                "source": {"repoURL": "https://github.com/acme/shop", "targetRevision": "main"},
                "destination": {"name": "staging", "namespace": "web"},
                "syncPolicy": {"automated": {"selfHeal": self_heal}} if automated else {},
            },
        },
        "shop.yaml",
    )


def ago(seconds: float) -> datetime:
    return NOW - timedelta(seconds=seconds)


def told(state: State, seconds: float = 1000, description: str = "") -> Status:
    """What the commit has been told, so many seconds ago."""
    return Status(state, description, ago(seconds))


def failures(count: int, latest: float) -> list[Status]:
    """So many tries that failed, each with what came before it, the newest first."""
    each = [
        (told("failure", latest + 1000 * number), told("pending", latest + 1000 * number)) for number in range(count)
    ]
    return [status for pair in each for status in pair]


def entry(
    result: Result = "succeeded",
    revision: str = COMMIT,
    seconds: float = 1000,
    why: str = "a push",
    heals: int = 0,
    fault: Fault = "",
) -> Entry:
    return Entry(revision, ago(seconds), why, "somebody", result, {}, {}, heals=heals, fault=fault)


def seen(
    *statuses: Status,
    last: Entry | None = None,
    actions: Sequence[Action] = ("unchanged", "unchanged"),
    health: str = HealthStatus.HEALTHY,
    outcome: Outcome = "unfinished",
    message: str = "",
    operation: datetime | Operation | None = None,
    problem: DeployerError | None = None,
) -> Seen:
    """How an application stands; `operation` is the one that is under way, or since when one is."""
    if problem:
        return Seen(COMMIT, statuses, None, problem)
    running = (
        Operation(COMMIT, operation, "another process", "a push") if isinstance(operation, datetime) else operation
    )
    inventory = replace(empty("shop", "web"), history=(last,) if last else (), operation=running)
    objects = [
        ObjectResult(ObjectKey("", "ConfigMap", "web", f"c-{number}"), "v1", action)
        for number, action in enumerate(actions)
    ]
    result = SyncResult(outcome, message, health, tuple(objects), {}, inventory)
    return Seen(COMMIT, statuses, Deployed("shop", "staging", COMMIT, result, message, 1.0, {}))


def decided(given: Seen, **policy: Any) -> Decision:
    return decide(application(**policy), "staging", given, NOW)
