"""Carries a plan out, stage by stage: write, wait until that is healthy, write what comes next.

Nothing is written before all of it has passed the server's dry-run, but for what goes ahead. An application has an
inventory, which is widened before the first write, and one sync at a time: it is written under its Lease. While a sync
waits the Lease is free, so that a newer commit need not wait for a rollout that hangs; the inventory says which sync is
the last, and only that one goes on. Whoever goes on with a sync that was killed finds there which hooks have ended.
"""

import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial

from deployer.cluster.connection import PARALLEL, Cluster
from deployer.cluster.health import Health
from deployer.cluster.history import DELETION, Fault
from deployer.errors import BusyError, ClusterError, DeployerError
from deployer.hooks import Phase
from deployer.manifest import Manifest, ObjectKey
from deployer.sync.ahead import Ahead
from deployer.sync.each import each
from deployer.sync.hook_run import clean_up, earlier, let_go
from deployer.sync.options import Options
from deployer.sync.prune import Leaver
from deployer.sync.record import Cover, EndedError, Record, cover
from deployer.sync.result import Outcome, Progress, Step
from deployer.sync.rollout import LOST, Rollout, await_end, await_health, still_there
from deployer.sync.stages import SYNC, Stage, pruned_in_order, stages
from deployer.sync.targets import Target, hook_name, namespace_target
from deployer.sync.timing import timed
from deployer.sync.trying import RefusedError
from deployer.sync.writing import Writing, unchecked

_ASK_AGAIN = 10.0
"""Seconds between two questions, in a wait, whether a newer commit is there: such a question is free for GitHub's limit
while the answer is the same."""


