"""Writes a sync: read what is live, try everything on the server, apply what changes.

Nothing is written before all of it has passed the server's dry-run. Only Namespaces and CustomResourceDefinitions
that do not exist yet go ahead, since what needs them cannot be tried without them. Where only a dry-run is asked for,
nothing goes ahead, and one object that is refused does not keep the others from being tried.

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
from deployer.cluster.discovery import Discovery, discover
from deployer.cluster.guarded import remove
from deployer.cluster.objects import Live, apply, get, same
from deployer.errors import ClusterError
from deployer.manifest import Manifest, ObjectKey
from deployer.report.words import plural
from deployer.sync.definitions import await_definitions
from deployer.sync.live import Members, list_members
from deployer.sync.options import Options
from deployer.sync.order import in_order
from deployer.sync.owner import Owner, foreign, labelled
from deployer.sync.prune import Leaver, guard, leavers
from deployer.sync.record import Cover, Record, cover
from deployer.sync.result import Action, Progress, Step
from deployer.sync.targets import Target, goes_ahead, namespace_target, needs, resolve
from deployer.sync.timing import timed
from deployer.sync.trial import as_wanted, trial, unservable

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

    After `run`, or where that raised: `targets` is what was to be done, `planned` what the dry-run says of each
    object, `actions` what was really done, `live` the objects as they are now, `durations` seconds by step. Where only
    a dry-run was asked for, `tried` is what the server says each object would be, and `untried` why it was not asked.
    `leavers` are the objects that left Git, and `record` is the inventory, where there is an owner.
    """

    def __init__(self, cluster: Cluster, options: Options, progress: Progress) -> None:
        self.targets: Sequence[Target] = ()
        self.live: dict[ObjectKey, Live] = {}
        self.planned: dict[ObjectKey, Action] = {}
        self.actions: dict[ObjectKey, Action] = {}
        self.tried: dict[ObjectKey, Live] = {}
        self.untried: dict[ObjectKey, str] = {}
        self.durations: dict[str, float] = {}
        self.leavers: Sequence[Leaver] = ()
        self.record = Record(cluster, options.owner, progress) if options.owner else None
        self._members = Members()
        self._problem = ""
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
            ahead, rest = self._plan(pool, manifests)
            if self._options.dry_run:
                self._only_try(pool, ahead, rest)
                return
            self._dry_run(pool, ahead or rest)
            writes = ahead or self._changed(rest) or any(not one.kept for one in self.leavers)
            if self.record and (writes or self.record.interrupted):
                # The inventory and its Lease need their namespace.
                home = namespace_target(self.record.inventory.namespace)
                self._apply_in_order(pool, [target for target in ahead if target.key == home.key])
                self._check = held.enter_context(self.record.alone()).check
                while not self.record.begin(cover([target.key for target in self.targets])):
                    ahead, rest = self._plan(pool, manifests)
                    self._dry_run(pool, ahead or rest)
            if ahead:
                self._go_ahead(pool, ahead)
                self._dry_run(pool, rest)
            self._write(pool, rest)
            self._prune(pool)
            if self.record and self.record.begun:
                self._check()
                self.record.end("unfinished", self.counts(), self.durations, left=self.left())

    def counts(self) -> dict[str, int]:
        """How many objects met each action."""
        return dict(Counter(map(str, self.actions.values())))

    def left(self) -> Cover:
        """What the inventory must cover after the sync."""
        kept = [one.key for one in self.leavers if one.key not in self.actions]
        unseen = self._members.unseen
        before = self.record.inventory.namespaces if self.record and unseen else ()
        return cover([*(target.key for target in self.targets), *kept], unseen, before)

    def _plan(
        self, pool: ThreadPoolExecutor, manifests: Sequence[Manifest]
    ) -> tuple[Sequence[Target], Sequence[Target]]:
        """Find out what is to be done; returns what goes ahead, and the rest."""
        for earlier in (self.live, self.planned, self._refused):
            earlier.clear()
        self._progress(Step(f"asking cluster {self._cluster.name} for its kinds"))
        with timed(self.durations, "discovery"):
            reading = pool.submit(self.record.read) if self.record else None
            discovery = discover(self._cluster)
            if reading:
                reading.result()
        self.targets, refusals = resolve(manifests, discovery, self._options.namespace, self._options.forbidden)
        self._refuse({refusal.manifest.key: refusal.reason for refusal in refusals})
        own_namespace = self._own_namespace()
        with timed(self.durations, "live"):
            if self.record and self._options.owner:
                self._list(pool, discovery, self.record, self._options.owner)
            known = [*own_namespace, *(target for target in self.targets if not target.promised)]
            unread = [target for target in known if target.key not in self.live.keys() | self._refused.keys()]
            self._progress(Step(f"reading {plural(len(unread), 'live object')}"))
            self._refuse(_each(pool, unread, self._read))
        if owner := self._options.owner:
            there = [target.key for target in self.targets if target.key in self.live]
            taken = {key: foreign(owner, self.live[key]) for key in there}
            self._refuse({key: reason for key, reason in taken.items() if reason})
        settled = self.live.keys() | self._refused.keys()
        ahead = [target for target in known if goes_ahead(target.manifest) and target.key not in settled]
        self._refuse(unservable(self.targets, ahead))
        new = [target.key for target in own_namespace if target in ahead]
        if self._options.namespace:  # else it is the deployer's own, of which the project need not know
            self._refuse({key: reason for key in new if (reason := self._options.forbidden(key, False))})
        return ahead, [target for target in self.targets if target not in ahead]

    def _list(self, pool: ThreadPoolExecutor, discovery: Discovery, record: Record, owner: Owner) -> None:
        """Find the members, and among them those that left Git."""
        self.targets = [labelled(target, owner) for target in self.targets]
        self._progress(Step(f"listing the objects of {owner.application}"))
        self._members = list_members(self._cluster, pool, discovery, record.inventory, self.targets)
        for kind in self._members.unseen.keys() & record.inventory.group_kinds:
            told = f"whether a {kind} left Git is not known: {self._members.unseen[kind]}"
            self._progress(Step(told, reason=told))
        self._refuse(self._members.refused)
        self.live.update(self._members.live(self.targets))
        desired = {target.key for target in self.targets}
        self.leavers = leavers(self._members.found, desired, owner.id, self._options.pruning, self._options.forbidden)
        going, all_of_them = sum(not one.kept for one in self.leavers), len({one.key for one in self._members.found})
        self._problem = guard(going, all_of_them, self._options.pruning, owner.application, owner.revision)
        if self._problem and not self._options.dry_run:
            raise RefusedError({}, self._problem)

    def _changed(self, targets: Sequence[Target]) -> bool:
        return any(self.planned[target.key] != "unchanged" for target in targets)

    def _refuse(self, reasons: Mapping[ObjectKey, str]) -> None:
        """Stop where there are reasons to; a dry-run, which writes nothing anyway, goes on to find all of them."""
        self._refused.update(reasons)
        if self._refused and not self._options.dry_run:
            raise RefusedError(self._refused)

    def _own_namespace(self) -> list[Target]:
        """The namespace that `CreateNamespace=true` asks for; a Namespace manifest in the source wins.

        An application without a namespace has its inventory in one that is made like that. Where the inventory is
        there, its namespace is.
        """
        name = self._options.namespace if self._options.create_namespace else ""
        if self.record and not self._options.namespace:
            name = self.record.inventory.namespace
        if self.record and self.record.inventory.resource_version:
            name = ""
        made = namespace_target(name)
        return [made] if name and all(target.key != made.key for target in self.targets) else []

    def _only_try(self, pool: ThreadPoolExecutor, ahead: Sequence[Target], rest: Sequence[Target]) -> None:
        for target in rest:
            if needs(target, ahead):
                what = "definition" if target.promised else f"Namespace {target.key.namespace}"
                self.untried[target.key] = f"its {what} is new"
                self.planned[target.key] = "created"
        hopeless = self.untried.keys() | self._refused.keys()
        self._dry_run(pool, [target for target in (*ahead, *rest) if target.key not in hopeless])
        if self._refused or self._problem:
            raise RefusedError(self._refused, self._problem)

    def _go_ahead(self, pool: ThreadPoolExecutor, ahead: Sequence[Target]) -> None:
        self._progress(Step(f"going ahead with {_kinds([target.manifest for target in ahead])}"))
        self._apply_in_order(pool, [target for target in ahead if target.key not in self.actions])
        self._progress(Step("waiting for new definitions"))
        with timed(self.durations, "definitions"):
            promised = [target.resource for target in self.targets if target.promised]
            await_definitions(self._cluster, ahead, promised, _DEFINITIONS_TIMEOUT)

    def _write(self, pool: ThreadPoolExecutor, rest: Sequence[Target]) -> None:
        unchanged = {target.key for target in rest if self.planned[target.key] == "unchanged"}
        self.actions = {**dict.fromkeys(unchanged, "unchanged"), **self.actions}
        self._apply_in_order(pool, [target for target in rest if target.key not in unchanged])

    def _prune(self, pool: ThreadPoolExecutor) -> None:
        """Delete what left Git, the other way round than it is applied; what cannot be deleted stays a member."""
        going = {one.key: one.target for one in self.leavers if not one.kept}
        reasons: dict[ObjectKey, str] = {}
        for group in reversed(in_order(target.manifest for target in going.values())):
            self._progress(Step(f"pruning {_kinds(group)}"))
            with timed(self.durations, "prune"):
                reasons |= _each(pool, [going[manifest.key] for manifest in group], self._remove)
        self._refuse(reasons)

    def _dry_run(self, pool: ThreadPoolExecutor, targets: Sequence[Target]) -> None:
        self._progress(Step(f"dry-run of {plural(len(targets), 'object')}"))
        with timed(self.durations, "dry-run"):
            self._refuse(_each(pool, targets, self._try))

    def _apply_in_order(self, pool: ThreadPoolExecutor, targets: Sequence[Target]) -> None:
        by_key = {target.key: target for target in targets}
        for group in in_order(target.manifest for target in targets):
            self._progress(Step(f"applying {_kinds(group)}"))
            with timed(self.durations, "apply"):
                self._refuse(_each(pool, [by_key[manifest.key] for manifest in group], self._apply))

    def _read(self, target: Target) -> None:
        live = get(self._cluster, target.resource, target.key.namespace, target.key.name)
        if live is not None:
            self.live[target.key] = live

    def _try(self, target: Target) -> None:
        tried = self._send(target, trial(target, self.targets, self.live), dry_run=True)
        live = self.live.get(target.key)
        if live is not None and _version(live) != _version(tried):
            # Somebody wrote in between, such as a controller the status: like is compared with like.
            self._read(target)
            live = self.live[target.key]
        self.planned[target.key] = "created" if live is None else "unchanged" if same(live, tried) else "updated"
        if self._options.dry_run:
            self.tried[target.key] = as_wanted(tried, target.manifest)

    def _apply(self, target: Target) -> None:
        self.live[target.key] = self._send(target, target.manifest.body, dry_run=False)
        self.actions[target.key] = self.planned[target.key]

    def _remove(self, target: Target) -> None:
        remove(self._cluster, target.resource, target.manifest.body, self._options.pruning.propagation, self._check)
        self.actions[target.key] = "pruned"

    def _send(self, target: Target, body: Mapping[str, Any], *, dry_run: bool) -> Live:
        check = _unchecked if dry_run else self._check
        live = self.live.get(target.key)
        return apply(self._cluster, target.resource, body, dry_run=dry_run, live=live, before=check)


