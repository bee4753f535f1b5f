"""The inventory of an application: the ConfigMap in its cluster that says what belongs to it, and what was done. Pure.

It is the parent of an ApplySet (KEP-3659, https://www.kubernetes.dev/resources/keps/3659/), so that kubectl finds the
members (`kubectl get -l applyset.kubernetes.io/part-of=ID`), and `kubectl apply --applyset` leaves them alone. Group
kinds and namespaces only say where to look for members: an object is one by its own label, and what may be pruned is
for the operator's configuration to say. Whoever may write ConfigMaps in the namespace may write this one, too.
"""

import base64
import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from deployer import __version__
from deployer.cluster.history import Entry, added, dump_history, parse_history
from deployer.cluster.hold import Hold, bounded_hold, dump_hold, parse_hold
from deployer.cluster.operation import Operation, bounded, dump_operation, parse_operation
from deployer.errors import ClusterError

PARENT = "applyset.kubernetes.io/id"
MEMBER = "applyset.kubernetes.io/part-of"
"""The label of each member; its value is the parent's id."""

TOOLING = "applyset.kubernetes.io/tooling"
GROUP_KINDS = "applyset.kubernetes.io/contains-group-kinds"
NAMESPACES = "applyset.kubernetes.io/additional-namespaces"

DEFAULT_NAMESPACE = "deployer"
"""Where the inventory of an application without a namespace is."""

_TOOL = "deployer"
_PREFIX = "deployer-"
_LONGEST_KEPT = 228
_LABEL = "[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
_NAMESPACE = re.compile(_LABEL)
_GROUP_KIND = re.compile(rf"(?P<kind>[A-Za-z][A-Za-z0-9-]{{0,62}})(\.(?P<group>{_LABEL}(\.{_LABEL})*))?")


class GroupKind(NamedTuple):
    """A kind, whatever version it is read in; the group of the core is `""`."""

    group: str
    kind: str

    def __str__(self) -> str:
        """`Deployment.apps`, or `ConfigMap`."""
        return f"{self.kind}.{self.group}" if self.group else self.kind


@dataclass(frozen=True)
class Inventory:
    """What an application has in its cluster.

    `namespace` is where the inventory itself is, `namespaces` are the others that hold members; `group_kinds` are the
    members' kinds. Both may name more than there is, never less. `history` has the newest sync first; `operation` is
    the one under way, and `hold` keeps it at another revision than the watched ref's. `resource_version` is that of
    the ConfigMap as it was read, `""` where there is none yet; `warnings` say what could not be read.
    """

    application: str
    namespace: str
    group_kinds: frozenset[GroupKind] = frozenset()
    namespaces: frozenset[str] = frozenset()
    history: tuple[Entry, ...] = ()
    operation: Operation | None = None
    resource_version: str = field(default="", compare=False)
    warnings: tuple[str, ...] = field(default=(), compare=False)
    hold: Hold | None = None

    @property
    def last(self) -> Entry | None:
        """The newest sync; None where there is none."""
        return self.history[0] if self.history else None

    @property
    def name(self) -> str:
        """The name of the ConfigMap, and of the Lease beside it."""
        return parent_name(self.application)

    @property
    def id(self) -> str:
        """The value of the label that its members have."""
        return applyset_id(self.name, self.namespace)


def parent_name(application: str) -> str:
    """Return the name of an application's inventory: `deployer-` and the application's name.

    An object's name may have 253 characters. One that has more than 228 itself is cut there, and ends in 16
    hexadecimal digits of its SHA-256. No two applications share a name: only these are 253 long.
    """
    if len(application) <= _LONGEST_KEPT:
        return _PREFIX + application
    return _PREFIX + application[:_LONGEST_KEPT] + hashlib.sha256(application.encode()).hexdigest()[:16]


def applyset_id(name: str, namespace: str) -> str:
    """Return the id of the ApplySet whose parent is a ConfigMap of this name; it is a label's value (KEP-3659)."""
    digest = hashlib.sha256(f"{name}.{namespace}.ConfigMap.".encode()).digest()
    return f"applyset-{base64.urlsafe_b64encode(digest).decode().rstrip('=')}-v1"


def empty(application: str, namespace: str) -> Inventory:
    """Return the inventory of an application that has nothing yet; `namespace` is its destination's, or `""`."""
    return Inventory(application, namespace or DEFAULT_NAMESPACE)


def is_ours(live: Mapping[str, Any]) -> bool:
    """Whether a ConfigMap says that it is an inventory of this tool's, in any version, and not of another's."""
    annotations = live["metadata"].get("annotations") or {}
    return bool(annotations.get(TOOLING, "").rpartition("/")[0] == _TOOL)


