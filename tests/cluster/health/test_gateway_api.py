"""Statuses as the Gateway API documents them, and as its controllers write them."""

from typing import Any

import pytest

from deployer.cluster.health import health

GROUP = "gateway.networking.k8s.io"
UNSEEN = "no controller has told of its latest change yet"


def judge(kind: str, status: Any, version: str = "v1", generation: int | None = 2) -> tuple[str, str]:
    metadata = {"name": "web"} if generation is None else {"name": "web", "generation": generation}
    found = health({"apiVersion": f"{GROUP}/{version}", "kind": kind, "metadata": metadata, "status": status})
    return str(found.status), found.message


def conditions(*said: tuple[str, str, str], at: int | None = 2) -> dict[str, Any]:
    """Conditions by type, status and reason; `at` is the generation that they are about."""
    seen = {} if at is None else {"observedGeneration": at}
    return {
        "conditions": [
            {"type": kind, "status": status, "reason": reason, "message": f"why {reason}", **seen}
            for kind, status, reason in said
        ]
    }


ACCEPTED, RESOLVED = ("Accepted", "True", "Accepted"), ("ResolvedRefs", "True", "ResolvedRefs")
PROGRAMMED = ("Programmed", "True", "Programmed")
# What the CustomResourceDefinitions set by default, until a controller looks at the object.
WAITING = conditions(("Accepted", "Unknown", "Pending"), ("Programmed", "Unknown", "Pending"), at=None)


@pytest.mark.parametrize(
    ("status", "expected", "message"),
    [
        (None, "Progressing", UNSEEN),
        ({}, "Progressing", UNSEEN),
        ({"conditions": []}, "Progressing", UNSEEN),
        (WAITING, "Progressing", "Pending: why Pending"),
        (conditions(ACCEPTED), "Healthy", "it is accepted"),
        (
            conditions(("Accepted", "False", "InvalidParameters")),
            "Degraded",
            "InvalidParameters: why InvalidParameters",
        ),
        (conditions(("Accepted", "Unknown", "Waiting")), "Progressing", "Waiting: why Waiting"),
        (conditions(ACCEPTED, at=1), "Progressing", UNSEEN),
        (conditions(("Accepted", "False", "InvalidParameters"), at=1), "Progressing", UNSEEN),
        (conditions(("SupportedVersion", "False", "UnsupportedVersion")), "Healthy", "nothing is wrong with it"),
    ],
)
def test_gateway_class(status: object, expected: str, message: str) -> None:
    assert judge("GatewayClass", status) == (expected, message)


def listeners(*of_each: dict[str, Any]) -> dict[str, Any]:
    names = ("http", "https")
    return {"listeners": [{"name": name, **one} for name, one in zip(names, of_each, strict=False)]}


WELL = conditions(ACCEPTED, PROGRAMMED)
LISTENS = conditions(ACCEPTED, RESOLVED, PROGRAMMED)


@pytest.mark.parametrize(
    ("status", "expected", "message"),
    [
        (None, "Progressing", UNSEEN),
        (WAITING, "Progressing", "Pending: why Pending"),
        (WELL, "Healthy", "it is accepted"),
        ({**WELL, **listeners(LISTENS, LISTENS)}, "Healthy", "it is accepted"),
        (listeners(LISTENS), "Healthy", "listener http: it is accepted"),
        (conditions(("Accepted", "False", "Invalid"), PROGRAMMED), "Degraded", "Invalid: why Invalid"),
        (conditions(("ResolvedRefs", "False", "RefNotPermitted")), "Degraded", "RefNotPermitted: why RefNotPermitted"),
        (conditions(ACCEPTED, ("Programmed", "False", "Invalid")), "Degraded", "Invalid: why Invalid"),
        (conditions(ACCEPTED, ("Programmed", "False", "AddressNotUsable")), "Degraded", "AddressNotUsable: why Addr"),
        (conditions(ACCEPTED, ("Programmed", "False", "NoResources")), "Degraded", "NoResources: why NoResources"),
        # It takes as long as a load balancer does.
        (conditions(ACCEPTED, ("Programmed", "False", "AddressNotAssigned")), "Progressing", "AddressNotAssigned: why"),
        (conditions(ACCEPTED, ("Programmed", "False", "Pending")), "Progressing", "Pending: why Pending"),
        (conditions(ACCEPTED, ("Programmed", "Unknown", "Pending")), "Progressing", "Pending: why Pending"),
        (conditions(("Accepted", "Unknown", "Pending"), PROGRAMMED), "Progressing", "Pending: why Pending"),
        (conditions(ACCEPTED, PROGRAMMED, at=1), "Progressing", UNSEEN),
        (
            {**WELL, **listeners(LISTENS, conditions(ACCEPTED, ("ResolvedRefs", "False", "InvalidCertificateRef")))},
            "Degraded",
            "listener https: InvalidCertificateRef: why InvalidCertificateRef",
        ),
        (
            {**WELL, **listeners(conditions(("Accepted", "False", "PortUnavailable")))},
            "Degraded",
            "listener http: PortUnavailable: why PortUnavailable",
        ),
        (
            {**WELL, **listeners(LISTENS, conditions(ACCEPTED, ("Programmed", "False", "Pending")))},
            "Progressing",
            "listener https: Pending: why Pending",
        ),
        ({**WELL, **listeners(conditions(ACCEPTED, at=1))}, "Progressing", f"listener http: {UNSEEN}"),
        ({**WELL, **listeners({})}, "Healthy", "it is accepted"),
    ],
)
@pytest.mark.parametrize("version", ["v1", "v1beta1"])
def test_gateway(status: object, expected: str, message: str, version: str) -> None:
    found, words = judge("Gateway", status, version)
    assert found == expected
    assert words.startswith(message)


