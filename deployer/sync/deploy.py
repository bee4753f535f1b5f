"""One job: an application's watched ref → its commit → files → manifests → cluster → commit status."""

import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack, closing
from dataclasses import dataclass, replace
from functools import partial

from deployer.cluster.connection import PARALLEL, Cluster
from deployer.cluster.inventory import empty
from deployer.configuration import Placement
from deployer.errors import BusyError, ConfigurationError, DeployerError, RenderError
from deployer.github.client import GitHub
from deployer.github.revision import resolve, resolve_after_push
from deployer.github.statuses import State
from deployer.manifest import ObjectKey
from deployer.project import object_problem
from deployer.report.commit import CommitStatus
from deployer.report.words import headline
from deployer.settings import Settings
from deployer.sync.ahead import Ahead, ask_ahead
from deployer.sync.connections import open_cluster, open_github
from deployer.sync.options import Options
from deployer.sync.overtaken import tell_overtaken
from deployer.sync.owner import Owner, reserved
from deployer.sync.prune import Pruning
from deployer.sync.result import Progress, Step, SyncResult
from deployer.sync.run import sync
from deployer.sync.source import fetch, render_fetched
from deployer.sync.timing import timed


@dataclass(frozen=True)
class Deployed:
    """What became of one job. `seconds` is all of it; `requests` counts those sent to `github` and `cluster`."""

    application: str
    cluster: str
    revision: str
    result: SyncResult
    message: str
    seconds: float
    requests: Mapping[str, int]


@dataclass(frozen=True)
class How:
    """How one job is done.

    `why` and `who` (a person, or an event) are for the history. `before` is what the ref was before the push that the
    job is about. `timeout` are the seconds to wait for health, instead of the application's own, and 0 does not wait;
    `waited` of them have passed before. At `until` (`time.monotonic()`) a rollout that goes on is left to the next
    reconcile. `dry_run` only asks the server what would happen, and tells nobody. `prune` deletes what left Git, also
    where the application does not ask for it, and `approve_prune` is the commit that may prune any number of objects.
    `told` is the state that the commit has: given, only another one is told, once all is done. `heals` says how often
    the same drift was healed before, in a row. All this was found out of `revision`, `""` where it holds of any.
    """

    revision: str = ""
    why: str = ""
    who: str = ""
    before: str = ""
    timeout: float | None = None
    waited: float = 0.0
    until: float | None = None
    dry_run: bool = False
    prune: bool = False
    approve_prune: str = ""
    told: State | None = None
    heals: int = 0


def deploy(
    placement: Placement,
    settings: Settings,
    how: How,
    progress: Progress,
    turn: AbstractContextManager[object] | None = None,
) -> Deployed:
    """Bring an application's cluster to the commit that its watched ref points at now, and tell that commit.

    Args:
        placement: the application, and where it goes.
        settings: GitHub and Secret Manager.
        how: why, for how long, and with what leave.
        progress: told of each step.
        turn: held while the ref is read and the objects are written, so that an older job never writes after a
            newer one.

    Returns:
        What became of it, also where objects were refused or did not get healthy.

    Raises:
        DeployerError: it came to nothing; the commit, where it is known, has been told so.
        BusyError: another sync is under way; the commit stays pending.
    """
    with open_github(settings) as github, ExitStack() as held:
        job = Job(placement, settings, how, github)
        if turn:
            held.enter_context(turn)
        commit = job.resolve(how.before)
        if how.revision not in ("", commit):
            how = replace(how, why="the ref has moved", waited=0.0, told=None, heals=0)
            job = Job(placement, settings, how, github)
        if how.dry_run:
            return job.carry_out(commit, progress, held.close)
        application = placement.application
        with CommitStatus(github, application.source.repository, commit, application.name, how.told) as status:
            status.begin(f"deploying to {placement.cluster.name}")
            try:
                deployed = job.carry_out(commit, _telling(status, progress), held.close)
            except BusyError:
                raise  # who keeps this sync out, or else the next reconcile, tells the commit
            except DeployerError as error:
                status.end("failure" if isinstance(error, RenderError) else "error", str(error))
                raise
            except BaseException:  # Ctrl-C, too: nobody else would end what is pending
                status.end("error", "the deployer was stopped, or failed in a way it should not; its log says more")
                raise
            status.end(_state(deployed.result), deployed.message)
            if inventory := deployed.result.inventory:
                tell_overtaken(github, application, commit, inventory.history)
            return deployed


