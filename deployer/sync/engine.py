"""Writes a sync: read what is live, plan, try on the server what may change, apply it.

What the plan knows to be as it should be is asked about no more. Nothing is written before all the rest has passed the
server's dry-run, which also tells of a new object whether it is there without our label. Only Namespaces and
CustomResourceDefinitions that do not exist yet go ahead, since what needs them cannot be tried without them. Where only
a dry-run is asked for, nothing goes ahead, and one object that is refused does not keep the others from being tried.

An application has an inventory, which is widened before the first write, and one sync at a time: it is written under
its Lease. What left Git is pruned once all else is applied, and before health is waited for: the Lease is held for no
longer than there is something to write, and a rollout that fails has its own end.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any

from deployer.cluster.connection import PARALLEL, Cluster
from deployer.cluster.discovery import Discovery, Resource, discover
from deployer.cluster.inventory import GroupKind
from deployer.cluster.objects import Live, apply, get, same
from deployer.errors import ClusterError
from deployer.manifest import Manifest, ObjectKey
from deployer.report.words import plural
from deployer.sync.ahead import Ahead, ask_ahead
from deployer.sync.claims import Claims
from deployer.sync.contended import own_fields, prune
from deployer.sync.definitions import await_definitions
from deployer.sync.drift import FieldChange, as_taken_over, changes
from deployer.sync.each import each
from deployer.sync.live import Members, list_members
from deployer.sync.options import Options
from deployer.sync.order import in_order
from deployer.sync.owner import label
from deployer.sync.plan import Plan, Wanted, plan, wanted
from deployer.sync.record import Cover, Record, cover
from deployer.sync.result import Action, Progress, Step
from deployer.sync.targets import Target, goes_ahead, namespace_target, needs
from deployer.sync.timing import timed
from deployer.sync.trial import as_wanted, trial

_DEFINITIONS_TIMEOUT = 60.0
"""Seconds that new kinds may take to be served. It is part of writing, which does not end with the wait for health."""


class RefusedError(Exception):
    """A sync that is not carried out: `reasons` by object, in the order of the manifests, or a `problem` of all."""

    def __init__(self, reasons: Mapping[ObjectKey, str], problem: str = "") -> None:
        super().__init__(problem or next(iter(reasons.values())))
        self.reasons = reasons
        self.problem = problem


class Writing:
    """One sync while it is being written.

    After `run`, or where that raised: `plan` is what was to be done; `planned` and `changes` are what the server's
    dry-run made of its actions and fields; `actions` is what was really done, `live` the objects as they are now,
    `durations` seconds by step. Where only a dry-run was asked for, `tried` is what the server says each object would
    be, and `untried` why it was not asked. `record` is the inventory, where there is an owner.
    """

    def __init__(self, cluster: Cluster, options: Options, progress: Progress, ahead: Ahead | None = None) -> None:
        self.plan = Plan()
        self.live: dict[ObjectKey, Live] = {}
        self.planned: dict[ObjectKey, Action] = {}
        self.changes: dict[ObjectKey, tuple[FieldChange, ...]] = {}
        self.actions: dict[ObjectKey, Action] = {}
        self.tried: dict[ObjectKey, Live] = {}
        self.untried: dict[ObjectKey, str] = {}
        self.durations: dict[str, float] = {}
        self.record = Record(cluster, options.owner, progress) if options.owner else None
        self._claims = Claims(cluster, options.owner, progress) if options.owner else None
        self._members = Members()
        self._ahead = ahead
        self._check: Callable[[], None] = _unchecked
        self._cluster = cluster
        self._options = options
        self._progress = progress
        self._refused: dict[ObjectKey, str] = {}

    def run(self, manifests: Sequence[Manifest]) -> None:
        """Bring the cluster's objects to the manifests, without waiting for health.

        Raises:
            RefusedError: some objects cannot be; what `actions` does not name is untouched.
            ClusterError: the cluster cannot be reached at all.
        """
        with ThreadPoolExecutor(PARALLEL) as pool, ExitStack() as held:
            self._plan(pool, manifests)
            if self._options.dry_run:
                self._only_try(pool)
                return
            self._dry_run(pool, self.plan.ahead or self.plan.rest)
            if self.record and (self._writes() or self.record.interrupted):
                # The inventory and its Lease need their namespace.
                home = namespace_target(self.record.inventory.namespace)
                self._apply_in_order(pool, [target for target in self.plan.ahead if target.key == home.key])
                self._check = held.enter_context(self.record.alone()).check
                while not self.record.begin(cover([target.key for target in self.plan.targets])):
                    self._plan(pool, manifests)
                    self._dry_run(pool, self.plan.ahead or self.plan.rest)
            if self.plan.ahead:
                self._go_ahead(pool)
                self._dry_run(pool, self.plan.rest)
            self._write(pool)
            self._prune(pool)
            if self.record and self.record.begun:
                self._check()
                self.record.end("unfinished", self.counts(), self.durations, left=self.left())

    def counts(self) -> dict[str, int]:
        """How many objects met each action."""
        return dict(Counter(map(str, self.actions.values())))

    def left(self) -> Cover:
        """What the inventory must cover after the sync."""
        kept = [one.key for one in self.plan.leavers if one.key not in self.actions]
        unseen = self._members.unseen
        before = self.record.inventory.namespaces if self.record and unseen else ()
        return cover([*(target.key for target in self.plan.targets), *kept], unseen, before)

    def _plan(self, pool: ThreadPoolExecutor, manifests: Sequence[Manifest]) -> None:
        """Find out what is to be done."""
        for earlier in (self.live, self.planned, self.changes, self._refused):
            earlier.clear()
        discovery, lists = self._discover(pool)
        inventory = self.record.inventory if self.record else None
        source = wanted(manifests, discovery, self._options, inventory)
        self.plan = Plan(source.targets)
        self._refuse(source.refused)
        with timed(self.durations, "live"):
            self._look(pool, discovery, source, lists)
        with timed(self.durations, "plan"):
            self.plan = plan(source, self.live, self._members, self._options, inventory)
        self.planned.update(self.plan.actions)
        self.changes.update(self.plan.changes)
        self._refuse(self.plan.refused)
        if self.plan.problem and not self._options.dry_run:
            raise RefusedError({}, self.plan.problem)

    def _discover(self, pool: ThreadPoolExecutor) -> tuple[Discovery, Mapping[Resource, Sequence[Live]]]:
        """Find out which kinds there are; of an application read the inventory, too, and what this says to list."""
        ahead, self._ahead = self._ahead, None  # it is news only once
        if not ahead:
            self._progress(Step(f"asking cluster {self._cluster.name} for its kinds"))
        if self.record and (owner := self._options.owner):
            ahead = ahead or ask_ahead(self._cluster, pool, owner, self.durations)
            self.record.take(ahead.inventory)
            return ahead.discovery, ahead.lists
        with timed(self.durations, "discovery"):
            return discover(self._cluster), {}

    def _look(
        self,
        pool: ThreadPoolExecutor,
        discovery: Discovery,
        source: Wanted,
        lists: Mapping[Resource, Sequence[Live]],
    ) -> None:
        """Read what is there: members with a list a kind, one by one what has to be known before it can be tried."""
        unread = [*source.home, *(target for target in source.targets if not target.promised)]
        if self.record and (owner := self._options.owner):
            self._progress(Step(f"listing the objects of {owner.application}"))
            inventory = self.record.inventory
            self._members = list_members(self._cluster, pool, discovery, inventory, source.targets, lists)
            for kind in self._members.unseen.keys() & inventory.group_kinds:
                told = f"whether a {kind} left Git is not known: {self._members.unseen[kind]}"
                self._progress(Step(told, reason=told))
            self.live.update(self._members.live(source.targets))
            unseen = self._members.unseen
            unread = [one for one in unread if goes_ahead(one.manifest) or GroupKind(*one.key[:2]) in unseen]
        known = self.live.keys() | self._refused.keys() | self._members.refused.keys()
        unread = [target for target in unread if target.key not in known]
        if unread:
            self._progress(Step(f"reading {plural(len(unread), 'live object')}"))
        self._refuse(each(pool, unread, self._read))

    def _refuse(self, reasons: Mapping[ObjectKey, str]) -> None:
        """Stop where there are reasons to; a dry-run, which writes nothing anyway, goes on to find all of them."""
        self._refused.update(reasons)
        if self._refused and not self._options.dry_run:
            raise RefusedError(self._refused)

    def _writes(self) -> bool:
        """Whether there is anything to write."""
        changed = any(action != "unchanged" for action in self.planned.values())
        lost = self.record and self.plan.targets and not self.record.inventory.resource_version
        return bool(changed or lost) or any(not one.kept for one in self.plan.leavers)

    def _only_try(self, pool: ThreadPoolExecutor) -> None:
        for target in self.plan.rest:
            if needs(target, self.plan.ahead):
                what = "definition" if target.promised else f"Namespace {target.key.namespace}"
                self.untried[target.key] = f"its {what} is new"
        hopeless = self.untried.keys() | self._refused.keys()
        self._dry_run(pool, [one for one in (*self.plan.ahead, *self.plan.rest) if one.key not in hopeless])
        if self._refused or self.plan.problem:
            raise RefusedError(self._refused, self.plan.problem)

    def _go_ahead(self, pool: ThreadPoolExecutor) -> None:
        ahead = self.plan.ahead
        self._progress(Step(f"going ahead with {_kinds([target.manifest for target in ahead])}"))
        self._apply_in_order(pool, [target for target in ahead if target.key not in self.actions])
        self._progress(Step("waiting for new definitions"))
        with timed(self.durations, "definitions"):
            promised = [target.resource for target in self.plan.targets if target.promised]
            await_definitions(self._cluster, ahead, promised, _DEFINITIONS_TIMEOUT)

    def _write(self, pool: ThreadPoolExecutor) -> None:
        unchanged = {target.key for target in self.plan.rest if self.planned[target.key] == "unchanged"}
        self.actions = {**dict.fromkeys(unchanged, "unchanged"), **self.actions}
        self._apply_in_order(pool, [target for target in self.plan.rest if target.key not in unchanged])

    def _prune(self, pool: ThreadPoolExecutor) -> None:
        """Delete what left Git, the other way round than it is applied; what cannot be deleted stays a member."""
        going = {one.key: one.target for one in self.plan.leavers if not one.kept}
        reasons: dict[ObjectKey, str] = {}
        for group in reversed(in_order(target.manifest for target in going.values())):
            self._progress(Step(f"pruning {_kinds(group)}"))
            with timed(self.durations, "prune"):
                reasons |= each(pool, [going[manifest.key] for manifest in group], self._remove)
        self._refuse(reasons)

    def _dry_run(self, pool: ThreadPoolExecutor, targets: Sequence[Target]) -> None:
        """Try what may change."""
        unsure = [target for target in targets if self.planned[target.key] != "unchanged"]
        if unsure:
            self._progress(Step(f"dry-run of {plural(len(unsure), 'object')}"))
        with timed(self.durations, "dry-run"):
            self._refuse(each(pool, unsure, self._try))

    def _apply_in_order(self, pool: ThreadPoolExecutor, targets: Sequence[Target]) -> None:
        by_key = {target.key: target for target in targets}
        for group in in_order(target.manifest for target in targets):
            self._progress(Step(f"applying {_kinds(group)}"))
            with timed(self.durations, "apply"):
                self._refuse(each(pool, [by_key[manifest.key] for manifest in group], self._apply))

    def _read(self, target: Target) -> None:
        live = get(self._cluster, target.resource, target.key.namespace, target.key.name)
        if live is None:
            self.live.pop(target.key, None)
            return
        if self._claims:
            self._claims.check(live, {one.key.namespace for one in self.plan.targets} - {""})
        elif theirs := label(live):
            raise ClusterError(f"belongs to an application, by its label {theirs[:80]}: change it in that one's source")
        self.live[target.key] = live

    def _read_anew(self, target: Target) -> Live | None:
        self._read(target)
        return self.live.get(target.key)

    def _try(self, target: Target) -> None:
        tried = self._send(target, trial(target, self.plan.targets, self.live), dry_run=True)
        live = self.live.get(target.key)
        if _version(live) != _version(tried):
            # It is there without our label, or somebody wrote in between, such as a controller the status: like is
            # compared with like.
            live = self._read_anew(target)
            self.changes[target.key] = tuple(changes(target.manifest.body, live)) if live else ()
        self.planned[target.key] = "created" if live is None else "unchanged" if same(live, tried) else "updated"
        if self._options.dry_run:
            wanted = as_wanted(tried, target.manifest)
            self.tried[target.key] = as_taken_over(wanted, target.manifest.body, live) if live else wanted

    def _apply(self, target: Target) -> None:
        own_fields(self._cluster, target, self.live.get(target.key), self._read_anew, self._check)
        self.live[target.key] = self._send(target, target.manifest.body, dry_run=False)
        self.actions[target.key] = self.planned[target.key]

    def _remove(self, target: Target) -> None:
        if why := prune(self._cluster, target, self._options, self.plan.pruning, self._check):
            told = f"{target.key}: {why}"
            self._progress(Step(told, reason=told))
        else:
            self.actions[target.key] = "pruned"

    def _send(self, target: Target, body: Mapping[str, Any], *, dry_run: bool) -> Live:
        check = _unchecked if dry_run else self._check
        live = self.live.get(target.key)
        return apply(self._cluster, target.resource, body, dry_run=dry_run, live=live, before=check)


def _unchecked() -> None:
    """Hold nothing, and so check nothing."""


def _version(live: Live | None) -> object:
    """The resourceVersion of an object; None where it is not there, and of a dry-run that would create it."""
    return live["metadata"].get("resourceVersion") if live else None


def _kinds(group: Sequence[Manifest]) -> str:
    """Such as `3 ConfigMap` or `Deployment/web`."""
    if len(group) == 1:
        return str(group[0].key)
    counts = Counter(manifest.kind for manifest in group)
    return ", ".join(f"{count} {kind}" for kind, count in counts.items())
