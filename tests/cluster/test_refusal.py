"""What is said of an answer that is not 2xx. (tests/faults has the answers of a real API server.)"""

import json
from typing import Any

import pytest

from deployer.cluster.refusal import refusal
from deployer.errors import ClusterError
from deployer.http import MAX_WORDS

USER = "system:serviceaccount:shop:deployer"


def hide(text: str) -> str:
    return text.replace("s3\ncret", "***")


def refused(status: int, data: Any = None, retry_after: str = "") -> ClusterError:
    body = data if isinstance(data, bytes) else json.dumps(data).encode()
    return refusal("staging", "the kubeconfig in the-secret", "GET /x", status, body, retry_after, hide)


@pytest.mark.parametrize(
    ("status", "data", "said"),
    [
        (
            401,
            {"message": "Unauthorized"},
            "cluster staging refused the credentials (401): they may have expired; renew the kubeconfig in the-secret",
        ),
        (404, {"message": 'configmaps "a" not found'}, 'configmaps "a" not found'),
        (422, {"message": "ConfigMap is invalid"}, "ConfigMap is invalid"),
        (409, {"message": "modified"}, "cluster staging answered 409 to GET /x: modified; try again later"),
        (503, {"message": "shutting down"}, "cluster staging answered 503 to GET /x: shutting down; try again later"),
        (503, b"upstream connect error", "cluster staging answered 503 to GET /x: no reason given; try again later"),
        (500, ["no object"], "cluster staging answered 500 to GET /x: no reason given; try again later"),
        (
            500,
            {"message": 'Internal error occurred: failed calling webhook "a.example.com": Post "https://x": no route'},
            'failed calling webhook "a.example.com": Post "https://x": no route; cluster staging answered 500 to '
            "GET /x; try again later",
        ),
        (
            422,
            {"message": f'Job "a" is invalid: spec: Invalid value: {{"a":"{"b" * 90}"}}: field is immutable'},
            'Job "a" is invalid: spec: Invalid value: …: field is immutable',
        ),
        (422, {"message": 'a: Invalid value: "b": no'}, 'a: Invalid value: "b": no'),
        (500, {"message": "failed to create typed patch object (a)"}, "failed to create typed patch object (a)"),
        (403, {"message": 'pods "a" is forbidden: exceeded quota'}, 'pods "a" is forbidden: exceeded quota'),
    ],
)
def test_a_refusal_says_who_refused_what(status: int, data: Any, said: str) -> None:
    error = refused(status, data)
    assert (error.status, str(error)) == (status, said)


@pytest.mark.parametrize(
    ("rest", "said"),
    [
        (
            'cannot patch resource "deployments" in API group "apps" in the namespace "shop"',
            "may not patch deployments.apps in namespace shop: give it a Role there that allows it",
        ),
        (
            'cannot get resource "pods/log" in API group "" in the namespace "shop"',
            "may not get pods/log in namespace shop: give it a Role there that allows it",
        ),
        (
            'cannot create resource "namespaces" in API group "" at the cluster scope: RBAC: not found',
            "may not create namespaces: give it a ClusterRole that allows it",
        ),
        (
            'cannot patch resource "namespaces" in API group "" in the namespace "shop"',
            "may not patch namespaces: give it a ClusterRole that allows it",
        ),
        ('cannot get path "/api"', "may not get /api: give it a ClusterRole that allows it"),
    ],
)
def test_what_an_account_lacks_is_said_first(rest: str, said: str) -> None:
    message = f'something is forbidden: User "{USER}" {rest}'
    error = refused(403, {"message": message})
    assert str(error) == f"cluster staging: the account {USER} {said}; the cluster said: {message}"
    assert error.status == 403


@pytest.mark.parametrize(
    "rest",
    [
        'cannot impersonate resource "serviceaccounts" in API group "" in the namespace "shop"',
        'cannot impersonate-on:serviceaccount:list resource "configmaps" in API group "" in the namespace "other"',
    ],
)
def test_who_may_not_act_as_an_account_is_told_the_rule(rest: str) -> None:
    message = f'something is forbidden: User "{USER}" {rest}'
    data = json.dumps({"message": message}).encode()
    team = "system:serviceaccount:shop:team"
    error = refusal("staging", "k", "GET /x", 403, data, "", lambda text: text, team)
    assert str(error) == (
        f"cluster staging: the account {USER} may not act as {team}: give it a Role in namespace shop with the rule "
        '{apiGroups: [""], resources: [serviceaccounts], resourceNames: [team], verbs: [impersonate]}; '
        f"the cluster said: {message}"
    )
    error = refusal("staging", "k", "GET /x", 403, data.replace(b"impersonate", b"get"), "", lambda text: text, team)
    assert "may not act as" not in str(error), "the account itself lacks something"


@pytest.mark.parametrize(
    ("status", "counts_as"), [(302, 302), (400, 400), (403, 403), (404, 0), (405, 405)], ids=lambda value: str(value)
)
@pytest.mark.parametrize(
    "data", [b"404 page not found", b"", b"<html>", b"[" * 100_000, {}, {"message": None}, {"message": {}}]
)
def test_an_answer_without_a_reason_is_told(status: int, counts_as: int, data: Any) -> None:
    error = refused(status, data)
    assert str(error) == (
        f"cluster staging answered {status} to GET /x without a reason: "
        "check the server's address in the kubeconfig in the-secret, and what stands in between"
    )
    assert error.status == counts_as, "a 404 would read as: there is no such object"


@pytest.mark.parametrize(
    ("status", "message", "transient"),
    [
        *((status, "no", True) for status in (409, 429, 500, 502, 503, 504)),
        *((status, "no", False) for status in (302, 400, 401, 403, 404, 405, 410, 422, 501)),
        (500, "failed to create typed patch object (a): .b: field not declared in schema", False),
    ],
)
def test_what_may_pass_is_known(status: int, message: str, transient: bool) -> None:
    assert refused(status, {"message": message}).transient is transient


@pytest.mark.parametrize(
    ("header", "seconds"), [("7", 7.0), ("0", 0.0), ("", None), ("Fri, 31 Dec", None), ("-1", None)]
)
def test_the_wait_that_is_asked_for_is_known(header: str, seconds: float | None) -> None:
    assert refused(429, {"message": "busy"}, header).retry_after == seconds


HEADROOM = 200
"""Characters of an error beside the server's words."""


@pytest.mark.parametrize(
    ("status", "message"),
    [
        *((status, "s3\ncret" + "long\n" * 1_000_000) for status in (422, 503)),
        (403, "s3\ncret" + f'User "{USER}" cannot get resource "{"x" * 9999}" in API group "" at the cluster scope'),
        (403, "x" * 9999 + f' User "s3\ncret" cannot get path "{"x" * 9999}"'),
    ],
)
def test_words_are_cut_and_on_one_line_once_values_are_hidden(status: int, message: str) -> None:
    told = str(refused(status, {"message": message}))
    assert "***" in told
    assert "s3" not in told
    assert "\n" not in told
    assert len(told) <= 2 * MAX_WORDS + HEADROOM


def test_what_may_pass_is_known_by_the_servers_own_words() -> None:
    """Not by what is left of them: a value may be part of them by chance."""
    data = json.dumps({"message": "failed to create typed patch object (a)"}).encode()
    error = refusal("c", "k", "PATCH /x", 500, data, "", lambda text: text.replace("failed", "***"))
    assert (str(error), error.transient) == ("*** to create typed patch object (a)", False)
