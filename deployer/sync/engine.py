"""Writes a sync: read what is live, try everything on the server, apply what changes.

Nothing is written before all of it has passed the server's dry-run. Only Namespaces and CustomResourceDefinitions
that do not exist yet go ahead, since what needs them cannot be tried without them. Where only a dry-run is asked for,
nothing goes ahead, and one object that is refused does not keep the others from being tried.
"""

import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from deployer.annotations import DEFAULT_TIMEOUT
from deployer.cluster.connection import PARALLEL, Cluster
from deployer.cluster.discovery import discover
from deployer.cluster.objects import Live, apply, get, same
from deployer.errors import ClusterError
from deployer.manifest import Manifest, ObjectKey
from deployer.report.words import plural
from deployer.sync.definitions import await_definitions
from deployer.sync.order import in_order
from deployer.sync.plan import Forbidden, Target, goes_ahead, namespace_target, needs, nothing_forbidden, resolve
from deployer.sync.result import Action, Progress, Step
from deployer.sync.trial import as_wanted, trial, unservable

_DEFINITIONS_TIMEOUT = 60.0
"""Seconds that new kinds may take to be served. It is part of writing, which does not end with the wait for health."""


@dataclass(frozen=True)
class Options:
    """How a sync is done.

    `namespace` and `create_namespace` are the application's, `forbidden` is its project's; `timeout` is in seconds, and
    for health.
    """

    namespace: str = ""
    create_namespace: bool = False
    timeout: float = DEFAULT_TIMEOUT
    dry_run: bool = False
    forbidden: Forbidden = nothing_forbidden


class RefusedError(Exception):
    """Objects that cannot be synced: `reasons` by object, in the order of the manifests."""

    def __init__(self, reasons: Mapping[ObjectKey, str]) -> None:
        super().__init__(next(iter(reasons.values())))
        self.reasons = reasons


class Writing:
    """One sync while it is being written.

    After `run`, or where that raised: `targets` is what was to be done, `planned` what the dry-run says of each
    object, `actions` what was really done, `live` the objects as they are now, `durations` seconds by step. Where only
    a dry-run was asked for, `tried` is what the server says each object would be, and `untried` why it was not asked.
    """

    def __init__(self, cluster: Cluster, options: Options, progress: Progress) -> None:
        self.targets: Sequence[Target] = ()
        self.live: dict[ObjectKey, Live] = {}
        self.planned: dict[ObjectKey, Action] = {}
        self.actions: dict[ObjectKey, Action] = {}
        self.tried: dict[ObjectKey, Live] = {}
        self.untried: dict[ObjectKey, str] = {}
        self.durations: dict[str, float] = {}
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
        self._progress(Step(f"asking cluster {self._cluster.name} for its kinds"))
        with timed(self.durations, "discovery"):
            discovery = discover(self._cluster)
        self.targets, refusals = resolve(manifests, discovery, self._options.namespace, self._options.forbidden)
        self._refuse({refusal.manifest.key: refusal.reason for refusal in refusals})
        with ThreadPoolExecutor(PARALLEL) as pool:
            own_namespace = self._own_namespace()
            known = [*own_namespace, *(target for target in self.targets if not target.promised)]
            self._progress(Step(f"reading {plural(len(known), 'live object')}"))
            with timed(self.durations, "live"):
                self._refuse(_each(pool, known, self._read))
            there = self.live.keys() | self._refused.keys()
            ahead = [target for target in known if goes_ahead(target.manifest) and target.key not in there]
            self._refuse(unservable(self.targets, ahead))
            new = [target.key for target in own_namespace if target in ahead]
            self._refuse({key: reason for key in new if (reason := self._options.forbidden(key, False))})
            rest = [target for target in self.targets if target not in ahead]
            if self._options.dry_run:
                self._only_try(pool, ahead, rest)
                return
            if ahead:
                self._go_ahead(pool, ahead)
            self._write(pool, rest)

    def _refuse(self, reasons: Mapping[ObjectKey, str]) -> None:
        """Stop where there are reasons to; a dry-run, which writes nothing anyway, goes on to find all of them."""
        self._refused.update(reasons)
        if self._refused and not self._options.dry_run:
            raise RefusedError(self._refused)

    def _own_namespace(self) -> list[Target]:
        """The namespace that `CreateNamespace=true` asks for; a Namespace manifest in the source wins."""
        made = namespace_target(self._options.namespace)
        wanted = self._options.create_namespace and self._options.namespace
        return [made] if wanted and all(target.key != made.key for target in self.targets) else []

    def _only_try(self, pool: ThreadPoolExecutor, ahead: Sequence[Target], rest: Sequence[Target]) -> None:
        for target in rest:
            if needs(target, ahead):
                what = "definition" if target.promised else f"Namespace {target.key.namespace}"
                self.untried[target.key] = f"its {what} is new"
                self.planned[target.key] = "created"
        hopeless = self.untried.keys() | self._refused.keys()
        self._dry_run(pool, [target for target in (*ahead, *rest) if target.key not in hopeless])
        if self._refused:
            raise RefusedError(self._refused)

    def _go_ahead(self, pool: ThreadPoolExecutor, ahead: Sequence[Target]) -> None:
        self._progress(Step(f"going ahead with {_kinds([target.manifest for target in ahead])}"))
        self._dry_run(pool, ahead)
        self._apply_in_order(pool, ahead)
        self._progress(Step("waiting for new definitions"))
        with timed(self.durations, "definitions"):
            promised = [target.resource for target in self.targets if target.promised]
            await_definitions(self._cluster, ahead, promised, _DEFINITIONS_TIMEOUT)

    def _write(self, pool: ThreadPoolExecutor, rest: Sequence[Target]) -> None:
        self._dry_run(pool, rest)
        unchanged = {target.key for target in rest if self.planned[target.key] == "unchanged"}
        self.actions.update(dict.fromkeys(unchanged, "unchanged"))
        self._apply_in_order(pool, [target for target in rest if target.key not in unchanged])

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

    def _send(self, target: Target, body: Mapping[str, Any], *, dry_run: bool) -> Live:
        return apply(self._cluster, target.resource, body, dry_run=dry_run, live=self.live.get(target.key))


@contextmanager
def timed(durations: dict[str, float], step: str) -> Iterator[None]:
    """Add the seconds that a block takes to a step's duration."""
    start = time.monotonic()
    try:
        yield
    finally:
        durations[step] = durations.get(step, 0.0) + time.monotonic() - start


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
