"""How one job is done, and what became of it, as plain data."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from deployer.cluster.hold import Hold
from deployer.cluster.inventory import Inventory
from deployer.github.statuses import State
from deployer.sync.options import Hooks
from deployer.sync.result import SyncResult


@dataclass(frozen=True)
class Deployed:
    """What became of one job. `seconds` is all of it; `requests` counts those sent to `github` and `cluster`.

    `revision` is the commit that was deployed; `hold` says why it is not the one that the watched ref points at.
    `before` is the inventory as it was.
    """

    application: str
    cluster: str
    revision: str
    result: SyncResult
    message: str
    seconds: float
    requests: Mapping[str, int]
    hold: Hold | None = None
    before: Inventory | None = None

    @property
    def state(self) -> State:
        """What the commit is told: the state of its status."""
        if self.hold:
            return "failure"  # whatever became of the other commit, this one is not what is deployed
        if self.result.outcome == "unfinished":
            return "pending" if self.result.message else "success"  # without one, nobody wanted to wait
        return "success" if self.result.outcome == "succeeded" else "failure"


@dataclass(frozen=True)
class How:
    """How one job is done.

    `why` and `who` (a person, or an event) are for the history. `before` and `after` are what the ref was before the
    push that the job is about, and what it made of it; `pushed` says that it is about something that has happened on
    GitHub, which concerns only who is not there yet, and `asked` that somebody has asked there for this to be done.
    `timeout` are the seconds to wait for health, instead of the application's own, and 0 does not wait; `waited` of
    them have passed before. At `until` (`time.monotonic()`) a rollout that goes on is left to the next reconcile.
    `dry_run` only asks the server what would happen, and tells nobody. `prune` deletes what left Git, also where the
    application does not ask for it, and `approve_prune` is the commit that may prune any number of objects. `rollback`
    is the number of the sync to return to, 0 the last that was healthy before, and None returns to none; `release` lets
    go of an earlier one. `told` is the state that the commit has: given, only another one is told, once all is done.
    `heals` says how often the same drift was healed before, in a row. `hooks` says when hooks run. `held_back` says why
    a sync window lets only what is under way go on; another commit then has to wait. All this was found out of
    `revision`, `""` where it holds of any. `asked_at` is when a person has asked, where that has travelled, and may be
    heard of twice.
    """

    revision: str = ""
    why: str = ""
    who: str = ""
    before: str = ""
    after: str = ""
    pushed: bool = False
    asked: bool = False
    timeout: float | None = None
    waited: float = 0.0
    until: float | None = None
    dry_run: bool = False
    prune: bool = False
    approve_prune: str = ""
    told: State | None = None
    heals: int = 0
    hooks: Hooks = "changes"
    rollback: int | None = None
    release: bool = False
    held_back: str = ""
    asked_at: datetime | None = None
