"""The steps of one deployment: a commit → files → manifests → cluster."""

import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial

from deployer.annotations import REQUIRE_VERIFIED
from deployer.cluster import inventory_store
from deployer.cluster.connection import PARALLEL, Cluster
from deployer.cluster.history import DELETION, Entry
from deployer.cluster.hold import Hold
from deployer.cluster.inventory import Inventory, empty, recorded
from deployer.configuration import Placement
from deployer.errors import ClusterError, ConfigurationError, DeletedError, DeployerError, StaysError
from deployer.github.checks import read_checks
from deployer.github.client import GitHub
from deployer.github.revision import contains, resolve, resolve_after_push
from deployer.github.touched import touched_between
from deployer.github.verified import VERIFIED, Signature, read_signature
from deployer.manifest import Manifest, ObjectKey
from deployer.project import object_problem
from deployer.report.words import headline
from deployer.settings import Settings
from deployer.sync.ahead import Ahead, ask_ahead
from deployer.sync.connections import open_cluster
from deployer.sync.gate import Gate, gate
from deployer.sync.how import Deployed, How
from deployer.sync.ignoring import Ignoring
from deployer.sync.options import Options
from deployer.sync.owner import Owner, reserved, superseded_by
from deployer.sync.prune import Pruning
from deployer.sync.result import Progress, Step
from deployer.sync.rollback import BY_HAND, held_at, in_words, message, since_when, target
from deployer.sync.run import sync
from deployer.sync.source import fetch, render_fetched
from deployer.sync.timing import timed


