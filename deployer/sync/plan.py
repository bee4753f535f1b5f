"""What a sync would do: desired objects, live ones and policy → a plan. Pure.

It is exact where it says `unchanged`. What it calls `updated` may turn out to be as it should be, and what it calls
`created` may be there without our label: of these, the server's dry-run has the last word.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from deployer.cluster.discovery import Discovery
from deployer.cluster.history import first_sync
from deployer.cluster.inventory import Inventory
from deployer.cluster.objects import Live
from deployer.manifest import Manifest, ObjectKey
from deployer.sync.drift import FieldChange, changes
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
    the source has none of its own; there is one at the most.
    """

    targets: tuple[Target, ...]
    refused: Mapping[ObjectKey, str]
    home: tuple[Target, ...] = ()


@dataclass(frozen=True)
class Plan:
    """What a sync would do.

    `targets` are all desired objects; `ahead` are those that are written before the others can be tried. `actions` are
    `created`, `updated` or `unchanged` by object, and `changes` the fields of those that are to be updated. `leavers`
    left Git, judged by `pruning`. `refused` are reasons by object, and `problem` is one of them all; with either,
    nothing is to be written.
    """

    targets: tuple[Target, ...] = ()
    ahead: tuple[Target, ...] = ()
    actions: Mapping[ObjectKey, Action] = field(default_factory=dict)
    changes: Mapping[ObjectKey, tuple[FieldChange, ...]] = field(default_factory=dict)
    leavers: tuple[Leaver, ...] = ()
    refused: Mapping[ObjectKey, str] = field(default_factory=dict)
    problem: str = ""
    pruning: Pruning = NO_PRUNING

    @property
    def rest(self) -> Sequence[Target]:
        """The desired objects that do not go ahead."""
        return [target for target in self.targets if target not in self.ahead]


def wanted(
    manifests: Sequence[Manifest], discovery: Discovery, options: Options, inventory: Inventory | None
) -> Wanted:
    """Find out what the source wants, and of it what cannot be.

    Args:
        manifests: every object of the application.
        discovery: what the cluster knows.
        options: namespace, owner, and what the project says.
        inventory: the application's, where it has one.
    """
    targets, refusals = resolve(manifests, discovery, options.namespace, options.forbidden)
    refused = {refusal.manifest.key: refusal.reason for refusal in refusals}
    return Wanted(tuple(_ready(target, options) for target in targets), refused, _home(targets, options, inventory))


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
        options: owner, pruning, and what the project says.
        inventory: the application's, where it has one.
    """
    refused = {**wanted.refused, **members.refused}
    known = [target for target in (*wanted.home, *wanted.targets) if not target.promised]
    ahead = tuple(one for one in known if goes_ahead(one.manifest) and one.key not in live.keys() | refused.keys())
    refused |= unservable(wanted.targets, ahead)
    new = [target for target in wanted.home if target in ahead]
    if options.namespace:  # else its home is the deployer's own, of which the project need not know
        refused |= {one.key: reason for one in new if (reason := options.forbidden(one.key, False))}
    bodies = {target.key: target.manifest.body for target in (*new, *wanted.targets)}
    actions = {key: _action(body, live.get(key)) for key, body in bodies.items()}
    updated = [key for key, action in actions.items() if action == "updated"]
    fields = {key: tuple(changes(bodies[key], live[key])) for key in updated}
    left: tuple[Leaver, ...] = ()
    problem = ""
    pruning = options.pruning
    if owner := options.owner:
        told = first_sync(inventory.history, owner.revision) if inventory else None
        pruning = replace(pruning, since=told)
        wanted_uids = {uid for key in bodies.keys() & live.keys() if (uid := live[key]["metadata"].get("uid"))}
        left = leavers(members.found, bodies.keys(), owner.id, pruning, options.forbidden, wanted_uids)
        going, all_of_them = sum(not one.kept for one in left), len({one.key for one in members.found})
        problem = guard(going, all_of_them, options.pruning, owner.application, owner.revision)
    return Plan(wanted.targets, ahead, actions, fields, left, refused, problem, pruning)


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


def _home(targets: Sequence[Target], options: Options, inventory: Inventory | None) -> tuple[Target, ...]:
    """The Namespace that `CreateNamespace=true` asks for; a Namespace manifest in the source wins.

    An application without a namespace has its inventory in one that is made like that. Where the inventory is there,
    its namespace is.
    """
    if inventory and inventory.resource_version:
        return ()
    name = options.namespace if options.create_namespace else ""
    if inventory and not options.namespace:
        name = inventory.namespace
    made = namespace_target(name)
    return (made,) if name and all(target.key != made.key for target in targets) else ()


def _action(body: Mapping[str, object], live: Live | None) -> Action:
    if live is None:
        return "created"
    return "unchanged" if unchanged(body, live) else "updated"