def parents(*of_each: dict[str, Any], at: int = 2) -> dict[str, Any]:
    """Of a route: by one Gateway, and by a section of another."""
    refs = ({"name": "one"}, {"name": "two", "sectionName": "https"})
    return {"parents": [{"parentRef": ref, **one} for ref, one in zip(refs, of_each, strict=False)]}


ATTACHED = conditions(ACCEPTED, RESOLVED)
REFUSED = conditions(("Accepted", "False", "NoMatchingParent"), RESOLVED)


@pytest.mark.parametrize(
    ("status", "expected", "message"),
    [
        (None, "Progressing", UNSEEN),
        (parents(), "Progressing", UNSEEN),
        (parents({"conditions": []}), "Progressing", UNSEEN),
        (parents(ATTACHED), "Healthy", "parent one: it is accepted"),
        (parents(ATTACHED, ATTACHED), "Healthy", "parent one: it is accepted"),
        (parents(ATTACHED, REFUSED), "Degraded", "parent two (https): NoMatchingParent: why NoMatchingParent"),
        (
            parents(conditions(ACCEPTED, ("ResolvedRefs", "False", "BackendNotFound")), ATTACHED),
            "Degraded",
            "parent one: BackendNotFound: why BackendNotFound",
        ),
        (
            parents(conditions(ACCEPTED, RESOLVED, ("Programmed", "Unknown", "Pending"))),
            "Progressing",
            "parent one: Pending: why Pending",
        ),
        (
            parents(conditions(ACCEPTED, ("ResolvedRefs", "Unknown", "Pending")), REFUSED),
            "Degraded",
            "parent two (https): NoMatchingParent: why NoMatchingParent",
        ),
        # What a parent of former times said counts no more, once another knows the latest change.
        (parents(conditions(("Accepted", "False", "NoMatchingParent"), at=1), ATTACHED), "Healthy", "parent two"),
        (parents(conditions(("Accepted", "False", "NoMatchingParent"), at=1)), "Progressing", UNSEEN),
        (parents(conditions(ACCEPTED, at=1)), "Progressing", UNSEEN),
        (parents(conditions(ACCEPTED, at=None)), "Healthy", "parent one: it is accepted"),
    ],
)
@pytest.mark.parametrize("kind", ["HTTPRoute", "GRPCRoute"])
def test_routes(kind: str, status: object, expected: str, message: str) -> None:
    found, words = judge(kind, status)
    assert found == expected
    assert words.startswith(message)


def ancestors(*of_each: dict[str, Any]) -> dict[str, Any]:
    return {
        "ancestors": [{"ancestorRef": {"name": "web"}, "controllerName": "example.com/x", **one} for one in of_each]
    }


NOT_MINE = conditions(("Accepted", "False", "TargetNotFound"))


@pytest.mark.parametrize(
    ("status", "expected", "message"),
    [
        (None, "Progressing", UNSEEN),
        (ancestors(ATTACHED), "Healthy", "ancestor web: it is accepted"),
        (ancestors(conditions(("Accepted", "False", "Invalid"))), "Degraded", "ancestor web: Invalid: why Invalid"),
        (
            ancestors(conditions(ACCEPTED, ("ResolvedRefs", "False", "InvalidCACertificateRef"))),
            "Degraded",
            "ancestor web: InvalidCACertificateRef: why InvalidCACertificateRef",
        ),
        (ancestors(NOT_MINE, ATTACHED), "Healthy", "ancestor web: it is accepted"),
        (ancestors(NOT_MINE), "Degraded", "ancestor web: TargetNotFound: why TargetNotFound"),
        (ancestors(conditions(ACCEPTED, at=1)), "Progressing", f"ancestor web: {UNSEEN}"),
    ],
)
@pytest.mark.parametrize("version", ["v1", "v1alpha3"])
def test_backend_tls_policy(status: object, expected: str, message: str, version: str) -> None:
    assert judge("BackendTLSPolicy", status, version) == (expected, message)


@pytest.mark.parametrize(
    "status",
    [
        "a text",
        [],
        {"conditions": "a text", "parents": 1, "listeners": {}, "ancestors": None},
        {"conditions": [1], "parents": [{"conditions": ["x"]}], "listeners": ["x"], "ancestors": [{"conditions": 1}]},
    ],
)
@pytest.mark.parametrize("kind", ["GatewayClass", "Gateway", "HTTPRoute", "GRPCRoute", "BackendTLSPolicy"])
def test_whatever_stands_there_is_judged(kind: str, status: object) -> None:
    assert judge(kind, status) == ("Progressing", UNSEEN)


def test_a_condition_that_says_nothing() -> None:
    bare = [{"type": "Accepted", "status": "False"}], [{"type": "Accepted", "status": "Unknown"}]
    assert judge("Gateway", {"conditions": bare[0]}) == ("Degraded", "Accepted is False")
    assert judge("Gateway", {"conditions": bare[1]}) == ("Progressing", "Accepted is not True yet")
    assert judge("HTTPRoute", {"parents": [{"conditions": bare[0]}]}) == ("Degraded", "parent : Accepted is False")
    assert judge("Gateway", conditions(ACCEPTED), generation=None) == ("Healthy", "it is accepted")


def test_a_version_without_a_rule() -> None:
    assert judge("Gateway", WELL, "v9")[0] == "Unknown"