def _unchecked() -> None:
    """Hold nothing, and so check nothing."""


def _each(pool: ThreadPoolExecutor, targets: Sequence[Target], act: Callable[[Target], None]) -> dict[ObjectKey, str]:
    """Act on each target in parallel, and on all of them, even where some are refused; returns every reason there was.

    Raises:
        ClusterError: the cluster cannot be reached. Nobody is asked any more after the first who found that out, since
            each would take as long; those under way end.
    """
    lost: list[ClusterError] = []

    def reason(target: Target) -> str | None:
        if lost:
            return None
        try:
            act(target)
        except ClusterError as error:
            if error.status == 0 and error.transient:
                lost.append(error)
            return str(error)
        return None

    reasons = [(target.key, said) for target, said in zip(targets, pool.map(reason, targets), strict=True)]
    if lost:
        raise lost[0]
    return {key: said for key, said in reasons if said is not None}


def _version(live: Live) -> object:
    return live["metadata"].get("resourceVersion")


def _kinds(group: Sequence[Manifest]) -> str:
    """Such as `3 ConfigMap` or `Deployment/web`."""
    if len(group) == 1:
        return str(group[0].key)
    counts = Counter(manifest.kind for manifest in group)
    return ", ".join(f"{count} {kind}" for kind, count in counts.items())