class Engine(Writing):
    """One sync from its plan to its end.

    After `run`, or where that raised: `plan` is what was to be done, `actions` what was done, `live` the objects as
    they are now. `ran` are the hooks that have ended or are under way, by `targets.hook_name`, with their health.
    `paused` says that the operation is left to the next reconcile.
    """

    def __init__(
        self,
        cluster: Cluster,
        options: Options,
        progress: Progress,
        ahead: Ahead | None = None,
        on_written: Callable[[], None] = lambda: None,
    ) -> None:
        super().__init__(cluster, options, progress, ahead)
        self._waited, self._left_alone = options.waited, 0.0
        self._asked = time.monotonic()
        self.ran: dict[str, Health | None] = {}
        self.paused = False
        self._ended: dict[str, str] = {}
        self._due: tuple[Target, ...] = ()
        self._on_written = on_written
        self._held = ExitStack()
        self._arrivals: dict[tuple[Phase, ObjectKey], Target] = {}

    def run(self, manifests: Sequence[Manifest]) -> Rollout:
        """Bring the cluster's objects to the manifests.

        Returns:
            How the last wait ended: with a problem, with what is still under way, or with all objects healthy.

        Raises:
            RefusedError: some objects cannot be synced; what `actions` does not name is untouched.
            ClusterError: the cluster cannot be reached at all, or a newer sync has taken this one's place.
            EndedError: another process has brought this sync to its end.
        """
        with ThreadPoolExecutor(PARALLEL) as pool:
            if self._options.dry_run:
                self.only_try(pool, manifests)
                return Rollout()
            try:
                return self._carry_out(pool, manifests)
            finally:
                self._let_go()

    def close(self, outcome: Outcome, problem: str = "", fault: Fault = "", left: Cover | None = None) -> None:
        """Write into the inventory what became of the sync, unless the inventory is another sync's by now."""
        if self.record:
            # That a newer sync has written there meanwhile is no news to one that was overtaken.
            with suppress(ClusterError) if fault == "overtaken" else self.record.telling():
                self.record.end(outcome, self.counts(), self.durations, problem, left, fault)

    @property
    def overtaken(self) -> bool:
        """Whether a newer sync has taken this one's place."""
        return self.record is not None and self.record.over

    def counts(self) -> dict[str, int]:
        """How many objects met each action."""
        return dict(Counter(map(str, self.actions.values())))

    def left(self) -> Cover:
        """What the inventory must cover after the sync."""
        kept = [one.key for one in self.plan.leavers if one.key not in self.actions]
        unseen = self._members.unseen
        before = self.record.inventory.namespaces if self.record and unseen else ()
        return cover([*(target.key for target in self.plan.targets), *kept], unseen, before)

    def _carry_out(self, pool: ThreadPoolExecutor, manifests: Sequence[Manifest]) -> Rollout:
        self._find_out(pool, manifests)
        if self.record and (self._writes() or self._due or self.record.interrupted or self.record.holds):
            self._begin(pool, self.record, manifests)
        if self.plan.ahead:
            self._go_ahead(pool)
            self._dry_run(pool, self.plan.rest)
            self._try_hooks(pool, self._pending())
        self._settle_unchanged()
        self._resume()
        try:
            rollout = self._failed_before() or self._stages(pool)
        except BusyError:
            raise  # who keeps this sync out goes on with it
        except (RefusedError, ClusterError) as error:
            self._after_failure(pool, str(error))
            raise
        if rollout.fault == "overtaken":
            self._leave()
        elif rollout.problem:
            return self._after_failure(pool, rollout.problem, rollout.fault) or rollout
        elif rollout.under_way:
            self._pause()
        elif self._due:
            self._take_up()
            self._clean_up(pool, succeeded=True)
        return rollout

    def _find_out(self, pool: ThreadPoolExecutor, manifests: Sequence[Manifest]) -> None:
        """Plan, and try what can be tried; hooks are due by what that says."""
        self._plan(pool, manifests)
        self._dry_run(pool, self.plan.ahead or self.plan.rest)
        hooks = self._options.hooks
        resumed = self.record is not None and self.record.resumed
        due = hooks == "always" or (hooks == "changes" and (resumed or self._writes() or self._owed()))
        self._due = self.plan.hooks if due else ()
        if not self.plan.ahead:
            self._try_hooks(pool, self._pending())

    def _writes(self) -> bool:
        """Whether there is anything to write."""
        changed = any(action != "unchanged" for action in self.planned.values())
        lost = self.record and self.plan.targets and not self.record.inventory.resource_version
        return bool(changed or lost) or any(not one.kept for one in self.plan.leavers)

    def _owed(self) -> bool:
        """Whether the last sync did not get to its end for the sake of a hook, or of health, for which others wait."""
        last = self.record.inventory.history[:1] if self.record else ()
        return any(one.result == "failed" and one.fault in ("health", "hook") for one in last)

    def _pending(self) -> list[Target]:
        """The hooks that are due and have not ended."""
        ended = self.operation.hooks.keys() | self._ended.keys()
        return [hook for hook in self._due if hook_name(hook) not in ended]

    def _begin(self, pool: ThreadPoolExecutor, record: Record, manifests: Sequence[Manifest]) -> None:
        """Take the Lease, and say in the inventory that this sync is under way."""
        # The inventory and its Lease need their namespace.
        home = namespace_target(record.inventory.namespace)
        self._apply_in_order(pool, [target for target in self.plan.ahead if target.key == home.key])
        self._check = self._held.enter_context(record.alone()).check
        earlier = record.interrupted
        while not record.begin(cover([target.key for target in self.plan.targets])):
            self._find_out(pool, manifests)
        if earlier and not record.resumed:
            namespaces = {record.inventory.namespace, *record.inventory.namespaces}
            let_go(self._cluster, namespaces, self.operation, self._options.hook_owner, self._check)

    def _resume(self) -> None:
        """Go on counting where another process has stopped."""
        if self.record and self.record.begun and self.record.resumed:
            self._waited = self.operation.waited
            if self.record.paused:
                self._left_alone = max(0.0, (datetime.now(UTC) - self.record.paused).total_seconds())

    def _failed_before(self) -> Rollout | None:
        """How the sync has failed in another process, which did not get to the end of that; None where it has not."""
        operation = self.operation
        hook = next((name for name, ended in operation.hooks.items() if ended == "failed"), "")
        problem = operation.error or (f"{hook} has failed" if hook else "")
        return Rollout(problem=problem, fault=operation.fault if operation.error else "hook") if problem else None

    def _stages(self, pool: ThreadPoolExecutor) -> Rollout:
        """Write one stage after the other; returns how the last wait ended."""
        changing = [target for target in self.plan.rest if self.planned[target.key] != "unchanged"]
        hooks = [hook for hook in self._pending() if hook.phase in SYNC]
        going = [leaver for leaver in self.plan.leavers if not leaver.kept]
        # A heal is about what has drifted, and about nothing else.
        objects = changing if self._options.hooks == "never" else self.plan.targets
        running: tuple[Target, ...] = ()
        for stage in stages(objects, changing, hooks, going):
            rollout = self._await(stage.healthy, running)
            if rollout.well:
                rollout = self._write(pool, stage)
            if not rollout.well:
                return rollout
            running = stage.hooks
        if self.record and self.record.begun and not self._due:
            # All that is left is to see how the rollout ends, which needs no operation.
            self._check()
            self.record.end("unfinished", self.counts(), self.durations, left=self.left())
        self._let_go()
        if self._options.wait:
            return self._await(self.plan.targets, running)
        return Rollout(under_way="nobody waits for its hooks") if running else Rollout()

    def _write(self, pool: ThreadPoolExecutor, stage: Stage) -> Rollout:
        """Write the objects and the hooks of a stage, and prune what goes with it."""
        late = [one for one in (*stage.targets, *stage.hooks) if one.late]
        if late:
            self._arrivals |= self._arrived(late)
            self._dry_run(pool, [self._now(one) for one in late if not one.hook])
            self._try_hooks(pool, [self._now(one) for one in late if one.hook])
        hooks = [self._now(one) for one in stage.hooks]
        rollout = self._await_earlier(pool, hooks) if hooks else Rollout()
        if not rollout.well:
            return rollout
        self._take_up()
        self._apply_in_order(pool, [*(self._now(one) for one in stage.targets), *hooks])
        return self._prune(pool, stage.leavers)

    def _now(self, target: Target) -> Target:
        """A target as it is addressed by now, where its kind was not known when the stages were found."""
        return self._arrivals.get((target.phase, target.key), target)

    def _prune(self, pool: ThreadPoolExecutor, leavers: Sequence[Leaver]) -> Rollout:
        """Delete what left Git, the other way round than it is applied; what cannot be deleted stays a member."""
        for group in pruned_in_order(leavers):
            wave = group[0].target.wave
            above = [one for one in self.plan.leavers if one.target.wave > wave and self._goes(one)]
            rollout = self._await_gone(pool, above)
            if not rollout.well:
                return rollout
            self._take_up()
            self._remove_in_order(pool, group)
        return Rollout()

    def _goes(self, leaver: Leaver) -> bool:
        """Whether an object has been deleted, by this sync or before it."""
        return leaver.key in self.actions or bool(leaver.target.manifest.body["metadata"].get("deletionTimestamp"))

    def _await(self, objects: Sequence[Target], hooks: Sequence[Target]) -> Rollout:
        """Wait for objects and hooks; the Lease is let go where there is something to wait for."""
        targets = [self._now(one) for one in (*objects, *hooks) if not one.options.ignore_health]
        start, options = time.monotonic(), self._options
        with timed(self.durations, "wait"):
            rollout = await_health(
                self._cluster,
                targets,
                self.live,
                options.timeout,
                self._progress,
                waited=self._waited + self._left_alone,
                until=options.until,
                on_wait=self._let_go,
                moved=self._moved,
            )
        self._count(rollout, time.monotonic() - start)
        if rollout.fault == "overtaken":  # that an object was written by a newer sync does not say of which commit
            rollout = replace(rollout, problem=self._newer() or rollout.problem)
        self.live.update({key: live for key, live in rollout.live.items() if live})
        lost = [hook for hook in hooks if _status(rollout, hook) == "Missing"]
        if lost and self.record and self.record.begun:
            self.record.go_on()  # whoever has ended it may have deleted its hooks, too
            if all(self.operation.hooks.get(hook_name(hook)) == "succeeded" for hook in lost):
                return self._await(objects, [hook for hook in hooks if hook not in lost])
        for hook in map(self._now, hooks):
            health = rollout.healths.get(hook.key)
            self.ran[hook_name(hook)] = health
            if health is None or health.status == "Healthy":
                self._ended[hook_name(hook)] = "succeeded"
            elif health.status in LOST:
                self._ended[hook_name(hook)] = "failed"
        return rollout

    def _await_earlier(self, pool: ThreadPoolExecutor, hooks: Sequence[Target]) -> Rollout:
        """Wait until what an earlier sync runs has ended: nobody stops a migration half-way."""
        found = partial(earlier, self._cluster, pool, hooks, self.operation, self._options.hook_owner)
        return self._await_end(found, "hook")

    def _await_gone(self, pool: ThreadPoolExecutor, leavers: Sequence[Leaver]) -> Rollout:
        """Wait until what was deleted is gone, which its finalizers may hold up."""
        return self._await_end(partial(still_there, self._cluster, pool, [one.target for one in leavers]))

    def _await_end(self, held_up: Callable[[], str], fault: Fault = "") -> Rollout:
        options = self._options
        left = options.timeout - self._waited - self._left_alone
        start = time.monotonic()
        with timed(self.durations, "wait"):
            rollout = await_end(
                held_up,
                left,
                self._progress,
                until=options.until,
                on_wait=self._let_go,
                moved=self._moved,
                fault=fault,
            )
        self._count(rollout, time.monotonic() - start)
        return rollout

    def _moved(self) -> str:
        """Say that a newer commit has taken this one's place; asked anew every `_ASK_AGAIN` seconds."""
        return self._newer() if time.monotonic() - self._asked >= _ASK_AGAIN else ""

    def _newer(self) -> str:
        owner = self._options.owner
        if owner is None or owner.why == DELETION:
            return ""
        self._asked = time.monotonic()
        try:
            return owner.moved()
        except DeployerError:
            return ""  # whether it is there will be known the next time, or by its own sync

    def _count(self, rollout: Rollout, seconds: float) -> None:
        """Count the time of a wait. While nobody looked, only what was waited for then used it up."""
        self._waited += seconds if rollout.well else seconds + self._left_alone
        self._left_alone = 0.0

    def _take_up(self) -> None:
        """Go on under the Lease after a wait, and note which hooks have ended; nothing where there is no record."""
        if not self.record or not self.record.begun:
            return
        if self._check is unchecked:
            self._check = self._held.enter_context(self.record.alone()).check
            self.record.go_on()
        self.record.note(self._ended)

    def _let_go(self) -> None:
        """Give the Lease back; other jobs of this process may write from now on, too."""
        self._held.close()
        self._check = unchecked
        self._on_written()

    def _pause(self) -> None:
        """Leave what is under way to the next reconcile."""
        if self.record and self.record.begun:
            self.paused = True
            with self.record.telling():
                self.record.pause(self._ended, self._waited, self.counts())

    def _leave(self) -> None:
        """Leave the sync to a newer commit's, which lets go of its hooks; where the ref has moved back, it goes on.

        Raises SupersededError, which says what the newer commit is, where that has begun.
        """
        if self.record and self.record.begun:
            self.record.go_on()
            self._pause()

    def _after_failure(self, pool: ThreadPoolExecutor, problem: str, fault: Fault = "") -> Rollout | None:
        """Run the hooks of the phase SyncFail, and delete those that are to go after a failure.

        What goes wrong here is told, and does not take the place of the problem. Returns what is still under way.
        """
        if not self._due or (self.record and not self.record.begun):
            return None
        if not self.operation.error:
            self._waited = self._left_alone = 0.0  # these hooks have a time of their own
        self._take_up()
        try:
            if self.record:
                self.record.note(self._ended, error=problem, fault=fault)
            self._refused.clear()  # these were told
            rollout = self._run_hooks(pool, "SyncFail")
            if rollout.under_way:
                self._pause()
                return rollout
            self._tell(rollout.problem)
            self._take_up()
            self._clean_up(pool, succeeded=False)
        except (RefusedError, ClusterError, EndedError) as error:
            self._tell(f"what is done after a failure was not: {error}")
        return None

    def _run_hooks(self, pool: ThreadPoolExecutor, phase: Phase) -> Rollout:
        """Run the hooks of a phase without objects, wave by wave, up to the first that fails."""
        for stage in stages((), (), [hook for hook in self._pending() if hook.phase == phase]):
            rollout = self._write(pool, stage)
            if rollout.well:
                rollout = self._await((), stage.hooks)
            if not rollout.well:
                return rollout
        return Rollout()

    def _clean_up(self, pool: ThreadPoolExecutor, *, succeeded: bool) -> None:
        """Delete the hooks that have ended, as their policies say; what cannot be deleted is told, and stays."""
        ended = {**self.operation.hooks, **self._ended}

        def act(hook: Target) -> None:
            clean_up(self._cluster, hook, self.operation, ended, succeeded=succeeded, check=self._check)

        made = [self._now(hook) for hook in self._due if not self._now(hook).late]
        for key, why in each(pool, made, act).items():
            self._tell(f"{key} was not deleted: {why}")

    def _tell(self, message: str) -> None:
        if message:
            self._progress(Step(message, reason=message))


def _status(rollout: Rollout, target: Target) -> str:
    health = rollout.healths.get(target.key)
    return health.status if health else ""
