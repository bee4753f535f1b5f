"""How an application stands: what a sync would do, and what its commit has been told. Nothing is written."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from deployer.cluster.history import Entry
from deployer.configuration import Placement
from deployer.errors import DeployerError
from deployer.github.statuses import State, Status, context_of, read_statuses
from deployer.settings import Settings
from deployer.sync.connections import open_github
from deployer.sync.how import Deployed, How
from deployer.sync.job import Job


@dataclass(frozen=True)
class Seen:
    """How an application stands.

    `revision` is the commit that its watched ref points at, and `told` are the statuses that the application has given
    it, the newest first. `planned` is what a sync would do; where that could not be found out, `problem` says why.
    """

    revision: str
    told: tuple[Status, ...]
    planned: Deployed | None
    problem: DeployerError | None = None

    @property
    def state(self) -> State | None:
        """What the commit has been told last."""
        return self.told[0].state if self.told else None

    @property
    def last(self) -> Entry | None:
        """The last sync that the history knows."""
        inventory = self.planned.result.inventory if self.planned else None
        return inventory.history[0] if inventory and inventory.history else None


def look(placement: Placement, settings: Settings, before: str = "") -> Seen:
    """Find out how an application stands.

    Args:
        placement: the application, and where it goes.
        settings: GitHub and Secret Manager.
        before: what the watched ref was before the push that made somebody ask; `""` where there was none.

    Raises:
        DeployerError: the commit is not known, or what it has been told.
    """
    with open_github(settings) as github, ThreadPoolExecutor(1) as beside:
        job = Job(placement, settings, How(dry_run=True), github)
        revision = job.resolve(before)
        application = placement.application
        reading = beside.submit(
            read_statuses, github, application.source.repository, revision, context_of(application.name)
        )
        try:
            planned, problem = job.carry_out(revision, lambda step: None, lambda: None), None
        except DeployerError as error:
            planned, problem = None, error
        return Seen(revision, reading.result(), planned, problem)
