"""Deletes what an application has in its cluster, the other way round than it is applied.

As Argo CD's cascading deletion (user guide, "App Deletion"): PreDelete hooks, the objects, PostDelete hooks. It differs
here that the objects go by waves, the highest first; that only what bears the application's label goes; and that an
application which would be deployed again by itself stays deleted until its watched ref moves.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from deployer.cluster.connection import PARALLEL, Cluster
from deployer.cluster.discovery import Resource
from deployer.cluster.hold import Hold
from deployer.cluster.inventory import Inventory
from deployer.cluster.inventory_store import discard
from deployer.cluster.objects import Live
from deployer.errors import BusyError, ClusterError
from deployer.hooks import parse_hook
from deployer.manifest import Manifest, ObjectKey
from deployer.sync.engine import Engine
from deployer.sync.hook_object import HOOK_OF
from deployer.sync.hook_run import remove_hook
from deployer.sync.live import list_within
from deployer.sync.options import Options
from deployer.sync.plan import Plan
from deployer.sync.prune import Leaver
from deployer.sync.record import EndedError, cover
from deployer.sync.result import Progress, Step, SyncResult
from deployer.sync.rollout import Rollout
from deployer.sync.run import first_reason, result_of
from deployer.sync.stages import pruned_in_order
from deployer.sync.targets import Target, hook_name, namespace_target
from deployer.sync.trying import RefusedError

_PHASES = ("PreDelete", "PostDelete")

_USUAL = (
    Resource("batch", "v1", "Job", "jobs", namespaced=True),
    Resource("", "v1", "Pod", "pods", namespaced=True),
)
"""What hooks most often are, also where the source that had them is not known."""

_HELD = "not deleted: in it stands what keeps the application deleted; remove its document first, and delete again"


def delete(
    cluster: Cluster,
    manifests: Sequence[Manifest],
    options: Options,
    progress: Progress,
    agreed: Callable[[Plan], bool],
) -> SyncResult | None:
    """Delete what an application has in a cluster.

    Args:
        cluster: where.
        manifests: the application's; of these, the hooks count.
        options: owner, which is held at nothing afterwards or at nothing else, and how it is pruned.
        progress: told of each step.
        agreed: asked with the plan before anything is written; False ends it.

    Returns:
        What became of it: `pruned` are the objects that are gone, `skipped` those that stay, with the reason. None
        where nobody agreed, and where the application has nothing there.

    Raises:
        ClusterError: the cluster cannot be reached at all.
    """
    engine = Deletion(cluster, options, progress)
    hooks = [manifest for manifest in manifests if parse_hook(manifest)]
    try:
        rollout = engine.delete(hooks, agreed)
        if rollout and rollout.well and not options.dry_run:
            engine.finish()
    except BusyError:
        raise  # its history is another one's to write
    except RefusedError as refused:
        problem = refused.problem or first_reason(refused.reasons)
        engine.give_up(problem)
        return result_of(hooks, engine, options, "failed", Rollout(problem=problem), refused.reasons)
    except EndedError as ended:
        rollout = Rollout(problem=ended.entry.error, fault=ended.entry.fault)
        return result_of(hooks, engine, options, ended.entry.result, rollout, {})
    except ClusterError as error:
        engine.give_up(str(error))
        if not engine.actions and not engine.ran:
            raise
        return result_of(hooks, engine, options, "failed", Rollout(problem=str(error)), {})
    if rollout is None:
        return None
    if options.dry_run:
        return result_of(hooks, engine, options, "unfinished", rollout, {})
    if problem := rollout.problem or rollout.under_way:  # nobody goes on with it: a person deletes again
        engine.give_up(problem, rollout)
        return result_of(hooks, engine, options, "failed", replace(rollout, problem=problem), {})
    return result_of(hooks, engine, options, "succeeded", rollout, {})


class Deletion(Engine):
    """The deletion of one application."""

    _before: Hold | None = None

    def delete(self, hooks: Sequence[Manifest], agreed: Callable[[Plan], bool]) -> Rollout | None:
        """Delete the objects, between the hooks of the deletion; None where nobody agreed, or there is nothing.

        Raises:
            RefusedError: an object waits for approval, or a hook cannot run; nothing is deleted.
            ClusterError: the cluster cannot be reached.
        """
        with ThreadPoolExecutor(PARALLEL) as pool:
            self._find(pool, hooks)
            if not self.plan.leavers and (not self._recorded or self._done_before()):
                return None
            self._refuse({one.key: one.kept for one in self.plan.leavers if one.unapproved})
            self._try_hooks(pool, self._pending())
            if self._options.dry_run:
                if self._refused:
                    raise RefusedError(self._refused)
                self.ran = {hook_name(hook): None for hook in self._due}
                return Rollout() if agreed(self.plan) else None
            if not agreed(self.plan):
                return None
            try:
                return self._delete(pool, hooks)
            finally:
                self._let_go()

    def give_up(self, problem: str, rollout: Rollout | None = None) -> None:
        """Write down that it failed; an application of which nothing was deleted is not held as a deleted one."""
        if self._options.dry_run:
            return
        if self.record and self.record.begun and not self.actions:
            self.record.inventory = replace(self.record.inventory, hold=self._before)
        self.close("failed", problem, rollout.fault if rollout else "")

    def finish(self) -> None:
        """Write down that it is done; or remove the inventory and its Lease, if nothing is left that they tell of.

        The Namespace that they are in goes after them.
        """
        home = [one for one in going(self.plan) if self._is_home(one)]
        self.close("succeeded", left=self.left())
        left = [one for one in self.plan.leavers if one.key not in self.actions and one not in home]
        if not self.record or not self._recorded or self.record.inventory.hold or left or self._members.unseen:
            return
        with self.record.telling():
            discard(self._own, self.record.inventory)
        for one in home:
            self._remove(one.target)

    @property
    def _recorded(self) -> bool:
        """Whether there is an inventory."""
        return self.record is not None and bool(self.record.inventory.resource_version)

    def _done_before(self) -> bool:
        """Whether the application was deleted already, and is held so."""
        inventory, owner = self.record and self.record.inventory, self._options.owner
        if not inventory or not inventory.hold or not owner or not owner.hold:
            return False
        held = (inventory.hold.revision, inventory.hold.instead_of) == (owner.hold.revision, owner.hold.instead_of)
        last = inventory.history[:1]
        return held and bool(last) and last[0].deletion and last[0].result == "succeeded"

    def _find(self, pool: ThreadPoolExecutor, hooks: Sequence[Manifest]) -> None:
        """Find out what goes, and which hooks run."""
        self._plan(pool, hooks)
        self._due = tuple(hook for hook in self.plan.hooks if hook.phase in _PHASES)
        held = self._options.owner.hold if self._options.owner else None
        home = self.record.inventory.namespace if self.record and held else ""
        neighbours = self._options.owner.neighbours if self._options.owner else ()
        self.plan = replace(self.plan, leavers=places_kept(self.plan.leavers, home, neighbours))

    def _is_home(self, leaver: Leaver) -> bool:
        """Whether an object is the Namespace of the inventory."""
        return self.record is not None and leaver.key == namespace_target(self.record.inventory.namespace).key

    def _delete(self, pool: ThreadPoolExecutor, hooks: Sequence[Manifest]) -> Rollout:
        if self.record and self._recorded:
            self._before = self.record.inventory.hold
            self._check = self._held.enter_context(self.record.alone()).check
            known = {one.key for one in going(self.plan)}
            while not self.record.begin(cover([one.key for one in self.plan.leavers])):
                self._find(pool, hooks)
                if not {one.key for one in going(self.plan)} <= known:
                    raise ClusterError("meanwhile there is more than was to be deleted: look at it, and delete again")
        rollout = self._run_hooks(pool, "PreDelete")
        if rollout.well:
            self._take_up()
            rollout = self._remove_all(pool, [one for one in going(self.plan) if not self._is_home(one)])
        if rollout.well:
            self._take_up()
            self._remove_hooks(pool)
            rollout = self._run_hooks(pool, "PostDelete")
        if rollout.well:
            self._take_up()
            self._clean_up(pool, succeeded=True)
        return rollout

    def _remove_all(self, pool: ThreadPoolExecutor, leavers: Sequence[Leaver]) -> Rollout:
        rollout = self._prune(pool, leavers)
        last = pruned_in_order(leavers)[-1:]
        return self._await_gone(pool, last[0]) if rollout.well and last else rollout

    def _remove_hooks(self, pool: ThreadPoolExecutor) -> None:
        """Delete what the hooks of earlier syncs have left; one that cannot be deleted is told, and stays."""
        mine = {hook.key for hook in self._due}
        for resource, live in self._left_by_hooks():
            metadata = live["metadata"]
            key = ObjectKey(resource.group, resource.kind, metadata.get("namespace") or "", metadata["name"])
            if key in mine or self._options.forbidden(key, resource.namespaced):
                continue
            self._progress(Step(f"deleting hook {key}"))
            try:
                remove_hook(self._cluster, resource, live, self._check)
            except ClusterError as error:
                self._tell(f"{key} was not deleted: {error}")

    def _left_by_hooks(self) -> Iterator[tuple[Resource, Live]]:
        places = {hook.key.namespace for hook in self.plan.hooks}
        if self.record:
            places |= {self.record.inventory.namespace, *self.record.inventory.namespaces}
        for resource in {*_USUAL, *(hook.resource for hook in self.plan.hooks if not hook.promised)}:
            try:
                found = list_within(self._cluster, resource, places - {""}, f"{HOOK_OF}={self._options.hook_owner}")
            except ClusterError as error:
                self._tell(f"whether hooks have left a {resource.kind} is not known: {error}")
                continue
            # Whoever can write a label somewhere must not make the deployer delete things there.
            yield from ((resource, one) for one in found if one["metadata"].get("namespace", "") in places)


def places_kept(leavers: Iterable[Leaver], held: str = "", neighbours: Iterable[Inventory] = ()) -> tuple[Leaver, ...]:
    """Keep the Namespaces of what stays: it would go with them, whatever it says.

    Args:
        leavers: what the application has.
        held: the namespace of the inventory, where that has to stay.
        neighbours: the other applications of the cluster.
    """
    leavers = tuple(leavers)
    staying = {one.key.namespace: f"not deleted: {one.key} stays in it" for one in leavers if one.kept}
    staying |= {one.namespace: f"not deleted: application {one.application} is in it" for one in neighbours}
    staying |= {held: _HELD} if held else {}
    places = {namespace_target(name).key: why for name, why in staying.items()}
    return tuple(replace(one, kept=one.kept or places.get(one.key, "")) for one in leavers)


def going(plan: Plan) -> list[Leaver]:
    """The objects that a deletion deletes."""
    return [one for one in plan.leavers if not one.kept]


def running(plan: Plan) -> list[Target]:
    """The hooks that a deletion runs, in their order."""
    return sorted(
        (one for one in plan.hooks if one.phase in _PHASES), key=lambda one: (_PHASES.index(one.phase), one.wave)
    )
