"""The connection to a cluster: what is sent, and what is said where the answer is no good."""

import contextlib
import json
import socket
import traceback
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from deployer.cluster.connection import APPLY, PARALLEL, Cluster, connect
from deployer.errors import ClusterError
from deployer.http import MAX_ANSWER, MAX_WORDS
from local.certificates import CertificateAuthority, kubeconfig
from tests.cluster.conftest import Server, refusal


def test_a_request_carries_what_it_was_given(server: Server, cluster: Cluster) -> None:
    server.answers["/a/b"] = (201, {"got": "it"})
    body, query = {"data": {"k": "ä"}}, {"fieldManager": "deployer", "labelSelector": "app=a b,tier in (c,d)"}
    got = cluster.request(
        "PATCH", "/a/b", query=query, body=body, content_type="application/apply-patch+yaml", accept="text/y"
    )
    assert got == {"got": "it"}
    (asked,) = server.asked
    assert asked.method == "PATCH"
    assert asked.path == "/a/b?fieldManager=deployer&labelSelector=app%3Da+b%2Ctier+in+%28c%2Cd%29"
    wanted = {
        "content-type": "application/apply-patch+yaml",
        "accept": "text/y",
        "authorization": "Bearer s3cret-token",
        "user-agent": "deployer",
    }
    assert {name: asked.headers.get(name) for name in wanted} == wanted
    assert json.loads(asked.body) == body


def test_a_request_without_a_body_has_no_content_type(server: Server, cluster: Cluster) -> None:
    cluster.request("GET", "/x")
    assert server.asked[0].headers["accept"] == "application/json"
    assert "content-type" not in server.asked[0].headers


def test_threads_share_kept_alive_connections(server: Server, cluster: Cluster) -> None:
    server.delay = 0.02  # so that they are under way at once
    with ThreadPoolExecutor(PARALLEL) as pool:
        for _ in range(4):  # the steps of a sync: between them, every connection is kept
            list(pool.map(lambda number: cluster.request("GET", f"/{number}"), range(PARALLEL)))
    assert cluster.requests == len(server.asked) == 4 * PARALLEL
    assert server.connections <= PARALLEL


def test_clusters_keep_their_credentials_apart(
    server: Server, open_cluster: Callable[[dict[str, Any]], Cluster]
) -> None:
    one, two = open_cluster({"token": "one"}), open_cluster({"token": "two"})
    for cluster in (one, two, one):
        cluster.request("GET", "/x")
    assert [asked.headers["authorization"] for asked in server.asked] == ["Bearer one", "Bearer two", "Bearer one"]


def test_a_refusal_has_the_servers_own_words(server: Server, cluster: Cluster) -> None:
    server.answers["/x"] = (422, {"message": "ConfigMap is invalid"})
    error = refusal(cluster)
    assert (error.status, str(error)) == (422, "ConfigMap is invalid")


@pytest.mark.parametrize("fault", [(503, {}), (429, {}), (409, {"message": "the object has been modified"}), None])
def test_a_fault_that_passes_is_not_noticed(server: Server, cluster: Cluster, fault: tuple[int, Any] | None) -> None:
    server.answers["/x"] = (200, {"got": "it"})
    server.first = [fault]
    assert cluster.request("GET", "/x") == {"got": "it"}
    assert cluster.requests == 2


@pytest.mark.parametrize("status", [400, 401, 403, 404, 422])
def test_a_refusal_is_not_asked_for_again(server: Server, cluster: Cluster, status: int) -> None:
    server.first = [(status, {"message": "no"})]
    assert refusal(cluster).status == status
    assert cluster.requests == 1


@pytest.mark.parametrize(
    ("method", "content_type", "sent"),
    [
        ("GET", "application/json", 2),
        ("PATCH", APPLY, 2),
        ("PATCH", "application/json-patch+json", 1),
        ("PATCH", "application/merge-patch+json", 1),
        ("POST", "application/json", 1),
        ("DELETE", "application/json", 1),
    ],
)
def test_only_what_may_be_repeated_is(
    server: Server, cluster: Cluster, method: str, content_type: str, sent: int
) -> None:
    server.first = [(503, {})]
    with contextlib.suppress(ClusterError):
        cluster.request(method, "/x", body={}, content_type=content_type)
    assert [asked.method for asked in server.asked] == [method] * sent


@pytest.mark.parametrize("answer", [b"<html>log in</html>", b"", b"[]", b"null", b'"x"', b"[" * 100_000])
def test_an_answer_that_is_no_json_object_is_told(server: Server, cluster: Cluster, answer: bytes) -> None:
    server.answers["/x"] = (200, answer)
    assert str(refusal(cluster)) == (
        "cluster test answered GET /x with something that is not a JSON object: "
        "check the server's address in the kubeconfig in the-secret, and what stands in between"
    )


def test_an_answer_that_is_too_large_is_told(server: Server, cluster: Cluster) -> None:
    server.answers["/x"] = (200, bytes(MAX_ANSWER + 1))
    told = "cluster test cannot be asked for GET /x: the answer is larger than 64,000,000 bytes"
    assert str(refusal(cluster)) == told


def test_a_server_that_hangs_up_is_told(server: Server, cluster: Cluster) -> None:
    server.answers["/x"] = None
    error = refusal(cluster, method="POST")  # which is not sent again
    assert str(error) == (
        "cluster test cannot be reached for POST /x: Remote end closed connection without response; "
        "check that it is up, and the server's address in the kubeconfig in the-secret"
    )
    assert error.status == 0


def test_an_answer_that_is_no_http_is_told_without_the_values_that_it_quotes(server: Server, cluster: Cluster) -> None:
    value = "s3cret-value"
    server.answers["/x"] = value.encode() + b" " + b"x" * 9_999 + b"\n"
    with pytest.raises(ClusterError) as caught:
        cluster.request("POST", "/x", body={"kind": "Secret", "stringData": {"a": value}})
    told = str(caught.value)
    assert told.startswith("cluster test cannot be reached for POST /x: *** xxx")
    assert len(told) < MAX_WORDS + 200
    assert value not in "".join(traceback.format_exception(caught.value))


def test_an_answer_that_ends_early_is_told(server: Server, cluster: Cluster) -> None:
    server.short = 5
    told = str(refusal(cluster, method="POST"))
    assert told.startswith("cluster test cannot be reached for POST /x: IncompleteRead(2 bytes read, 5 more expected)")


def test_a_port_where_nobody_listens_is_told() -> None:
    with socket.socket() as taken:  # bound, but not listening
        taken.bind(("127.0.0.1", 0))
        url = f"https://127.0.0.1:{taken.getsockname()[1]}"
        config = kubeconfig("gone", url, CertificateAuthority("test").certificate, {"token": "t"})
        cluster = connect("gone", config.encode(), "the-secret")
        said = str(refusal(cluster, method="POST"))
        cluster.close()
    assert said.startswith("cluster gone cannot be reached for POST /x: ")
    assert "Connection refused" in said
    assert "Max retries" not in said, "the library's layers are not told"
