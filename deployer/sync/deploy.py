"""One job: an application's watched ref → its commit → files → manifests → cluster → commit status."""

import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, replace
from functools import partial

from deployer.application import Application, Directory
from deployer.cluster.connection import Cluster, connect
from deployer.cluster.inventory import empty
from deployer.cluster_document import ClusterDocument
from deployer.errors import ConfigurationError, DeployerError, RenderError
from deployer.github.client import GitHub
from deployer.github.files import read_tree
from deployer.github.revision import resolve, resolve_after_push
from deployer.github.statuses import State
from deployer.limits import Limits
from deployer.manifest import Manifest
from deployer.project import Project, object_problem
from deployer.rendering.directory import manifest_paths, refuse_other_tools
from deployer.rendering.render import render
from deployer.report import log
from deployer.report.commit import CommitStatus
from deployer.report.words import headline
from deployer.secrets import read_secret, read_setting
from deployer.settings import Settings
from deployer.sync.options import Options
from deployer.sync.owner import Owner, reserved
from deployer.sync.prune import Pruning
from deployer.sync.result import Outcome, Progress, Step, SyncResult
from deployer.sync.run import sync
from deployer.sync.timing import timed

_STATES: Mapping[Outcome, State] = {"succeeded": "success", "failed": "failure", "unfinished": "success"}


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


def deploy(
    application: Application,
    destination: ClusterDocument,
    project: Project,
    settings: Settings,
    progress: Progress,
    *,
    before: str = "",
    timeout: float | None = None,
    dry_run: bool = False,
    turn: AbstractContextManager[object] | None = None,
    neighbours: Sequence[Application] = (),
    why: str = "",
    who: str = "",
    prune: bool = False,
    approve_prune: str = "",
) -> Deployed:
    """Bring an application's cluster to the commit that its watched ref points at now, and tell that commit.

    Args:
        application: what to deploy.
        destination: the cluster to deploy it to.
        project: what it may deploy there.
        settings: GitHub and Secret Manager.
        progress: told of each step.
        before: what the ref was before the push that this job is about; `""` where there was none.
        timeout: seconds to wait for health instead of the application's own; 0 does not wait.
        dry_run: only ask the server what would happen; the commit is not told.
        turn: held while the ref is read and the objects are written, so that an older job never writes after a
            newer one.
        neighbours: the other applications of this cluster, whose objects are theirs.
        why: why the job runs, for the history.
        who: the person or the event behind it.
        prune: delete what left Git, also where the application itself does not ask for it.
        approve_prune: the commit that may prune any number of objects; its first seven characters are enough.

    Returns:
        What became of it, also where objects were refused or did not get healthy.

    Raises:
        DeployerError: it came to nothing; the commit, where it is known, has been told so.
    """
    owner = Owner(
        application.name,
        application.destination.namespace,
        why=why,
        who=who,
        history_limit=application.revision_history_limit,
        neighbours=tuple(empty(one.name, one.destination.namespace) for one in neighbours),
    )
    options = Options(
        application.destination.namespace,
        application.create_namespace,
        application.timeout if timeout is None else timeout,
        dry_run,
        lambda key, namespaced: (
            reserved(owner, key) or object_problem(project, destination.names, key, namespaced=namespaced)
        ),
        owner,
        Pruning(
            application.prune or prune,
            application.max_prune_percentage,
            approve_prune,
            application.prune_propagation,
            application.prune_option,
        ),
    )
    github = open_github(settings)
    job = _Job(application, destination, settings, options, github)
    with github, ExitStack() as held:
        if turn:
            held.enter_context(turn)
        commit = job.resolve(before)
        if dry_run:
            return job.carry_out(commit, progress, held.close)
        with CommitStatus(github, application.source.repository, commit, application.name) as status:
            status.set("pending", f"deploying to {destination.name}")
            try:
                deployed = job.carry_out(commit, _telling(status, progress), held.close)
            except DeployerError as error:
                status.set("failure" if isinstance(error, RenderError) else "error", str(error))
                raise
            except BaseException:  # Ctrl-C, too: nobody else would end what is pending
                status.set("error", "the deployer was stopped, or failed in a way it should not; its log says more")
                raise
            status.set(_STATES[deployed.result.outcome], deployed.message)
            return deployed


