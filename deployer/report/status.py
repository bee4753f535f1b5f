"""How applications are: revisions, sync, health and drift, as cells of a table, in sentences and as JSON. Pure.

Sync and health are in Argo CD's words. Synced means that a sync would change nothing, which is also when
`deployer diff` shows nothing.
"""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Literal

from deployer.cluster.health import WELL, Health, Status, worst
from deployer.cluster.history import CHANGES, Entry
from deployer.cluster.hold import Hold
from deployer.cluster.inventory import MEMBER, Inventory
from deployer.report.drift import Drift, deployed, drift_in_words, find_drift
from deployer.report.history import entry_json, hold_json, operation_json, short
from deployer.report.words import plural
from deployer.sync.decision import out_of_sync
from deployer.sync.result import ObjectResult, SyncResult

COLUMNS = ("application", "cluster", "revision", "sync", "health", "drift", "last sync")

Sync = Literal["Synced", "OutOfSync", "Unknown", "deleted", "orphaned"]


@dataclass(frozen=True)
class ApplicationStatus:
    """How one application is in its cluster.

    `sync` is Unknown where that cannot be found out, `deleted` where a person has deleted it, and `orphaned` where the
    application is not in the configuration; with these two `health` is None, and nothing else was looked at.
    `inventory` is what could be read of it. `revision` is the commit that the watched ref points at, `""` where that is
    not known; `plan` is what a dry-run says. `told` are sentences for people: why it is Unknown, or what could not be
    looked at. `hold` is what holds it at something else than that commit.
    """

    application: str
    cluster: str
    sync: Sync
    health: Health | None
    inventory: Inventory | None = None
    revision: str = ""
    plan: SyncResult | None = None
    drift: tuple[Drift, ...] = ()
    told: tuple[str, ...] = ()
    hold: Hold | None = None

    @property
    def namespace(self) -> str:
        """Where its inventory is; `""` where that is not known."""
        return self.inventory.namespace if self.inventory else ""

    @property
    def last(self) -> Entry | None:
        """The newest sync; None where there is none."""
        return self.inventory.last if self.inventory else None

    @property
    def deployed(self) -> str:
        """The revision that the cluster has; `""` where there is none."""
        entry = self.inventory and deployed(self.inventory)
        return entry.revision if entry else ""

    @property
    def well(self) -> bool:
        """Whether it is synced and healthy."""
        return self.sync == "Synced" and self.health is not None and self.health.status in WELL


def judge(
    cluster: str,
    inventory: Inventory,
    revision: str,
    plan: SyncResult,
    told: Sequence[str] = (),
    hold: Hold | None = None,
) -> ApplicationStatus:
    """Say how an application is.

    Args:
        cluster: its name.
        inventory: the application's.
        revision: the commit that its watched ref points at, or the one that it is held at instead.
        plan: what a dry-run of that commit says.
        told: what could not be looked at.
        hold: what holds it at another commit than the watched ref's.

    Returns:
        OutOfSync also where a sync would fail, and where it is held: what the source says is not what the cluster has.
        What left Git and is not pruned is in sync, as it is to `diff`. An object that is to be created is Missing.
    """
    changes = hold or plan.outcome == "failed" or out_of_sync(plan)
    return ApplicationStatus(
        inventory.application,
        cluster,
        "OutOfSync" if changes else "Synced",
        worst(_health(one) for one in plan.objects if one.action != "pruned" and not one.left),
        inventory,
        hold.instead_of if hold else revision,
        plan,
        tuple(find_drift(inventory, revision, plan)),
        tuple(told),
        hold,
    )


def unread(application: str, cluster: str, reason: str, inventory: Inventory | None = None) -> ApplicationStatus:
    """Say that an application cannot be read, and why; `inventory` is what is known of it all the same."""
    return ApplicationStatus(application, cluster, "Unknown", Health(Status.UNKNOWN, reason), inventory, told=(reason,))


def deleted(cluster: str, inventory: Inventory, told: str) -> ApplicationStatus:
    """Say that a person has deleted an application, which its inventory holds at nothing; `told` says who and when."""
    hold = inventory.hold
    revision = hold.instead_of if hold else ""
    return ApplicationStatus(
        inventory.application, cluster, "deleted", None, inventory, revision, told=(told,), hold=hold
    )


def orphaned(cluster: str, inventory: Inventory) -> ApplicationStatus:
    """Say that an inventory belongs to no application of the configuration."""
    kinds = ",".join(sorted(map(str, inventory.group_kinds)))
    look = f"`kubectl get {kinds} -A -l {MEMBER}={inventory.id}`" if kinds else "nothing, as far as its inventory says"
    told = (
        f"no application of the configuration deploys it to namespace {inventory.namespace}; nothing of it is touched: "
        f"put its document back, or remove what it has left: {look}"
    )
    return ApplicationStatus(inventory.application, cluster, "orphaned", None, inventory, told=(told,))


