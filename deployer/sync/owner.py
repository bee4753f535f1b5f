"""Whose object it is: an object belongs to at most one application, the one whose id its label has (KEP-3659). Pure."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from deployer.cluster.hold import Hold
from deployer.cluster.inventory import MEMBER, Inventory, empty
from deployer.manifest import ObjectKey
from deployer.sync.targets import Target

_PARENTS = (("", "ConfigMap"), ("coordination.k8s.io", "Lease"))
"""The kinds of an inventory and of the Lease beside it, which have the same name."""


def not_moved() -> str:
    """Say that the watched ref is where it was."""
    return ""


def superseded_by(commit: str) -> str:
    """Say that a newer commit has taken an older one's place: what the older one is told begins with it."""
    return f"superseded by {commit[:7]}" if commit else "superseded"


@dataclass(frozen=True)
class Owner:
    """The application that is synced, which has an inventory in the cluster; files on a person's disk have none.

    `namespace` is its destination's, `""` where it has none. `revision` is the commit, `why` it is deployed and by
    whom (`who`) is for the history, which keeps `history_limit` syncs; `heals` says how often the same drift was healed
    before, in a row. `hold` is what the application is held at, and `insists` says that a person has said so just now,
    whatever others have said meanwhile. `neighbours` are the (still empty) inventories of the other applications of
    this cluster. `moved` says that another commit is to be deployed by now, `""` where that is not so; it is asked
    before an older plan would be written over a newer one, and while a rollout goes on.
    """

    application: str
    namespace: str = ""
    revision: str = ""
    why: str = ""
    who: str = ""
    history_limit: int = 10
    neighbours: tuple[Inventory, ...] = ()
    heals: int = 0
    hold: Hold | None = None
    insists: bool = False
    moved: Callable[[], str] = not_moved

    @cached_property
    def id(self) -> str:
        """The value of the label that its objects have."""
        return empty(self.application, self.namespace).id


def reserved(owner: Owner, key: ObjectKey) -> str:
    """Say that an object has the place of an inventory, or of the Lease beside it; `""` where it has not."""
    for one in (empty(owner.application, owner.namespace), *owner.neighbours):
        if (key.group, key.kind) in _PARENTS and (key.namespace, key.name) == (one.namespace, one.name):
            return f"has the name of what the deployer itself keeps for application {one.application}: rename it"
    return ""


@dataclass(frozen=True)
class Claim:
    """Whether an application may have a live object: `refused` says why not, `warning` from whom it takes it over.

    Both are `""` for an object of its own, and for one of nobody's.
    """

    refused: str = ""
    warning: str = ""


def strangers(owner: Owner, theirs: Iterable[str]) -> frozenset[str]:
    """Pick the ids, of those on live objects, whose inventories are to be looked up before `claim` is asked.

    Ids of the owner and its neighbours are known without that; `""` is nobody's.
    """
    return frozenset(theirs) - {"", owner.id, *(one.id for one in owner.neighbours)}


def claim(owner: Owner, theirs: str, inventories: Mapping[str, Inventory]) -> Claim:
    """Say whether the owner may have an object that bears an application's id.

    An object of another application of the configuration is refused. One of an application whose inventory is in the
    cluster, and which is in the configuration no more, is taken over. Of any other id nobody knows who relies on it:
    who may have the object is for a person to say.

    Args:
        owner: the application that is synced, with its neighbours.
        theirs: the id on the live object, as `label` returns it.
        inventories: those that were found in the cluster, by id.
    """
    if theirs in ("", owner.id):
        return Claim()
    for one in owner.neighbours:
        if one.id == theirs:
            return Claim(f"belongs to application {one.application}: leave it out of one of the two")
    if orphan := inventories.get(theirs):
        return Claim(
            warning=f"taken over from application {orphan.application}, which is no application of this configuration "
            f"and has left ConfigMap {orphan.name} in namespace {orphan.namespace}"
        )
    return Claim(
        f"belongs to {theirs[:80]}, which is no application of this configuration, and no inventory of it is known; "
        f"to take it over, remove its label {MEMBER} with kubectl"
    )


def label(live: Mapping[str, Any]) -> str:
    """Return the id of the inventory that an object is a member of; `""` where it is none of any."""
    return str((live["metadata"].get("labels") or {}).get(MEMBER) or "")


def labelled(target: Target, owner: Owner) -> Target:
    """Return the target as the application's: with the label of its members."""
    metadata = target.manifest.body["metadata"]
    labels = metadata.get("labels") or {}
    if not isinstance(labels, Mapping):
        return target  # the server says what is wrong with it
    body = {**target.manifest.body, "metadata": {**metadata, "labels": {**labels, MEMBER: owner.id}}}
    return replace(target, manifest=replace(target.manifest, body=body))
