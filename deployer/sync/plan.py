"""What a sync would do: desired objects, live ones and policy → a plan. Pure.

It is exact where it says `unchanged`. What it calls `updated` may turn out to be as it should be, and what it calls
`created` may be there without our label: of these, the server's dry-run has the last word.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from deployer.cluster.discovery import Discovery
from deployer.cluster.history import first_sync
from deployer.cluster.inventory import Inventory
from deployer.cluster.objects import Live
from deployer.cluster.operation import Operation
from deployer.manifest import Manifest, ObjectKey
from deployer.sync.drift import FieldChange, changes
from deployer.sync.hook_object import generated_name, hook_body
from deployer.sync.hook_turn import operation_label
from deployer.sync.ignored import Ignored
from deployer.sync.live import Members
from deployer.sync.options import Options
from deployer.sync.owner import labelled
from deployer.sync.ownership import unchanged
from deployer.sync.prune import NO_PRUNING, Leaver, Pruning, guard, leavers
from deployer.sync.result import Action
from deployer.sync.secret_data import as_applied
from deployer.sync.targets import Target, goes_ahead, namespace_target, resolve
from deployer.sync.trial import unservable


@dataclass(frozen=True)
class Wanted:
    """What the source wants, as it is to be applied.

    `refused` are reasons by object. `home` is the Namespace that is made for the objects, or for the inventory, where
    the source has none of its own; there is one at the most. `hooks` are those of all phases, and `alone` what the
    source has and wants left alone. `skipped` are hooks that are never applied; one that is there stays.
    """

    targets: tuple[Target, ...]
    refused: Mapping[ObjectKey, str]
    home: tuple[Target, ...] = ()
    hooks: tuple[Target, ...] = ()
    alone: tuple[Target, ...] = ()
    skipped: frozenset[ObjectKey] = frozenset()


@dataclass(frozen=True)
class Plan:
    """What a sync would do.

    `targets` are all desired objects; `ahead` are those that are written before the others can be tried. `actions` are
    `created`, `updated` or `unchanged` by object, and `changes` the fields of those that are to be updated; `ignored`
    are those that may differ from Git. `leavers` left Git, judged by `pruning`. `refused` are reasons by object, and
    `problem` is one of them all; with either, nothing is to be written. `home` is the Namespace that
    `CreateNamespace=true` makes, where it is there and does not bear what it is to: no member, and the rest of it is
    others'. `hooks` and `alone` are the source's.
    """

    targets: tuple[Target, ...] = ()
    ahead: tuple[Target, ...] = ()
    actions: Mapping[ObjectKey, Action] = field(default_factory=dict)
    changes: Mapping[ObjectKey, tuple[FieldChange, ...]] = field(default_factory=dict)
    leavers: tuple[Leaver, ...] = ()
    refused: Mapping[ObjectKey, str] = field(default_factory=dict)
    problem: str = ""
    pruning: Pruning = NO_PRUNING
    ignored: Mapping[ObjectKey, Ignored] = field(default_factory=dict)
    home: tuple[Target, ...] = ()
    hooks: tuple[Target, ...] = ()
    alone: tuple[Target, ...] = ()

    @property
    def rest(self) -> Sequence[Target]:
        """What is to be there, and does not go ahead."""
        return [*self.home, *(target for target in self.targets if target not in self.ahead)]


def wanted(
    manifests: Sequence[Manifest],
    discovery: Discovery,
    options: Options,
    inventory: Inventory | None,
    operation: Operation,
) -> Wanted:
    """Find out what the source wants, and of it what cannot be.

    Args:
        manifests: every object of the application.
        discovery: what the cluster knows.
        options: namespace, owner, and what the project says.
        inventory: the application's, where it has one.
        operation: what the hooks belong to.
    """
    found = resolve(manifests, discovery, options.namespace, options.forbidden, options.defaults)
    refused = {refusal.manifest.key: refusal.reason for refusal in found.refusals}
    alone = [target for target in found.targets if target.options.ssa == "Ignore"]
    targets = tuple(_ready(target, options) for target in found.targets if target not in alone)
    hooks = tuple(_hook(target, options, operation) for target in found.hooks)
    skipped = frozenset(target.key for target in found.skipped)
    return Wanted(targets, refused, _home(targets, options, inventory), hooks, tuple(alone), skipped)


def plan(
    wanted: Wanted,
    live: Mapping[ObjectKey, Live],
    members: Members,
    options: Options,
    inventory: Inventory | None = None,
) -> Plan:
    """Compare what the source wants with what is there.

    Args:
        wanted: what the source wants.
        live: the desired objects that are there, as far as is known without trying them.
        members: what an application has in its cluster.
        options: owner, pruning, what may differ from Git, and what the project says.
        inventory: the application's, where it has one.

    Raises:
        ConfigurationError: what may differ from Git cannot be found out.
    """
    refused = {**wanted.refused, **members.refused}
    known = [target for target in (*wanted.home, *wanted.targets) if not target.promised and not target.late]
    ahead = tuple(one for one in known if goes_ahead(one.manifest) and one.key not in live.keys() | refused.keys())
    refused |= unservable((*wanted.targets, *wanted.hooks), ahead)
    new = [target for target in wanted.home if target in ahead]
    kept_up = [target for target in wanted.home if target.key in live and options.namespace_metadata]
    bodies = {target.key: target.manifest.body for target in (*new, *kept_up, *wanted.targets)}
    ignored = options.ignored.find(bodies, live)
    compared = {
        key: ignored.get(key, Ignored()).compared(body, live[key]) for key, body in bodies.items() if key in live
    }
    actions = {key: _action(compared.get(key)) for key in bodies}
    fields = {key: tuple(changes(*compared[key])) for key, action in actions.items() if action == "updated"}
    home = tuple(target for target in kept_up if actions[target.key] == "updated")
    if options.namespace:  # else its home is the deployer's own, of which the project need not know
        refused |= {one.key: reason for one in (*new, *home) if (reason := options.forbidden(one.key, False))}
    left: tuple[Leaver, ...] = ()
    problem = ""
    pruning = options.pruning
    if owner := options.owner:
        pruning = replace(pruning, since=_told(inventory, owner.revision, pruning) if inventory else None)
        wanted_uids = {uid for key in bodies.keys() & live.keys() if (uid := live[key]["metadata"].get("uid"))}
        staying = {*bodies, *wanted.skipped, *(target.key for target in (*wanted.hooks, *wanted.alone))}
        left = leavers(members.found, staying, owner.id, pruning, options.forbidden, wanted_uids)
        going, all_of_them = sum(not one.kept for one in left), len({one.key for one in members.found})
        problem = guard(going, all_of_them, options.pruning, owner.application, owner.revision)
    return Plan(
        wanted.targets,
        ahead,
        actions,
        fields,
        left,
        refused,
        problem,
        pruning,
        ignored,
        home,
        wanted.hooks,
        wanted.alone,
    )


def still_kept(target: Target, live: Live, options: Options, pruning: Pruning) -> str:
    """Say why an object that left Git is not to be deleted by now; `""` where it is.

    Args:
        target: the object as the plan knew it.
        live: as it is now.
        options: owner, and what the project says.
        pruning: how the plan judged it.
    """
    now = replace(target, manifest=replace(target.manifest, body=live))
    owner_id = options.owner.id if options.owner else ""
    found = leavers([now], (), owner_id, pruning, options.forbidden)
    return found[0].kept if found else "left Git; not pruned: it does not bear our label any more"


def _ready(target: Target, options: Options) -> Target:
    """The target as it is applied: as the server keeps it, and with its owner's label."""
    applied = replace(target, manifest=replace(target.manifest, body=as_applied(target.manifest.body)))
    return labelled(applied, options.owner) if options.owner else applied


