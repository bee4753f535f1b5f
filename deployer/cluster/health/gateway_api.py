"""Health of the Gateway API's kinds, by the rules of Argo CD's `resource_customizations/gateway.networking.k8s.io`.

Each condition says which generation it is about, and each parent of a route has conditions of its own
(https://gateway-api.sigs.k8s.io/reference/spec/).
"""

from collections.abc import Iterable

from deployer.cluster.health.status import (
    Health,
    Object,
    degraded,
    dig,
    healthy,
    objects,
    progressing,
    said,
    text,
    worst,
)

_UNSEEN = "no controller has told of its latest change yet"
_NEEDED = ("Accepted", "ResolvedRefs", "Programmed")
_NOT_YET = ("Pending", "AddressNotAssigned")
"""Reasons for which Programmed is False only as long as it takes (apis/v1/gateway_types.go)."""

_NOT_MINE = "TargetNotFound"


def gateway_class(obj: Object) -> Health:
    """Judge a GatewayClass."""
    return _all_of(obj, [("", dig(obj, "status"))])


def gateway(obj: Object) -> Health:
    """Judge a Gateway, and each of its listeners.

    Argo CD takes every Gateway that is not programmed for one that will be; here only one whose reason says so.
    """
    listeners = [(f"listener {text(one, 'name')}: ", one) for one in objects(obj, "status", "listeners")]
    return _all_of(obj, [("", dig(obj, "status")), *listeners])


def route(obj: Object) -> Health:
    """Judge an HTTPRoute or a GRPCRoute by each parent that knows its latest change; others may be of former times."""
    parents = [(f"parent {_named(one.get('parentRef'))}: ", one) for one in objects(obj, "status", "parents")]
    return _all_of(obj, [(about, one) for about, one in parents if not _is_behind(obj, one)])


def backend_tls_policy(obj: Object) -> Health:
    """Judge a BackendTLSPolicy by each ancestor.

    Every controller of the cluster has its say: one that does not know the target is not the one that serves it, if
    another does.
    """
    every = [(f"ancestor {_named(one.get('ancestorRef'))}: ", one) for one in objects(obj, "status", "ancestors")]
    serving = [(about, one) for about, one in every if _condition(one, "Accepted").get("reason") != _NOT_MINE]
    return _all_of(obj, serving or every)


def _all_of(obj: Object, places: Iterable[tuple[str, object]]) -> Health:
    """The worst of all places that have conditions; `about` begins what is said of each."""
    told = [(about, one) for about, one in places if objects(one, "conditions")]
    return worst([_judged(obj, about, one) for about, one in told]) if told else progressing(_UNSEEN)


def _judged(obj: Object, about: str, place: object) -> Health:
    if _is_behind(obj, place):
        return progressing(about + _UNSEEN)
    found = [_condition(place, kind) for kind in _NEEDED]
    for one in found:
        if one.get("status") == "False" and (one["type"] != "Programmed" or one.get("reason") not in _NOT_YET):
            return degraded(about + (said(one) or f"{one['type']} is False"))
    for one in found:
        if one and one.get("status") != "True":
            return progressing(about + (said(one) or f"{one['type']} is not True yet"))
    return healthy(about + "it is accepted" if _condition(place, "Accepted") else about + "nothing is wrong with it")


def _is_behind(obj: Object, place: object) -> bool:
    """Whether the conditions there are about an earlier change."""
    generation = dig(obj, "metadata", "generation")
    observed = [one.get("observedGeneration") for one in objects(place, "conditions")]
    return any(None not in (generation, one) and one != generation for one in observed)


def _condition(place: object, kind: str) -> Object:
    return next((one for one in objects(place, "conditions") if one.get("type") == kind), {})


def _named(ref: object) -> str:
    """What a reference names, such as `web`, or `web (https)` of one of its sections."""
    section = text(ref, "sectionName")
    return f"{text(ref, 'name')} ({section})" if section else text(ref, "name")
