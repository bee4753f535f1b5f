"""Connections to clusters of GKE, without any stored secret: through Google's front ends and around them."""

import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from deployer.cluster.connection import APPLY, Cluster, connect_gke
from deployer.google_token import GoogleToken
from local.certificates import CertificateAuthority, encoded
from tests.cluster.conftest import Server, refusal
from tests.cluster.test_gke import a_cluster, described
from tests.google import DNS, EMAIL, NUMBER, Google, error

CLUSTERS = "container.googleapis.com"
GATEWAY = "europe-west1-connectgateway.googleapis.com"
THERE = f"/v1/projects/{NUMBER}/locations/europe-west1/gkeMemberships/production"

Open = Callable[..., Cluster]


@pytest.fixture
def open_gke(google: Google, server: Server) -> Iterator[Open]:
    """Connects to `server` as to a cluster of GKE; `changes` are those of its description."""
    google.behind = {DNS: server.url, f"{GATEWAY}{THERE}": server.url}
    opened: list[Cluster] = []

    def open_it(way: str, **changes: Any) -> Cluster:
        gke = a_cluster(way)
        google.clusters[str(gke)] = described(**{**at(server), **changes})
        opened.append(connect_gke("production", gke, GoogleToken()))
        return opened[-1]

    yield open_it
    for one in opened:
        one.close()


def at(server: Server, authority: bytes = b"") -> dict[str, Any]:
    """The IP endpoint of a description."""
    signs = {"clusterCaCertificate": encoded(authority or server._authority.certificate)}
    return {"endpoint": server.url.removeprefix("https://"), "masterAuth": signs}


