"""Finds out what a sync is to do, and tries it on the server: read what is live, plan, dry-run what may change.

What the plan knows to be as it should be is asked about no more. The server's dry-run also tells of a new object
whether it is there without our label. Namespaces and CustomResourceDefinitions that do not exist yet go ahead, since
what needs them cannot be tried without them. Nothing is written here.
"""

import dataclasses
import secrets
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

from deployer.cluster.connection import Cluster
from deployer.cluster.discovery import Discovery, Resource, discover
from deployer.cluster.guarded import update
from deployer.cluster.inventory import GroupKind
from deployer.cluster.objects import Live, apply, get
from deployer.cluster.operation import Operation
from deployer.cluster.replacing import is_immutable, replace, try_create
from deployer.errors import ClusterError
from deployer.manifest import Manifest, ObjectKey
from deployer.report.words import plural
from deployer.retry import with_retries
from deployer.sync.ahead import Ahead, ask_ahead
from deployer.sync.claims import Claims
from deployer.sync.drift import FieldChange, changes
from deployer.sync.each import each
from deployer.sync.hook_turn import foreign, hook_turn
from deployer.sync.ignored import Ignored
from deployer.sync.known_fields import known_fields
from deployer.sync.live import Members, list_members
from deployer.sync.options import Options
from deployer.sync.owner import label
from deployer.sync.plan import Plan, Wanted, plan, wanted
from deployer.sync.record import Record
from deployer.sync.replacement import would_change
from deployer.sync.result import Action, Progress, Step
from deployer.sync.take_over import as_taken_over, defaulting, take_over
from deployer.sync.targets import Target, goes_ahead, needs
from deployer.sync.timing import timed
from deployer.sync.trial import as_wanted, trial


class RefusedError(Exception):
    """A sync that is not carried out: `reasons` by object, in the order of the manifests, or a `problem` of all."""

    def __init__(self, reasons: Mapping[ObjectKey, str], problem: str = "") -> None:
        super().__init__(problem or next(iter(reasons.values())))
        self.reasons = dict(reasons)  # as they are now: what follows on a failure begins with none
        self.problem = problem