def parse(live: Mapping[str, Any]) -> Inventory:
    """Read the inventory that a ConfigMap holds.

    A history or an operation that cannot be read is none, with a warning. The rest is what pruning relies on.

    Raises:
        ClusterError: it belongs to another tool, has the id of another object (KEP-3659 asks to refuse both), or
            is malformed.
    """
    metadata, data = live["metadata"], live.get("data") or {}
    name, namespace = metadata["name"], metadata["namespace"]
    place = f"ConfigMap {name} in namespace {namespace}"
    labels, annotations = metadata.get("labels") or {}, metadata.get("annotations") or {}
    if not is_ours(live):
        managed = (
            f"is an ApplySet of {annotations[TOOLING][:80]!r}" if TOOLING in annotations else "is no inventory of ours"
        )
        raise ClusterError(f"{place} {managed}: rename the application, or remove it if nobody needs it")
    if labels.get(PARENT) != applyset_id(name, namespace):
        raise _malformed(place, f"label {PARENT}", "is not the one that belongs to its name: it may be a copy")
    application = data.get("application", "")
    if parent_name(application) != name:
        raise _malformed(place, "application", "does not belong to its name")
    history, lost_history = parse_history(data.get("history", ""))
    operation, lost_operation = parse_operation(data.get("operation", ""))
    hold, lost_hold = parse_hold(data.get("hold", ""))
    return Inventory(
        application,
        namespace,
        frozenset(_group_kinds(place, annotations)),
        frozenset(_namespaces(place, annotations)) - {namespace},
        history,
        operation,
        metadata.get("resourceVersion", ""),
        tuple(f"{place}: {lost}" for lost in (lost_history, lost_operation, lost_hold) if lost),
        hold,
    )


def document(inventory: Inventory) -> dict[str, Any]:
    """Return the ConfigMap that holds an inventory; it names the resourceVersion that it replaces, if there is one."""
    metadata: dict[str, Any] = {
        "name": inventory.name,
        "namespace": inventory.namespace,
        "labels": {PARENT: inventory.id},
        "annotations": {
            TOOLING: f"{_TOOL}/{__version__}",
            GROUP_KINDS: ",".join(sorted(map(str, inventory.group_kinds))),
            NAMESPACES: ",".join(sorted(inventory.namespaces)),
        },
    }
    if inventory.resource_version:
        metadata["resourceVersion"] = inventory.resource_version
    data = {
        "application": inventory.application,
        "history": dump_history(inventory.history),
        "operation": dump_operation(inventory.operation),
        "hold": dump_hold(inventory.hold),
    }
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}


def widened(inventory: Inventory, group_kinds: Iterable[GroupKind], namespaces: Iterable[str]) -> Inventory:
    """Return the inventory that covers these members, too: to be written before any of them is.

    `""` among the namespaces stands for members without one, and adds nothing.
    """
    return narrowed(inventory, inventory.group_kinds.union(group_kinds), inventory.namespaces.union(namespaces))


def narrowed(inventory: Inventory, group_kinds: Iterable[GroupKind], namespaces: Iterable[str]) -> Inventory:
    """Return the inventory that covers these members only: to be written once all others are gone."""
    others = frozenset(namespaces) - {"", inventory.namespace}
    return replace(inventory, group_kinds=frozenset(group_kinds), namespaces=others)


def begun(inventory: Inventory, operation: Operation) -> Inventory:
    """Return the inventory with an operation under way."""
    return replace(inventory, operation=bounded(operation))


def held(inventory: Inventory, hold: Hold | None) -> Inventory:
    """Return the inventory that holds the application at another revision; None ends that."""
    return replace(inventory, hold=bounded_hold(hold) if hold else None)


def recorded(inventory: Inventory, entry: Entry, limit: int) -> Inventory:
    """Return the inventory after a sync: its entry in the history, as `history.added` says, and no operation."""
    return replace(inventory, history=added(inventory.history, entry, limit), operation=None)


def _group_kinds(place: str, annotations: Mapping[str, str]) -> Iterable[GroupKind]:
    if GROUP_KINDS not in annotations:
        raise _malformed(place, f"annotation {GROUP_KINDS}", "is missing")
    for text in _items(annotations[GROUP_KINDS]):
        if not (found := _GROUP_KIND.fullmatch(text)):
            raise _malformed(place, f"annotation {GROUP_KINDS}", f"names {text[:80]!r}, which is no kind")
        yield GroupKind(found["group"] or "", found["kind"])


def _namespaces(place: str, annotations: Mapping[str, str]) -> Iterable[str]:
    for text in _items(annotations.get(NAMESPACES, "")):
        if not _NAMESPACE.fullmatch(text):
            raise _malformed(place, f"annotation {NAMESPACES}", f"names {text[:80]!r}, which is no namespace")
        yield text


def _items(text: str) -> list[str]:
    return text.split(",") if text else []


def _malformed(place: str, what: str, problem: str) -> ClusterError:
    return ClusterError(
        f"{place}: its {what} {problem}; mend it, or remove the ConfigMap: the next sync makes it anew, and what left "
        f"Git before stays in the cluster, where `kubectl get -A -l {MEMBER}` finds it"
    )