class _Job:
    """What the steps of one deployment share."""

    def __init__(
        self,
        application: Application,
        destination: ClusterDocument,
        settings: Settings,
        options: Options,
        github: GitHub,
    ) -> None:
        self.github = github
        self.application = application
        self.destination = destination
        self.settings = settings
        self.options = options
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
            # The way to the cluster is independent of GitHub: both are asked at once.
            connecting = beside.submit(self._connect)
            progress(Step(f"reading {self.application.source.repository} at {commit[:7]}"))
            with timed(self.durations, "fetch"):
                files = fetch(self.github, self.application, commit, self.settings.limits)
            with timed(self.durations, "render"):
                manifests = render_fetched(files, self.application, self.settings.limits)
            cluster = connecting.result()
        try:
            result = sync(cluster, manifests, self._options(commit), progress, on_written)
        finally:
            cluster.close()
        seconds = time.monotonic() - self.start
        return Deployed(
            self.application.name,
            cluster.name,
            commit,
            replace(result, durations={**self.durations, **result.durations}),
            headline(result, cluster.name, seconds, dry_run=self.options.dry_run),
            seconds,
            {"github": self.github.requests, "cluster": cluster.requests},
        )

    def _options(self, commit: str) -> Options:
        owner = self.options.owner
        known = owner and replace(owner, revision=commit, moved=partial(self.moved, commit))
        return replace(self.options, owner=known)

    def _connect(self) -> Cluster:
        secret = self.destination.kubeconfig_secret
        read = partial(read_secret, secret, self.settings.secret_manager_endpoint)
        with timed(self.durations, "connect"):
            return connect(self.destination.name, read(), secret, renew=partial(read, fresh=True))


def open_github(settings: Settings) -> GitHub:
    """Connect to GitHub with the settings' token, which no line of the log will show.

    Raises:
        ConfigurationError: it is not set, or no token.
        SecretError: it cannot be read where it is said to be.
    """
    where = settings.require_github_token()

    def read(*, fresh: bool) -> str:
        token = read_setting("DEPLOYER_GITHUB_TOKEN", where, settings.secret_manager_endpoint, fresh=fresh)
        log.hide(token)
        return token

    return GitHub(settings.github_api_url, read(fresh=False), renew=partial(read, fresh=True))


def render_some(
    files: Mapping[str, bytes], directory: Directory, where: str, limits: Limits, *, allow_empty: bool = False
) -> list[Manifest]:
    """Render files that must hold manifests.

    Args:
        files: content by path.
        directory: which of them count.
        where: what they are, for the error.
        limits: how much they may ask for.
        allow_empty: whether there may be none.

    Raises:
        RenderError: they are not valid, or there is none: an empty source is more likely a mistake than a wish.
    """
    manifests = render(files, directory, limits)
    if not manifests and not allow_empty:
        raise RenderError(f"there are no manifests at {where}: check `path`, and `directory.recurse` for folders below")
    return manifests


def render_fetched(files: Mapping[str, bytes], application: Application, limits: Limits) -> list[Manifest]:
    """Render what `fetch` has read, as `render_some` does."""
    source = application.source
    where = f"{source.path} in {source.repository.full_name}"
    return render_some(files, source.directory, where, limits, allow_empty=application.allow_empty)


def fetch(github: GitHub, application: Application, commit: str, limits: Limits) -> dict[str, bytes]:
    """Read the files of an application that may be manifests.

    Args:
        github: where from.
        application: whose source says repository, path, and which files count.
        commit: at which commit.
        limits: how many files, and how many bytes, there may be; held before anything is fetched.

    Returns:
        Their content by path, relative to the source's path.

    Raises:
        SourceError: the path is not there, a file cannot be read.
        RenderError: the folder is for a tool that is not supported, or has too many files.
    """
    source = application.source
    tree = read_tree(github, source.repository, commit)
    paths = tree.paths(source.path, recurse=source.directory.recurse)
    refuse_other_tools(paths, application=application.name, explicit_directory=source.explicit_directory)
    manifests = manifest_paths(paths, source.directory, limits)
    return tree.read(source.path, manifests, max_bytes=limits.total_bytes)


def _telling(status: CommitStatus, progress: Progress) -> Progress:
    """Progress that tells the commit, too, what holds it up."""

    def tell(step: Step) -> None:
        progress(step)
        if step.reason:
            status.held_up(step.reason)

    return tell
