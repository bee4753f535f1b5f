"""Where a GKE cluster is, as Google's APIs say it."""

import base64
import uuid
from typing import Any

import pytest

from deployer.cluster.gke import Endpoint, Membership, endpoint_in, find_endpoint, gateway, said_by_google
from deployer.cluster_document import Gke
from deployer.errors import ClusterError
from deployer.google_token import GoogleToken
from tests.google import DNS, EMAIL, NUMBER, Google, error

CLUSTERS = "container.googleapis.com"
FLEET = f"//gkehub.googleapis.com/projects/{NUMBER}/locations/europe-west1/memberships/production"


def a_cluster(endpoint: str) -> Gke:
    """A cluster that nobody has asked about yet."""
    return Gke("acme", "europe-west1", f"c-{uuid.uuid4().hex[:8]}", endpoint)


def described(**changes: Any) -> dict[str, Any]:
    """A cluster with every endpoint (https://cloud.google.com/kubernetes-engine/docs/reference/rest/v1)."""
    return {
        "endpoint": "203.0.113.7",
        "masterAuth": {"clusterCaCertificate": base64.b64encode(b"the authority").decode()},
        "controlPlaneEndpointsConfig": {
            "dnsEndpointConfig": {"endpoint": DNS, "allowExternalTraffic": True},
            "ipEndpointsConfig": {"enabled": True},
        },
        "fleet": {"project": NUMBER, "membership": FLEET},
        **changes,
    }


@pytest.mark.parametrize(
    ("endpoint", "found"),
    [
        ("dns", Endpoint(f"https://{DNS}")),
        ("ip", Endpoint("https://203.0.113.7", "the authority")),
        ("connect-gateway", Membership(NUMBER, "europe-west1", "production")),
    ],
)
def test_each_way_is_read(endpoint: str, found: object) -> None:
    assert endpoint_in(a_cluster(endpoint), described()) == found


def test_a_cluster_of_before_there_was_a_choice_has_an_ip() -> None:
    old = described()
    del old["controlPlaneEndpointsConfig"]
    assert endpoint_in(a_cluster("ip"), old) == Endpoint("https://203.0.113.7", "the authority")


@pytest.mark.parametrize(
    ("endpoint", "changes", "said"),
    [
        (
            "dns",
            {"controlPlaneEndpointsConfig": None},
            "has no DNS endpoint that lets anybody in: .* --enable-dns-access",
        ),
        (
            "dns",
            {"controlPlaneEndpointsConfig": {"dnsEndpointConfig": {"endpoint": DNS}}},
            "has no DNS endpoint that lets anybody in: gcloud container clusters update .* --location=europe-west1 "
            "--project=acme --enable-dns-access",
        ),
        (
            "dns",
            {"controlPlaneEndpointsConfig": {"dnsEndpointConfig": {"endpoint": "a/b", "allowExternalTraffic": True}}},
            "has no DNS endpoint",
        ),
        (
            "ip",
            {"controlPlaneEndpointsConfig": {"ipEndpointsConfig": {"enabled": False}}},
            "has no IP endpoint: .* --enable-ip-access, or say endpoint: dns",
        ),
        ("ip", {"endpoint": ""}, "has no IP endpoint"),
        ("ip", {"masterAuth": {}}, "does not say which authority"),
        ("ip", {"masterAuth": {"clusterCaCertificate": "?"}}, "does not say which authority"),
        ("ip", {"masterAuth": {"clusterCaCertificate": "4pyT"}}, "does not say which authority"),
        ("connect-gateway", {"fleet": None}, "is in no fleet, .*: gcloud .* --enable-fleet"),
        ("connect-gateway", {"fleet": {"membership": "//x/y"}}, "is in no fleet"),
    ],
)
def test_what_a_cluster_has_not_is_told_with_what_gives_it(endpoint: str, changes: Any, said: str) -> None:
    gke = a_cluster(endpoint)
    with pytest.raises(ClusterError, match=f"^projects/acme/locations/europe-west1/clusters/{gke.name}.* ?{said}"):
        endpoint_in(gke, described(**changes))


@pytest.mark.parametrize(
    ("location", "host"),
    [
        ("global", "connectgateway.googleapis.com"),
        ("europe-west1", "europe-west1-connectgateway.googleapis.com"),
    ],
)
def test_a_gateway_is_where_the_membership_is(location: str, host: str) -> None:
    address = f"https://{host}/v1/projects/{NUMBER}/locations/{location}/gkeMemberships/production"
    assert gateway(Membership("acme", location, "production"), NUMBER) == Endpoint(address)