class Trying:
    """One sync before it is written.

    `plan` is what is to be done; `planned` and `changes` are what the server's dry-run makes of its actions and fields;
    `live` are the objects as they are, `durations` seconds by step. Where only a dry-run was asked for, `tried` is what
    the server says each object would be, and `untried` why it was not asked. `anew` are those that have to be deleted
    and made again. `record` is the inventory, where there is an owner.
    """

    def __init__(self, cluster: Cluster, options: Options, progress: Progress, ahead: Ahead | None = None) -> None:
        self.plan = Plan()
        self.live: dict[ObjectKey, Live] = {}
        self.planned: dict[ObjectKey, Action] = {}
        self.changes: dict[ObjectKey, tuple[FieldChange, ...]] = {}
        self.tried: dict[ObjectKey, Live] = {}
        self.untried: dict[ObjectKey, str] = {}
        self.anew: set[ObjectKey] = set()
        self.durations: dict[str, float] = {}
        self.record = Record(cluster, options.owner, progress) if options.owner else None
        self._single = Operation("", datetime.now(UTC), "", "", id=secrets.token_hex(4))
        self._claims = Claims(cluster, options.owner, progress) if options.owner else None
        self._members = Members()
        self._ahead = ahead
        self._own = cluster  # for kinds, inventory and Lease; all else is asked as who has the application's rights
        self._cluster = cluster.acting_as(options.impersonate)
        self._options = options
        self._progress = progress
        self._refused: dict[ObjectKey, str] = {}

    @property
    def operation(self) -> Operation:
        """What the hooks belong to: files on a person's disk have one, too, which nothing remembers."""
        return self.record.operation if self.record else self._single

    def only_try(self, pool: ThreadPoolExecutor, manifests: Sequence[Manifest]) -> None:
        """Find out what a sync would do; one object that is refused does not keep the others from being tried.

        Raises:
            RefusedError: some objects cannot be synced.
            ClusterError: the cluster cannot be reached.
        """
        self._plan(pool, manifests)
        for target in self.plan.rest:
            if needs(target, self.plan.ahead):
                what = "definition" if target.promised else f"Namespace {target.key.namespace}"
                self.untried[target.key] = f"its {what} is new"
            elif target.late:
                self.untried[target.key] = "its kind is not known yet"
        hopeless = self.untried.keys() | self._refused.keys()
        self._dry_run(pool, [one for one in (*self.plan.ahead, *self.plan.rest) if one.key not in hopeless])
        if self._options.hooks == "always":
            ready = [one for one in self.plan.hooks if not needs(one, self.plan.ahead)]
            self._try_hooks(pool, [one for one in ready if not one.late and one.key not in self._refused])
        if self._refused or self.plan.problem:
            raise RefusedError(self._refused, self.plan.problem)

    def _plan(self, pool: ThreadPoolExecutor, manifests: Sequence[Manifest]) -> None:
        """Find out what is to be done."""
        for earlier in (self.live, self.planned, self.changes, self._refused):
            earlier.clear()
        discovery, lists = self._discover(pool)
        inventory = self.record.inventory if self.record else None
        source = wanted(manifests, discovery, self._options, inventory, self.operation)
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
            ahead = ahead or ask_ahead(self._own, pool, owner, self.durations, self._options.impersonate)
            self.record.take(ahead.inventory)
            return ahead.discovery, ahead.lists
        with timed(self.durations, "discovery"):
            return discover(self._own), {}

    def _look(
        self,
        pool: ThreadPoolExecutor,
        discovery: Discovery,
        source: Wanted,
        lists: Mapping[Resource, Sequence[Live]],
    ) -> None:
        """Read what is there: members with a list a kind, one by one what has to be known before it can be tried."""
        unread = [*source.home, *(target for target in source.targets if not target.promised and not target.late)]
        if self.record and (owner := self._options.owner):
            self._progress(Step(f"listing the objects of {owner.application}"))
            inventory = self.record.inventory
            self._members = list_members(self._cluster, pool, discovery, inventory, source.targets, lists)
            for kind in self._members.unseen.keys() & inventory.group_kinds:
                told = f"whether a {kind} left Git is not known: {self._members.unseen[kind]}"
                self._progress(Step(told, reason=told))
            self.live.update(self._members.live(source.targets))
            unseen = self._members.unseen
            covers = self._options.ignored.covers  # what may differ is found in what is live, too
            unread = [
                one
                for one in unread
                if goes_ahead(one.manifest) or GroupKind(*one.key[:2]) in unseen or covers(one.key)
            ]
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

    def _dry_run(self, pool: ThreadPoolExecutor, targets: Sequence[Target]) -> None:
        """Try what may change."""
        unsure = [one for one in targets if self.planned[one.key] != "unchanged" and not one.late]
        if unsure:
            self._progress(Step(f"dry-run of {plural(len(unsure), 'object')}"))
        with timed(self.durations, "dry-run"):
            self._refuse(each(pool, unsure, self._try))

    def _try_hooks(self, pool: ThreadPoolExecutor, hooks: Collection[Target]) -> None:
        """Try the hooks that are still to be made; one that has more than one phase is tried once."""
        once = list({hook.key: hook for hook in hooks if not hook.late}.values())
        if once:
            self._progress(Step(f"dry-run of {plural(len(once), 'hook')}"))
        with timed(self.durations, "dry-run"):
            self._refuse(each(pool, once, self._try_hook))

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

    def _kept(self, target: Target) -> Target:
        """The target as it is to be applied, where RespectIgnoreDifferences=true asks for live values."""
        if target in self.plan.home:
            return target
        return self._options.ignored.kept(target, self.plan.ignored, self.live.get(target.key))

    def _try(self, target: Target) -> None:
        target, ignored = self._known(self._kept(target)), self.plan.ignored.get(target.key, Ignored())
        options, live = target.options, self.live.get(target.key)
        if options.ssa == "IfNotPresent" and self._read_anew(target):
            self.planned[target.key] = "unchanged"
            return
        body = trial(target, self.plan.targets, self.live)
        try:
            if options.replace:
                live = self._read_anew(target)
                tried = replace(self._cluster, target.resource, body, live, dry_run=True, validate=options.validate)
            else:
                tried = apply(self._cluster, target.resource, body, dry_run=True, live=live, validate=options.validate)
        except ClusterError as error:
            if not options.force or goes_ahead(target.manifest) or not is_immutable(error):
                raise
            tried = self._try_anew(target, body)
        if _version(live) != _version(tried) and target.key not in self.anew:
            # It is there without our label, or somebody wrote in between, such as a controller the status: like is
            # compared with like.
            live = self._read_anew(target)
            compared = ignored.compared(target.manifest.body, live) if live else ()
            self.changes[target.key] = tuple(changes(*compared)) if compared else ()
        takes_over = False
        if live is None:
            self.planned[target.key] = "created"
        elif target.key in self.anew:
            self.planned[target.key] = "updated"
        else:
            changed = would_change(body, live, tried) if options.replace else not ignored.same(live, tried)
            # What is still ours from another way of writing leaves only with an apply.
            takes_over = not options.replace and options.take_over and take_over(live, target.manifest.body) is not None
            self.planned[target.key] = "updated" if changed or takes_over else "unchanged"
        if self._options.dry_run:
            if live and takes_over and target not in self.plan.home:
                tried = self._taken_over(target, tried, live)
            self.tried[target.key] = as_wanted(tried, target.manifest)

    def _taken_over(self, target: Target, tried: Live, live: Live) -> Live:
        """What an apply would make of an object whose fields become ours first; no dry-run can try two writes."""
        left = as_taken_over(tried, target.manifest.body, live)
        patch = defaulting(left, tried, live)
        if patch is None:
            return left
        return with_retries(lambda: update(self._cluster, target.resource, patch, dry_run=True, live=live))

    def _known(self, target: Target) -> Target:
        """The target without fields that its kind does not know, where it asks for no look at them."""
        if target.options.validate or target.options.replace:
            return target
        body = target.manifest.body
        kept = try_create(self._cluster, target.resource, body, live=self.live.get(target.key), validate=False)
        # What a server fills in or leaves out of metadata and status says nothing of the kind's fields.
        known = {**known_fields(body, kept), "metadata": body["metadata"]}
        return dataclasses.replace(target, manifest=dataclasses.replace(target.manifest, body=known))

    def _try_anew(self, target: Target, body: Mapping[str, Any]) -> Live:
        """Try what has to be deleted and made again; what does not bear our label is not ours to delete."""
        live = self._read_anew(target)
        owner = self._options.owner
        if live is None or owner is None or label(live) != owner.id:
            raise ClusterError(
                "one of its fields cannot be changed, and Force=true deletes only what this application has made: "
                "delete it by hand if nobody needs it"
            )
        self.anew.add(target.key)
        return try_create(self._cluster, target.resource, body, live=live, validate=target.options.validate)

    def _try_hook(self, hook: Target) -> None:
        live = get(self._cluster, hook.resource, hook.key.namespace, hook.key.name)
        if live is None:
            self.live.pop(hook.key, None)
        else:
            self.live[hook.key] = live
            if problem := foreign(live, self._options.hook_owner):
                raise ClusterError(problem)
        turn = hook_turn(hook, live, self.operation)
        body, validate = trial(hook, self.plan.targets, self.live), hook.options.validate
        if turn in ("replace", "earlier"):
            try_create(self._cluster, hook.resource, body, live=live, validate=validate)
        elif turn == "apply":
            apply(self._cluster, hook.resource, body, dry_run=True, live=live, validate=validate)


def _version(live: Live | None) -> object:
    """The resourceVersion of an object; None where it is not there, and of a dry-run that would create it."""
    return live["metadata"].get("resourceVersion") if live else None


def kinds(group: Iterable[Manifest]) -> str:
    """Such as `3 ConfigMap` or `Deployment/web`."""
    ones = list(group)
    if len(ones) == 1:
        return str(ones[0].key)
    counts = Counter(manifest.kind for manifest in ones)
    return ", ".join(f"{count} {kind}" for kind, count in counts.items())