class Job:
    """What the steps of one deployment share."""

    def __init__(self, placement: Placement, settings: Settings, how: How, github: GitHub) -> None:
        self.github = github
        self.application = placement.application
        self.cluster = placement.cluster
        self.settings = settings
        self.owner = _owner(placement, how)
        self.options = _options(placement, how, self.owner)
        self.durations: dict[str, float] = {}
        self.start = time.monotonic()

    def resolve(self, before: str) -> str:
        """The commit that the watched ref points at now."""
        source = self.application.source
        if source.repository.host != self.github.host:
            raise ConfigurationError(
                f"{self.application.place}: spec.source.repoURL is at {source.repository.host}, but this deployer "
                f"reads {self.github.host}: change it, or DEPLOYER_GITHUB_API_URL"
            )
        with timed(self.durations, "resolve"):
            if before:
                return resolve_after_push(self.github, source.repository, source.target_revision, before)
            return resolve(self.github, source.repository, source.target_revision)

    def moved(self, commit: str) -> str:
        """Say that the watched ref points at another commit by now; `""` where it does not."""
        now = self.resolve("")
        source = self.application.source
        return "" if now == commit else f"{source.target_revision} of {source.repository} is {now[:7]} by now"

    def carry_out(self, commit: str, progress: Progress, on_written: Callable[[], None]) -> Deployed:
        """Fetch, render and sync a commit."""
        with ThreadPoolExecutor(1) as beside:
            # What the cluster is asked first is independent of GitHub: both are asked at once.
            asking = beside.submit(self._ask_ahead)
            progress(Step(f"reading {self.application.source.repository} at {commit[:7]}"))
            try:
                with timed(self.durations, "fetch"):
                    files = fetch(self.github, self.application, commit, self.settings.limits)
                with timed(self.durations, "render"):
                    manifests = render_fetched(files, self.application, self.settings.limits)
            except BaseException:
                asking.add_done_callback(_close)
                raise
            cluster, ahead = asking.result()
        with closing(cluster):
            result = sync(cluster, manifests, self._options(commit), progress, on_written, ahead)
        seconds = time.monotonic() - self.start
        return Deployed(
            self.application.name,
            cluster.name,
            commit,
            replace(result, durations=_sum(self.durations, result.durations)),
            headline(result, cluster.name, seconds, dry_run=self.options.dry_run),
            seconds,
            {"github": self.github.requests, "cluster": cluster.requests},
        )

    def _options(self, commit: str) -> Options:
        owner = replace(self.owner, revision=commit, moved=partial(self.moved, commit))
        return replace(self.options, owner=owner)

    def _ask_ahead(self) -> tuple[Cluster, Ahead]:
        """Connect, and ask for what needs no manifest."""
        with timed(self.durations, "connect"):
            cluster = open_cluster(self.cluster, self.settings)
        try:
            with ThreadPoolExecutor(PARALLEL) as pool:
                return cluster, ask_ahead(cluster, pool, self.owner, self.durations)
        except BaseException:
            cluster.close()
            raise


def _close(asked: Future[tuple[Cluster, Ahead]]) -> None:
    """Close a cluster that nobody needs."""
    if not asked.exception():
        asked.result()[0].close()


def _sum(some: Mapping[str, float], more: Mapping[str, float]) -> dict[str, float]:
    """Seconds by step, of steps that were taken in two places."""
    return {**some, **{step: some.get(step, 0.0) + seconds for step, seconds in more.items()}}


def _owner(placement: Placement, how: How) -> Owner:
    application = placement.application
    return Owner(
        application.name,
        application.destination.namespace,
        why=how.why,
        who=how.who,
        history_limit=max(1, application.revision_history_limit),  # by the last one a reconcile knows what was done
        neighbours=tuple(empty(one.name, one.destination.namespace) for one in placement.neighbours),
        heals=how.heals,
    )


def _options(placement: Placement, how: How, owner: Owner) -> Options:
    application = placement.application

    def forbidden(key: ObjectKey, namespaced: bool) -> str:
        return reserved(owner, key) or object_problem(
            placement.project, placement.cluster.names, key, namespaced=namespaced
        )

    return Options(
        application.destination.namespace,
        application.create_namespace,
        application.timeout if how.timeout is None else how.timeout,
        how.dry_run,
        forbidden,
        owner,
        Pruning(
            application.prune or how.prune,
            application.max_prune_percentage,
            how.approve_prune,
            application.prune_propagation,
            application.prune_option,
        ),
        how.waited,
        how.until,
    )


def _state(result: SyncResult) -> State:
    if result.outcome == "unfinished":
        return "pending" if result.message else "success"  # without one, nobody wanted to wait
    return "success" if result.outcome == "succeeded" else "failure"


def _telling(status: CommitStatus, progress: Progress) -> Progress:
    """Progress that tells the commit, too, what holds it up."""

    def tell(step: Step) -> None:
        progress(step)
        if step.reason:
            status.held_up(step.reason)

    return tell