@pytest.mark.parametrize(
    "data", [b"", b"[]", b"{}", b'{"error": "x"}', b'{"error": {"message": 1}}', b'{"message": "x"}']
)
def test_what_is_no_word_of_google_is_known(data: bytes) -> None:
    assert said_by_google(data) == ("", "")


def test_an_endpoint_is_kept(google: Google) -> None:
    gke, token = a_cluster("dns"), GoogleToken()
    google.clusters[str(gke)] = described()
    assert find_endpoint(gke, token) == find_endpoint(gke, token) == Endpoint(f"https://{DNS}")
    assert google.requests(CLUSTERS) == [f"/v1/{gke}"]
    google.clusters[str(gke)] = described(
        controlPlaneEndpointsConfig={"dnsEndpointConfig": {"endpoint": f"new-{DNS}", "allowExternalTraffic": True}}
    )
    assert find_endpoint(gke, token) == Endpoint(f"https://{DNS}")
    assert find_endpoint(gke, token, fresh=True) == find_endpoint(gke, token) == Endpoint(f"https://new-{DNS}")


def test_the_number_of_a_project_is_looked_up(google: Google) -> None:
    gke = a_cluster("connect-gateway")
    google.clusters[str(gke)] = described(fleet={"membership": FLEET.replace(NUMBER, "fleets")})
    google.projects["fleets"] = NUMBER
    assert f"/projects/{NUMBER}/" in find_endpoint(gke, GoogleToken()).server
    google.projects["fleets"] = "unknown"
    with pytest.raises(ClusterError, match="does not tell the number of its fleet's project"):
        find_endpoint(gke, GoogleToken(), fresh=True)
    del google.projects["fleets"]
    said = f"the number of project fleets, .* no permission; give {EMAIL} roles/browser on project fleets"
    with pytest.raises(ClusterError, match=said):
        find_endpoint(gke, GoogleToken(), fresh=True)


def test_a_refused_token_is_renewed_once(google: Google) -> None:
    gke, token = a_cluster("dns"), GoogleToken()
    google.clusters[str(gke)] = described()
    token.header()
    google.tokens = ["another-token"]
    assert find_endpoint(gke, token) == Endpoint(f"https://{DNS}")
    assert google.given == 2


@pytest.mark.parametrize("fault", [(503, {}), (429, {}), (0, b"")])
def test_a_fault_that_passes_is_not_noticed(google: Google, fault: tuple[int, Any]) -> None:
    gke = a_cluster("dns")
    google.clusters[str(gke)] = described()
    google.faults.append((CLUSTERS, fault))
    assert find_endpoint(gke, GoogleToken()) == Endpoint(f"https://{DNS}")
    assert len(google.requests(CLUSTERS)) == 2


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (
            error(403, 'Required "container.clusters.get" permission(s)', "IAM_PERMISSION_DENIED"),
            rf'403: Required "container.clusters.get" .*; give {EMAIL} roles/container.clusterViewer on project acme$',
        ),
        (error(403, "It is disabled.", "SERVICE_DISABLED"), "; gcloud services enable container.googleapis.com$"),
        (error(404, "Not found"), "answered 404: Not found; check its name in spec.gke.cluster$"),
        (error(400, "Bad"), f"answered 400: Bad; look at the account {EMAIL}$"),
        ((200, b"<html>"), "answered with something else than a JSON object$"),
        ((200, []), "answered with something else than a JSON object$"),
    ],
)
def test_a_refusal_says_whom_to_give_what(google: Google, fault: tuple[int, Any], said: str) -> None:
    gke = a_cluster("dns")
    google.faults.append((CLUSTERS, fault))
    with pytest.raises(ClusterError, match=f"^{gke} cannot be looked up: https://{CLUSTERS} .*{said}") as caught:
        find_endpoint(gke, GoogleToken())
    assert caught.value.status == 0, "none of the cluster's own was asked"
    assert len(google.requests(CLUSTERS)) == 1


def test_google_out_of_reach_is_told(google: Google) -> None:
    google.faults += [(CLUSTERS, (0, b""))] * 4
    with pytest.raises(ClusterError, match=f"cannot be looked up: https://{CLUSTERS} cannot be reached") as caught:
        find_endpoint(a_cluster("dns"), GoogleToken())
    assert caught.value.transient


def test_whoever_google_does_not_know_is_told(google: Google, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", "/does/not/exist")
    with pytest.raises(ClusterError, match="cannot be looked up: no Google credentials here"):
        find_endpoint(a_cluster("dns"), GoogleToken())
