"""How an application stands: what a sync would do, and what its commit has been told. Nothing is written."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import takewhile

from deployer.cluster.history import Entry
from deployer.cluster.inventory import Inventory
from deployer.configuration import Placement
from deployer.errors import DeployerError
from deployer.github.client import GitHub
from deployer.github.statuses import State, Status, context_of, read_statuses
from deployer.settings import Settings
from deployer.sync.connections import open_github
from deployer.sync.gate import is_of_gate
from deployer.sync.how import Deployed, How
from deployer.sync.job import Job
from deployer.sync.owner import superseded_by
from deployer.sync.wanted import settled

NOTHING_SAID = How()


@dataclass(frozen=True)
class Seen:
    """How an application stands.

    `revision` is the commit that it is to have, and `told` are the statuses that the application has given that, the
    newest first, and since it was superseded, if it was. `planned` is what a sync would do; where that could not be
    found out, `problem` says why, and `before` is what is known of the inventory all the same.
    """

    revision: str
    told: tuple[Status, ...]
    planned: Deployed | None
    problem: DeployerError | None = None
    before: Inventory | None = None

    @property
    def history(self) -> tuple[Entry, ...]:
        """The syncs that are known, the newest first."""
        inventory = (self.planned.result.inventory if self.planned else None) or self.before
        return inventory.history if inventory else ()

    @property
    def state(self) -> State | None:
        """What the commit has been told last."""
        return self.told[0].state if self.told else None

    @property
    def last(self) -> Entry | None:
        """The last sync that the history knows."""
        return self.history[0] if self.history else None


def look(placement: Placement, settings: Settings, how: How = NOTHING_SAID, at: str = "") -> Seen:
    """Find out how an application stands. Its commit is told where its checks keep it waiting.

    Args:
        placement: the application, and where it goes.
        settings: GitHub and Secret Manager.
        how: what a push has said, if one made somebody ask.
        at: the commit that the watched ref was seen at just now; `""` asks GitHub.

    Raises:
        StaysError: the commit that the ref points at is not to be deployed, or not yet, and there is no other.
        DeployerError: the commit is not known, or what it has been told.
    """
    with open_github(settings) as github, ThreadPoolExecutor(1) as beside:
        job = Job(placement, settings, replace(how, dry_run=True), github)
        with job.asking():
            commit = at or job.resolve(how.before)
            wanted = settled(job, commit, at=at)
            reading = beside.submit(_told, github, placement, wanted)
            try:
                planned, problem = job.carry_out(wanted, lambda step: None, lambda: None), None
            except DeployerError as error:
                planned, problem = None, error
            return Seen(wanted, reading.result(), planned, problem, job.inventory())


def _told(github: GitHub, placement: Placement, revision: str) -> tuple[Status, ...]:
    """What a commit has been told since it was superseded, if it was: the ref may have moved back to it.

    What it was told before its checks were green does not count either: nobody has tried to deploy it then.
    """
    if placement.together:
        return ()  # one status for many applications tells nothing of this one
    application = placement.application
    told = read_statuses(github, application.source.repository, revision, context_of(application.name))
    return tuple(takewhile(_counts, told))


def _counts(status: Status) -> bool:
    return not (status.description.startswith(superseded_by("")) or is_of_gate(status.description))
