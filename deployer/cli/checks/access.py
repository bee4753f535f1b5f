"""What an account must be allowed in a cluster to sync an application, and the rules that would allow it. Pure."""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from deployer.cluster.health.pods import selector
from deployer.sync.targets import Target, namespace_target

_APPLY = ("get", "create", "patch")
"""A server-side apply is a patch, and a create where there is no such object yet
(https://kubernetes.io/docs/reference/using-api/server-side-apply/, RBAC access and permissions)."""

_MEMBERS = ("list",)
"""The objects of an application are found by their label; without a namespace they may be read one by one instead."""


class Access(NamedTuple):
    """One permission: a verb on a resource. `namespace` is `""` for a cluster-scoped one, `name` for all names."""

    group: str
    resource: str
    namespace: str
    name: str
    verb: str


@dataclass(frozen=True)
class Needs:
    """What a sync of one application cannot do without, and what only tells it more: the pods' reasons."""

    must: tuple[Access, ...]
    helps: tuple[Access, ...]


def needs(
    targets: Iterable[Target],
    own_namespace: str,
    *,
    there: bool,
    kept_up: bool = False,
    home: str = "",
    prune: bool = False,
) -> Needs:
    """Say what a sync needs.

    Args:
        targets: its objects and its hooks.
        own_namespace: what `CreateNamespace=true` asks for; `""` where nothing does.
        there: whether that exists, so that nobody has to make it.
        kept_up: whether `managedNamespaceMetadata` says what it bears.
        home: the namespace of the application's inventory, and of the Lease beside it.
        prune: whether what left Git is deleted.
    """
    must, helps = set(), set()
    for target in targets:
        must |= {_access(target, verb) for verb in _verbs(target, prune=prune)}
        if target.key.kind == "Pod" or selector(target.manifest.body):
            helps.add(Access("", "pods", target.key.namespace, "", "list"))
    if own_namespace:
        verbs = _APPLY if not there else ("get", "patch") if kept_up else ("get",)
        must |= {_access(namespace_target(own_namespace), verb) for verb in verbs}
    if home:
        must |= {Access("", "configmaps", home, "", verb) for verb in _APPLY}
        must |= {Access("coordination.k8s.io", "leases", home, "", verb) for verb in (*_APPLY, "delete")}
    return Needs(tuple(sorted(must)), tuple(sorted(helps)))


def _verbs(target: Target, *, prune: bool) -> Iterator[str]:
    """What is done to a target. A hook is no member, and goes before it is made again, or when it has ended."""
    yield from _APPLY
    if target.resource.namespaced and not target.hook:
        yield from _MEMBERS
    if target.options.replace:
        yield "update"
    if prune or target.hook or target.options.force:
        yield "delete"


def leave_to_act_as(account: str) -> Access:
    """Say what allows to do as a service account: `system:serviceaccount:NAMESPACE:NAME`."""
    *_, namespace, name = account.split(":")
    return Access("", "serviceaccounts", namespace, name, "impersonate")


def attributes(access: Access) -> dict[str, str]:
    """The `resourceAttributes` of a SelfSubjectAccessReview."""
    return {name: value for name, value in access._asdict().items() if value}


def rules(missing: Collection[Access]) -> str:
    """Write the rules that would allow what is missing, below the kind of role that each belongs into."""
    # Nobody can have a Role in a namespace that is still to be made.
    new = {access.name for access in missing if _is_namespace(access) and access.verb == "create"}
    places: dict[str, list[Access]] = {}
    for access in missing:
        local = access.namespace and not (_is_namespace(access) and access.name in new)
        places.setdefault(f"a Role in namespace {access.namespace}" if local else "a ClusterRole", []).append(access)
    return "\n".join(line for place, of_place in places.items() for line in (f"{place}:", *_rules(of_place)))


def _access(target: Target, verb: str) -> Access:
    resource = target.resource
    # A request for a Namespace counts as one in that namespace, so that a Role there can allow it.
    name = target.key.name if resource == namespace_target("").resource else ""
    return Access(resource.group, resource.plural, name or target.key.namespace, name, verb)


def _is_namespace(access: Access) -> bool:
    return (access.group, access.resource) == ("", "namespaces")


def _rules(missing: Iterable[Access]) -> Iterable[str]:
    verbs: dict[tuple[str, str, str], list[str]] = {}
    for access in missing:
        verbs.setdefault((access.group, access.resource, access.name), []).append(access.verb)
    same: dict[tuple[str, str, str], list[str]] = {}
    for (group, resource, name), allowed in verbs.items():
        in_order = ", ".join(
            verb for verb in (*_APPLY, *_MEMBERS, "update", "delete", "impersonate") if verb in allowed
        )
        same.setdefault((group, name, in_order), []).append(resource)
    for (group, name, allowed_verbs), resources in same.items():
        names = f", resourceNames: [{name}]" if name else ""
        yield f'  - {{apiGroups: ["{group}"], resources: [{", ".join(resources)}]{names}, verbs: [{allowed_verbs}]}}'