def cells(status: ApplicationStatus, now: datetime) -> tuple[str, ...]:
    """Return the cells of an application, by `COLUMNS`.

    The revision is that which is deployed; where the watched ref points at another by now, such as
    `1a2b3c4 → 5d6e7f8`. Times are in UTC; `now` tells whether that is today.
    """
    there, wanted = status.deployed, status.revision
    return (
        status.application,
        status.cluster,
        f"{short(there)} → {short(wanted)}" if wanted not in ("", there) else short(there),
        status.sync,
        status.health.status if status.health else "-",
        str(len(status.drift) or "-"),
        _last(status, now),
    )


def notes(status: ApplicationStatus, now: datetime) -> list[str]:
    """Say what a person should know of an application besides its cells, a sentence each; times as for `cells`."""
    return [*_sentences(status), *(drift_in_words(one, now) for one in status.drift)]


def summary(statuses: Sequence[ApplicationStatus]) -> str:
    """Such as `4 applications: 2 synced and healthy, 1 not, 1 orphaned`."""
    well = sum(one.well for one in statuses)
    apart = {word: sum(one.sync == word for one in statuses) for word in ("deleted", "orphaned")}
    counts = {"synced and healthy": well, "not": len(statuses) - well - sum(apart.values()), **apart}
    told = ", ".join(f"{count} {word}" for word, count in counts.items() if count)
    return plural(len(statuses), "application") + (f": {told}" if told else "")


def as_json(statuses: Sequence[ApplicationStatus]) -> dict[str, Any]:
    """The document that `deployer status -o json` prints: each application, and whether all are well."""
    return {"applications": [_json(one) for one in statuses], "ok": all_well(statuses), "message": summary(statuses)}


def all_well(statuses: Sequence[ApplicationStatus]) -> bool:
    """Whether each application is synced and healthy; one that is orphaned has nothing that it should be."""
    return all(one.well or one.sync == "orphaned" for one in statuses)


def _health(one: ObjectResult) -> Health:
    if one.health or one.action != "created":
        return one.health or Health(Status.UNKNOWN, "it was not looked at")
    return Health(Status.MISSING, "it is not in the cluster")


def _sentences(status: ApplicationStatus) -> Iterator[str]:
    """All but the drift."""
    if plan := status.plan:
        if plan.outcome == "failed":
            yield f"a sync would fail: {plan.message}"
        if what := out_of_sync(plan):
            yield what
        if plan.kept:
            yield f"{plan.kept} left Git but not pruned"
        yield from _ill(plan)
    yield from status.told
    error = status.last.error if status.last else ""
    if error and not status.well and status.sync != "orphaned" and not (plan and plan.message == error):
        deletion = status.last is not None and status.last.deletion
        yield f"the last {'deletion' if deletion else 'sync'} failed: {error}"


def _ill(plan: SyncResult) -> Iterator[str]:
    """The object that needs attention most; what is missing is told as what is to be created."""
    ill = [(one.key, one.health) for one in plan.objects if one.health and one.health.status not in WELL]
    if not ill:
        return
    bad = worst(health for _, health in ill)
    key = next(key for key, health in ill if health is bad)
    more = f" (and {len(ill) - 1} more)" if len(ill) > 1 else ""
    yield f"{key} is {bad.status}: {bad.message}{more}"


def _last(status: ApplicationStatus, now: datetime) -> str:
    if status.inventory and (operation := status.inventory.operation):
        return f"{'paused' if operation.paused else 'under way'} {_moment(operation.since, now)}"
    return f"{status.last.result} {_moment(status.last.when, now)}" if status.last else "-"


def _moment(when: datetime, now: datetime) -> str:
    return f"{when:%H:%M}" if when.date() == now.date() else f"{when:%Y-%m-%d}"


def _json(status: ApplicationStatus) -> dict[str, Any]:
    plan = status.plan
    changes = {action: plan.count(action) for action in CHANGES} | {"kept": plan.kept} if plan else None
    return {
        "application": status.application,
        "cluster": status.cluster,
        "namespace": status.namespace,
        "deployed": status.deployed,
        "revision": status.revision,
        "sync": status.sync,
        "health": status.health.status if status.health else None,
        "message": "; ".join(_sentences(status)),
        "changes": changes,
        "drift": [{**one.key._asdict(), **asdict(one.change)} for one in status.drift],
        "last": entry_json(status.last) if status.last else None,
        "operation": operation_json(status.inventory.operation) if status.inventory else None,
        "held": hold_json(status.hold),
    }
