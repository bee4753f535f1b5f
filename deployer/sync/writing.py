"""Writes objects: applies, replaces or makes them anew, runs hooks, and deletes what left Git."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from deployer.cluster.connection import Cluster
from deployer.cluster.inventory import MEMBER
from deployer.cluster.objects import Live, apply
from deployer.cluster.replacing import recreate
from deployer.hooks import Phase
from deployer.manifest import ObjectKey
from deployer.sync.ahead import Ahead
from deployer.sync.contended import own_fields, prune, put
from deployer.sync.definitions import await_definitions, await_kinds
from deployer.sync.each import each
from deployer.sync.hook_run import make
from deployer.sync.options import Options
from deployer.sync.order import in_order
from deployer.sync.prune import Leaver
from deployer.sync.result import Action, Progress, Step
from deployer.sync.targets import Target, misplaced, placed_in
from deployer.sync.timing import timed
from deployer.sync.trying import Trying, kinds

_DEFINITIONS_TIMEOUT = 60.0
"""Seconds that new kinds may take to be served. It is part of writing, which does not end with the wait for health."""

_GONE_TIMEOUT = 60.0
"""Seconds that an object that is made anew may take to be gone."""


class Writing(Trying):
    """What a sync writes: `actions` is what was done."""

    def __init__(self, cluster: Cluster, options: Options, progress: Progress, ahead: Ahead | None = None) -> None:
        super().__init__(cluster, options, progress, ahead)
        self.actions: dict[ObjectKey, Action] = {}
        self._check: Callable[[], None] = unchecked

    def _settle_unchanged(self) -> None:
        """Say of all that is as it should be that nothing was done."""
        unchanged = {target.key for target in self.plan.rest if self.planned[target.key] == "unchanged"}
        self.actions = {**dict.fromkeys(unchanged, "unchanged"), **self.actions}

    def _go_ahead(self, pool: ThreadPoolExecutor) -> None:
        """Write what the others cannot be tried without."""
        ahead = self.plan.ahead
        self._progress(Step(f"going ahead with {kinds([target.manifest for target in ahead])}"))
        self._apply_in_order(pool, [target for target in ahead if target.key not in self.actions])
        self._progress(Step("waiting for new definitions"))
        with timed(self.durations, "definitions"):
            promised = [target.resource for target in (*self.plan.targets, *self.plan.hooks) if target.promised]
            await_definitions(self._cluster, ahead, promised, _DEFINITIONS_TIMEOUT)

    def _apply_in_order(self, pool: ThreadPoolExecutor, targets: Sequence[Target]) -> None:
        by_key = {target.key: target for target in targets}
        for group in in_order(target.manifest for target in targets):
            self._progress(Step(f"applying {kinds(group)}"))
            with timed(self.durations, "apply"):
                self._refuse(each(pool, [by_key[manifest.key] for manifest in group], self._apply))

    def _remove_in_order(self, pool: ThreadPoolExecutor, leavers: Sequence[Leaver]) -> None:
        going = {one.key: one.target for one in leavers}
        reasons: dict[ObjectKey, str] = {}
        for group in reversed(in_order(target.manifest for target in going.values())):
            self._progress(Step(f"pruning {kinds(group)}"))
            with timed(self.durations, "prune"):
                reasons |= each(pool, [going[manifest.key] for manifest in group], self._remove)
        self._refuse(reasons)

    def _arrived(self, late: Sequence[Target]) -> dict[tuple[Phase, ObjectKey], Target]:
        """Find out how objects are addressed whose kinds were not known before; by phase, and the key they had."""
        self._progress(Step(f"waiting for the kinds of {kinds([target.manifest for target in late])}"))
        with timed(self.durations, "definitions"):
            discovery = await_kinds(self._cluster, [target.resource for target in late], _DEFINITIONS_TIMEOUT)
        found: dict[tuple[Phase, ObjectKey], Target] = {}
        for target in late:
            resource = discovery.find(target.resource.group, target.resource.version, target.resource.kind)
            if resource is None:
                self._refuse({target.key: f"the cluster still does not know the kind {target.resource.kind}"})
                continue
            manifest = placed_in(target.manifest, resource, self._options.namespace)
            if problem := misplaced(manifest, resource, self._options.forbidden):
                self._refuse({target.key: problem})
            found[target.phase, target.key] = replace(target, manifest=manifest, resource=resource, late=False)
            if not target.hook:
                self.planned[manifest.key] = self.planned.pop(target.key)
        self.plan = replace(
            self.plan, targets=tuple(found.get((target.phase, target.key), target) for target in self.plan.targets)
        )
        return found

    def _apply(self, target: Target) -> None:
        if target.hook:
            self.live[target.key] = make(
                self._cluster, target, self.operation, self._options.hook_owner, lambda: self._check()
            )
            return
        if self._options.ignored.respect and target.key in self.plan.ignored:
            self._read(target)  # since the plan, waves may have passed
        self.live[target.key] = self._applied(self._known(self._kept(target)))
        self.actions[target.key] = self.planned[target.key]

    def _applied(self, target: Target) -> Live:
        body, options, live = target.manifest.body, target.options, self.live.get(target.key)
        if target.key in self.anew and live:
            return recreate(
                self._cluster,
                target.resource,
                body,
                live,
                owner_label=(MEMBER, self._options.hook_owner),
                propagation=self.plan.pruning.propagation,
                timeout=_GONE_TIMEOUT,
                validate=options.validate,
                before=self._check,
            )
        if options.replace:
            return put(self._cluster, target, live, self._read_anew, self._check)
        if options.take_over and target not in self.plan.home:
            own_fields(self._cluster, target, live, self._read_anew, self._check)
            live = self.live.get(target.key)
        return apply(
            self._cluster,
            target.resource,
            body,
            dry_run=False,
            live=live,
            validate=options.validate,
            before=self._check,
        )

    def _remove(self, target: Target) -> None:
        if why := prune(self._cluster, target, self._options, self.plan.pruning, self._check):
            told = f"{target.key}: {why}"
            self._progress(Step(told, reason=told))
        else:
            self.actions[target.key] = "pruned"


def unchecked() -> None:
    """Hold nothing, and so check nothing."""