class Job:
    """What the steps of one deployment share. Raises ConfigurationError for a repository of another GitHub."""

    def __init__(self, placement: Placement, settings: Settings, how: How, github: GitHub) -> None:
        self.github = github
        self.placement = placement
        self.application = placement.application
        self.cluster = placement.cluster
        self.settings = settings
        self.how = how
        self.owner = _owner(placement, how)
        self.options = _options(placement, how, self.owner)
        self.durations: dict[str, float] = {}
        self._asking: Future[tuple[Cluster, Ahead]] | None = None
        self.start = time.monotonic()
        host = self.application.source.repository.host
        if host != github.host:
            raise ConfigurationError(
                f"{self.application.place}: spec.source.repoURL is at {host}, but this deployer reads {github.host}: "
                "change it, or DEPLOYER_GITHUB_API_URL"
            )

    def again(self, how: How) -> "Job":
        """The same job, done in another way: what the cluster was asked is not asked again."""
        job = Job(self.placement, self.settings, how, self.github)
        job._asking, job.durations, job.start = self._asking, self.durations, self.start
        return job

    @property
    def requests(self) -> dict[str, int]:
        """How many were sent, by neighbour."""
        asked = self._asking
        cluster = asked.result()[0].requests if asked and not asked.exception() else 0
        return {"github": self.github.requests, "cluster": cluster}

    def inventory(self) -> Inventory | None:
        """The application's inventory as it was when this job began; None where the cluster cannot be asked."""
        with self.asking() as asking:
            return None if asking.exception() else asking.result()[1].inventory

    def resolve(self, before: str) -> str:
        """The commit that the watched ref points at now."""
        source = self.application.source
        with timed(self.durations, "resolve"):
            if before:
                return resolve_after_push(
                    self.github, source.repository, source.target_revision, before, self.how.after
                )
            return resolve(self.github, *source.ref)

    def moved(self, commit: str) -> str:
        """Say that the watched ref points at another commit by now; `""` where it does not.

        One that waits for its checks, or has failed them, takes nobody's place; neither does one that is not signed, or
        touches nothing of the application: it would not be deployed.
        """
        now = self.resolve("")
        source = self.application.source
        if now == commit or not self.gate(now).is_open or not self.touched(now, commit):
            return ""
        return f"{superseded_by(now)}: {source.target_revision} of {source.repository} has moved"

    def gate(self, commit: str) -> Gate:
        """Say whether a commit's checks and its signature let it be deployed."""
        names = self.application.require_checks
        checks = read_checks(self.github, self.application.source.repository, commit, names) if names else {}
        return gate(names, checks, self.signature(commit))

    def signature(self, commit: str) -> Signature:
        """How a commit is signed, as GitHub says; where it need not be, that is as good as verified."""
        if not self.application.require_verified:
            return VERIFIED
        return read_signature(self.github, self.application.source.repository, commit)

    def touched(self, commit: str, present: str) -> bool:
        """Whether a commit may render to something else than the one that is deployed, as far as its paths say."""
        paths = self.application.generate_paths
        if not paths or not present:
            return True
        return commit != present and touched_between(
            self.github, self.application.source.repository, paths, present, commit
        )

    def carry_out(
        self, commit: str, progress: Progress, on_written: Callable[[], None], hold: Hold | None = None
    ) -> Deployed:
        """Fetch, render and sync a commit, or what the application is held at instead.

        Args:
            commit: what the watched ref points at.
            progress: told of each step.
            on_written: called when other jobs may write.
            hold: what it is to be held at from now on; None leaves it at what it is held at.

        Raises:
            DeletedError: it was deleted, and is held at nothing.
            DeployerError: it came to nothing.
        """
        with self.asking() as asking:
            try:
                manifests, problem = self.manifests(hold.revision if hold else commit, progress), None
            except DeployerError as error:
                manifests, problem = [], error
            try:
                cluster, ahead = asking.result()
            except DeployerError:
                if problem:
                    raise problem from None
                raise
            was = held_at(ahead.inventory.hold, commit)
            if was and (hold or self.how.release or self.how.rollback is not None):
                dry_run = self.how.dry_run
                progress(Step(in_words(was, self.application) if dry_run else f"no longer {since_when(was)}"))
            elif was and not was.revision:
                raise DeletedError(in_words(was, self.application))
            elif was and not self.contained(was.revision, commit):
                told = f"the inventory holds it at {was.revision[:7]}, which the ref does not contain: not believed"
                progress(Step(told, reason=told))
            elif was:
                hold, (manifests, problem) = was, (self.manifests(was.revision, progress), None)
            if problem:
                self._note(cluster, ahead.inventory, commit, problem)
                raise problem
            revision = hold.revision if hold else commit
            result = sync(cluster, manifests, self.options_for(commit, revision, hold), progress, on_written, ahead)
        seconds = time.monotonic() - self.start
        return Deployed(
            self.application.name,
            cluster.name,
            revision,
            replace(result, durations=_sum(self.durations, result.durations)),
            message(hold, result, headline(result, cluster.name, seconds, dry_run=self.options.dry_run)),
            seconds,
            {"github": self.github.requests, "cluster": cluster.requests},
            hold,
            ahead.inventory,
        )

    @contextmanager
    def asking(self) -> Iterator[Future[tuple[Cluster, Ahead]]]:
        """Ask the cluster for what needs no manifest, beside whatever the block does: that is independent of GitHub.

        A block within a block shares what was asked. The connection is closed at the end of the outer one.
        """
        if self._asking:
            yield self._asking
            return
        with ThreadPoolExecutor(1) as beside:
            self._asking = beside.submit(self._ask_ahead)
            try:
                yield self._asking
            finally:
                asked, self._asking = self._asking, None
                if not asked.exception():  # which waits for it
                    asked.result()[0].close()

    def _note(self, cluster: Cluster, inventory: Inventory, commit: str, problem: DeployerError) -> None:
        """Count in the inventory, if there is one, that a commit came to nothing before the cluster was asked to."""
        if self.how.dry_run or not inventory.resource_version or inventory.operation:
            return
        how = self.how
        entry = Entry(commit, datetime.now(UTC), how.why, how.who, "failed", {}, {}, str(problem))
        after = recorded(inventory, entry, self.owner.history_limit)
        with suppress(ClusterError):  # the commit is told in any case
            inventory_store.write(cluster, inventory, after)
            problem.kept = True

    def back(self, commit: str) -> Hold | None:
        """Say what the application is to return to; None for the commit that its watched ref points at anyway.

        Raises:
            ConfigurationError: there is no such sync, or none that was healthy.
            StaysError: GitHub must verify its commit, and does not.
            DeletedError: meanwhile somebody has deleted the application.
            ClusterError: the cluster cannot be reached.
        """
        with closing(open_cluster(self.cluster, self.settings)) as cluster:
            inventory = inventory_store.read(cluster, self.application.name, self.application.destination.namespace)
        hold = held_at(inventory.hold, commit)
        asked_at = self.how.asked_at and self.how.asked_at.replace(microsecond=0)  # the inventory's are whole seconds
        twice = hold and asked_at and hold.who == self.how.who and hold.since >= asked_at
        if hold and (twice or self.how.why != BY_HAND):  # else somebody was quicker
            if not hold.revision:
                raise DeletedError(in_words(hold, self.application))
            return hold
        entry = target(inventory, self.how.rollback or 0, self.application.name, commit)
        if entry.revision == commit:
            return None
        self._check_contained(entry.revision, commit)
        self._check_verified(entry.revision)
        return Hold(entry.revision, commit, datetime.now(UTC), self.how.who, self.how.why)

    def contained(self, revision: str, commit: str) -> bool:
        """Whether a commit is one of the watched ref's: whoever may write the inventory may have named any."""
        return contains(self.github, self.application.source.repository, commit, revision)

    def _check_contained(self, revision: str, commit: str) -> None:
        """Refuse to return to a commit that is none of the watched ref's."""
        source = self.application.source
        if not self.contained(revision, commit):
            raise ConfigurationError(
                f"{self.application.name} cannot be held at {revision[:7]}: {source.target_revision} of "
                f"{source.repository} does not contain that commit (any more); revert to it with Git instead, or run "
                f"`deployer sync {self.application.name}`"
            )

    def _check_verified(self, revision: str) -> None:
        """Refuse a commit that GitHub must verify, and does not."""
        signature, what = self.signature(revision), f"{self.application.name} cannot be deployed at {revision[:7]}"
        if signature.state == "waiting":
            raise StaysError(f"{what} yet, which waits for {signature.words} ({REQUIRE_VERIFIED}); try again later")
        if signature != VERIFIED:
            raise StaysError(f"{what}, which is {signature.words} ({REQUIRE_VERIFIED}); push a signed commit instead")

    def manifests(self, revision: str, progress: Progress) -> list[Manifest]:
        """Fetch and render a commit.

        Whoever has chosen it, the inventory included, where anybody may have written it: one that GitHub must verify,
        and does not, comes no further than here.

        Raises:
            StaysError: GitHub must verify it, and does not.
            DeployerError: it cannot be fetched, or rendered.
        """
        self._check_verified(revision)
        progress(Step(f"reading {self.application.source.repository} at {revision[:7]}"))
        with timed(self.durations, "fetch"):
            fetched = fetch(self.github, self.application, revision, self.settings.limits)
        with timed(self.durations, "render"):
            return render_fetched(fetched, self.settings.limits, allow_empty=self.application.allow_empty)

    def options_for(self, commit: str, revision: str, hold: Hold | None) -> Options:
        """How a revision is synced, while the watched ref points at a commit."""
        insists = self.how.release or self.how.why in (BY_HAND, DELETION)
        moved = partial(self.moved, commit)
        owner = replace(self.owner, revision=revision, moved=moved, hold=hold, insists=insists)
        return replace(self.options, owner=owner)

    def _ask_ahead(self) -> tuple[Cluster, Ahead]:
        """Connect, and ask for what needs no manifest."""
        with timed(self.durations, "connect"):
            cluster = open_cluster(self.cluster, self.settings)
        try:
            with ThreadPoolExecutor(PARALLEL) as pool:
                return cluster, ask_ahead(cluster, pool, self.owner, self.durations, self.options.impersonate)
        except BaseException:
            cluster.close()
            raise


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
        how.timeout or application.timeout,
        how.dry_run,
        forbidden,
        owner,
        Pruning(
            application.prune or how.prune,
            application.max_prune_percentage,
            how.approve_prune,
            application.prune_propagation,
            application.prune_option,
            last=application.object_defaults.prune_last,
            command="sync" if how.rollback is None else "rollback",
        ),
        waited=how.waited,
        until=how.until,
        hooks=how.hooks,
        defaults=application.object_defaults,
        wait=how.timeout != 0,  # without, the application's own is for what is between two waves
        impersonate=placement.account,
        ignored=Ignoring(application.ignore_differences, application.respect_ignore_differences, application.place),
        namespace_metadata=application.namespace_metadata,
    )