def _hook(target: Target, options: Options, operation: Operation) -> Target:
    """A hook as it is applied: with a name, and with what says whose it is."""
    body, name = as_applied(target.manifest.body), target.key.name
    if not body["metadata"].get("name"):
        name = generated_name(name, operation.revision or operation.id, target.phase, operation.since.timestamp())
    of = operation_label(operation, target)
    body = hook_body(body, owner_id=options.hook_owner, operation_id=of, name=name, keep=options.owner is not None)
    return replace(target, manifest=replace(target.manifest, body=body))


def _home(targets: Sequence[Target], options: Options, inventory: Inventory | None) -> tuple[Target, ...]:
    """The Namespace that `CreateNamespace=true` asks for; a Namespace manifest in the source wins.

    An application without a namespace has its inventory in one that is made like that. Where the inventory is there,
    its namespace is, and matters only for what it is to bear.
    """
    if inventory and inventory.resource_version and not options.namespace_metadata:
        return ()
    name = options.namespace if options.create_namespace else ""
    if inventory and not options.namespace:
        name = inventory.namespace
    made = namespace_target(name, options.namespace_metadata)
    return (made,) if name and all(target.key != made.key for target in targets) else ()


def _told(inventory: Inventory, revision: str, pruning: Pruning) -> datetime | None:
    """Say when a person could first know that an object is to go; None where that was never."""
    if pruning.word == "Prune":
        return first_sync(inventory.history, revision)
    # A deletion that came to nothing does not make an approval void.
    return next((one.when for one in inventory.history if not one.deletion), None)


def _action(compared: tuple[Mapping[str, Any], Live] | None) -> Action:
    if compared is None:
        return "created"
    return "unchanged" if unchanged(*compared) else "updated"