@pytest.fixture
def nobody() -> Iterator[str]:
    """An address where nobody listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield f"127.0.0.1:{taken.getsockname()[1]}"


@pytest.mark.parametrize(
    ("endpoint", "through"), [("dns", [f"{DNS}:443"]), ("ip", []), ("connect-gateway", [f"{GATEWAY}:443"])]
)
def test_each_way_leads_there(
    google: Google, server: Server, open_gke: Open, endpoint: str, through: list[str]
) -> None:
    server.answers["/x"] = (200, {"got": "it"})
    assert open_gke(endpoint).request("GET", "/x") == {"got": "it"}
    assert [asked.path for asked in server.asked] == ["/x"]
    assert server.asked[0].headers["authorization"] == "Bearer good-token"
    assert [host for host in google.connected if not host.startswith(CLUSTERS)] == through
    assert (THERE + "/x" in [path for _, path, _ in google.asked]) == (endpoint == "connect-gateway")


def test_a_token_that_is_about_to_end_is_renewed_within_a_connection(
    google: Google, server: Server, open_gke: Open
) -> None:
    cluster = open_gke("ip")
    google.lifetime = 200
    cluster._sender._token.renewed("Bearer good-token")  # type: ignore[attr-defined]
    google.tokens.append("another-token")
    cluster.request("GET", "/x")
    assert server.asked[0].headers["authorization"] == "Bearer another-token"


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_token_that_is_refused_is_renewed_once(google: Google, open_gke: Open, method: str) -> None:
    cluster = open_gke("dns")
    google.tokens = ["another-token"]
    assert cluster.request(method, "/x") == {}
    assert (cluster.requests, google.given) == (2, 2)
    google.tokens = ["third-token"]
    said = f"cluster production refused the access token of {EMAIL} (401), and so it did another: see whether"
    assert str(refusal(cluster)).startswith(said)
    assert len(google.requests(CLUSTERS)) == 1, "its address is not at fault"


def test_a_token_that_cannot_be_renewed_is_told(google: Google, open_gke: Open) -> None:
    cluster = open_gke("dns")
    google.tokens = ["another-token"]
    google.faults.append((google.address, (400, {"error": "invalid_grant"})))
    told = refusal(cluster)
    assert told.status == 401
    assert "and they cannot be read anew: Google gives no access token (invalid_grant)" in str(told)


def test_a_token_that_ends_and_cannot_be_renewed_is_told(google: Google, open_gke: Open) -> None:
    google.lifetime = 200
    cluster = open_gke("dns")
    google.faults.append((google.address, (400, {"error": "invalid_grant"})))
    told = refusal(cluster)
    assert str(told).startswith("cluster production cannot be asked: Google gives no access token (invalid_grant)")
    assert (told.status, told.transient) == (0, False)


@pytest.mark.parametrize(
    ("endpoint", "host", "role"),
    [
        ("dns", DNS, "roles/container.clusterViewer on project acme"),
        ("connect-gateway", GATEWAY, "roles/gkehub.gatewayEditor on the project of its fleet"),
    ],
)
def test_a_front_end_that_lets_nobody_through_says_whom_to_give_what(
    google: Google, open_gke: Open, endpoint: str, host: str, role: str
) -> None:
    google.faults.append((host, error(403, "Permission denied on resource", "IAM_PERMISSION_DENIED")))
    told = refusal(open_gke(endpoint), method="POST")
    assert str(told) == (
        f"cluster production: Google lets {EMAIL} not through to it (Permission denied on resource); "
        f"give {EMAIL} {role}"
    )
    assert told.status == 403


def test_an_api_that_is_not_enabled_is_told(google: Google, open_gke: Open) -> None:
    google.faults.append((GATEWAY, error(403, "It is disabled", "SERVICE_DISABLED")))
    assert str(refusal(open_gke("connect-gateway"))).endswith("; gcloud services enable connectgateway.googleapis.com")


def test_what_the_cluster_itself_refuses_is_told_as_everywhere(server: Server, open_gke: Open) -> None:
    words = f'pods is forbidden: User "{EMAIL}" cannot list resource "pods" in API group "" in the namespace "shop"'
    server.answers["/x"] = (403, {"kind": "Status", "message": words})
    told = str(refusal(open_gke("dns")))
    said = f"cluster production: the account {EMAIL} may not list pods in namespace shop: give it a Role there"
    assert told.startswith(said)


def moved(google: Google, **changes: Any) -> None:
    """Google has another description of the one cluster."""
    (name,) = google.clusters
    google.clusters[name] = described(**changes)


@pytest.mark.parametrize(("method", "content_type"), [("GET", "application/json"), ("PATCH", APPLY)])
def test_a_cluster_that_has_moved_is_looked_up_anew(
    google: Google, server: Server, open_gke: Open, nobody: str, method: str, content_type: str
) -> None:
    cluster = open_gke("ip", endpoint=nobody)
    moved(google, **at(server))
    assert cluster.request(method, "/x", body={}, content_type=content_type) == {}
    assert len(google.requests(CLUSTERS)) == 2
    assert [asked.method for asked in server.asked] == [method]


def test_what_may_have_been_carried_out_is_not_sent_to_the_new_address(
    google: Google, server: Server, open_gke: Open, nobody: str
) -> None:
    cluster = open_gke("ip", endpoint=nobody)
    moved(google, **at(server))
    assert refusal(cluster, method="POST").transient
    assert server.asked == []
    assert cluster.request("POST", "/x") == {}, "the next request goes there"


def test_a_cluster_with_a_new_authority_is_looked_up_anew(google: Google, server: Server, open_gke: Open) -> None:
    old = at(server, CertificateAuthority("old").certificate)
    cluster = open_gke("ip", **old)
    moved(google, **at(server))
    assert cluster.request("POST", "/x") == {}
    assert [asked.method for asked in server.asked] == ["POST"]


def test_a_certificate_of_another_authority_is_told(google: Google, server: Server, open_gke: Open) -> None:
    cluster = open_gke("ip", **at(server, CertificateAuthority("another").certificate))
    (name,) = google.clusters
    told = str(refusal(cluster))
    assert told.endswith(f"something else answers at the address that Google gives for {name}")
    assert len(google.requests(CLUSTERS)) == 2


@pytest.mark.parametrize("fault", [None, error(403, "no")])
def test_a_cluster_that_does_not_answer_is_looked_up_once(
    google: Google, open_gke: Open, nobody: str, fault: tuple[int, Any] | None
) -> None:
    cluster = open_gke("ip", endpoint=nobody)
    google.faults += [(CLUSTERS, fault)] if fault else []
    (name,) = google.clusters
    for _ in range(2):
        told = refusal(cluster)
        assert f"; check that {name} is up; check that its authorized networks let this machine in" in str(told)
        assert (told.status, told.transient) == (0, True)
    assert len(google.requests(CLUSTERS)) == 2


def test_a_machine_that_does_not_trust_the_front_end_sends_no_token(
    google: Google, open_gke: Open, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "another.crt").write_bytes(CertificateAuthority("another").certificate)
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "another.crt"))
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path))
    assert "certificate verify failed" in str(refusal(open_gke("dns")))
    assert DNS not in [host for host, _, _ in google.asked]
