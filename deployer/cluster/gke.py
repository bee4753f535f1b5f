"""The way to a cluster of GKE, without any stored secret: Google's own API says where it is, and whom to trust there.

By REST, since the client library costs 61 MB. https://cloud.google.com/kubernetes-engine/docs/reference/rest/v1
"""

import base64
import binascii
import json
import re
import time
from dataclasses import dataclass
from functools import cache
from typing import Any

from deployer.cluster_document import Gke
from deployer.errors import AnswerError, ClusterError
from deployer.google_http import GoogleHttp, Received
from deployer.google_token import GoogleToken
from deployer.http import TIMEOUT, excerpt
from deployer.retry import with_retries

KEPT = 3600.0
"""Seconds that a cluster's endpoint is kept in memory: it changes when somebody makes the cluster anew."""

CLUSTERS = "https://container.googleapis.com"
PROJECTS = "https://cloudresourcemanager.googleapis.com"

_MEMBERSHIP = re.compile(
    r"//gkehub\.googleapis\.com/projects/(?P<project>[a-z0-9.:-]+)/locations/(?P<location>[a-z0-9-]+)"
    r"/memberships/(?P<name>[a-z0-9-]+)"
)
_HOST = re.compile(r"[A-Za-z0-9.-]+(:[0-9]{1,5})?")


@dataclass(frozen=True)
class Endpoint:
    """Where a control plane is, and the authority (PEM) that signs for it; `""` stands for those the machine trusts."""

    server: str
    authority: str = ""


@dataclass(frozen=True)
class Membership:
    """A cluster in a fleet, as Connect Gateway calls it; `project` is an id or a number."""

    project: str
    location: str
    name: str


_KEPT: dict[Gke, tuple[float, Endpoint]] = {}


def find_endpoint(gke: Gke, token: GoogleToken, *, fresh: bool = False) -> Endpoint:
    """Say where the control plane of a cluster is; what was asked less than `KEPT` seconds ago is taken from memory.

    Args:
        gke: the cluster, and the way to it that is wanted.
        token: of whoever asks.
        fresh: ask in any case: what is known has turned out to be of no use.

    Raises:
        ClusterError: it cannot be known, or the cluster has no such endpoint; says whom to give what, or what to
            enable. Its status is 0: none of the cluster's own has been asked.
    """
    at, endpoint = _KEPT.get(gke, (0.0, Endpoint("")))
    if fresh or not at or time.monotonic() - at > KEPT:
        viewer = f"roles/container.clusterViewer on project {gke.project}"
        found = _ask(CLUSTERS, f"/v1/{gke}", token, f"{gke} cannot be looked up", viewer)
        endpoint = _endpoint(gke, found, token)
        _KEPT[gke] = time.monotonic(), endpoint
    return endpoint


def endpoint_in(gke: Gke, cluster: dict[str, Any]) -> Endpoint | Membership:
    """Read the endpoint of a cluster in its description, or, for Connect Gateway, its membership in a fleet.

    Raises ClusterError where it has none, with the command that gives it one.
    """
    update = f"gcloud container clusters update {gke.name} --location={gke.location} --project={gke.project}"
    ways = _section(cluster, "controlPlaneEndpointsConfig")
    if gke.endpoint == "connect-gateway":
        found = _MEMBERSHIP.fullmatch(str(_section(cluster, "fleet").get("membership", "")))
        if not found:
            raise ClusterError(f"{gke} is in no fleet, so Connect Gateway does not know it: {update} --enable-fleet")
        return Membership(**found.groupdict())
    if gke.endpoint == "dns":
        dns = _section(ways, "dnsEndpointConfig")
        host = str(dns.get("endpoint", ""))
        if not _HOST.fullmatch(host) or dns.get("allowExternalTraffic") is not True:
            raise ClusterError(f"{gke} has no DNS endpoint that lets anybody in: {update} --enable-dns-access")
        return Endpoint(f"https://{host}")
    host = str(cluster.get("endpoint", ""))
    if not _HOST.fullmatch(host) or _section(ways, "ipEndpointsConfig").get("enabled") is False:
        raise ClusterError(f"{gke} has no IP endpoint: {update} --enable-ip-access, or say endpoint: dns")
    try:
        encoded = str(_section(cluster, "masterAuth").get("clusterCaCertificate", ""))
        authority = base64.b64decode(encoded, validate=True).decode("ascii")
    except (binascii.Error, UnicodeDecodeError):
        authority = ""
    if not authority:
        raise ClusterError(f"{gke}: Google does not say which authority signs for its IP endpoint; say endpoint: dns")
    return Endpoint(f"https://{host}", authority)


def gateway(membership: Membership, number: str) -> Endpoint:
    """The address of a cluster behind Connect Gateway, which wants the number of the fleet's project, not its id.

    https://cloud.google.com/kubernetes-engine/enterprise/multicluster-management/gateway/using. Of GKE's own clusters,
    `gkeMemberships` is what is asked for.
    """
    place = membership.location
    host = f"{'' if place == 'global' else f'{place}-'}connectgateway.googleapis.com"
    return Endpoint(f"https://{host}/v1/projects/{number}/locations/{place}/gkeMemberships/{membership.name}")


def said_by_google(data: bytes) -> tuple[str, str]:
    """Read what one of Google's front ends says is wrong: its words and its reason (https://google.aip.dev/193).

    Both are `""` where it is something else, such as a Status of Kubernetes.
    """
    try:
        error = json.loads(data)["error"]
        message, details = error["message"], error.get("details") or []
        reasons = [str(detail["reason"]) for detail in details if isinstance(detail, dict) and "reason" in detail]
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return "", ""
    return (excerpt(message), (reasons or [""])[0]) if isinstance(message, str) else ("", "")


def _endpoint(gke: Gke, cluster: dict[str, Any], token: GoogleToken) -> Endpoint:
    found = endpoint_in(gke, cluster)
    if isinstance(found, Endpoint):
        return found
    number = found.project
    if not number.isdecimal():
        what = f"the number of project {found.project}, which Connect Gateway wants, cannot be looked up"
        answer = _ask(PROJECTS, f"/v3/projects/{found.project}", token, what, f"roles/browser on project {number}")
        number = str(answer.get("name", "")).removeprefix("projects/")
    if not number.isdecimal():
        raise ClusterError(f"{gke}: Google does not tell the number of its fleet's project; say endpoint: dns")
    return gateway(found, number)


def _ask(root: str, path: str, token: GoogleToken, failed: str, role: str) -> dict[str, Any]:
    """Get a JSON object of a Google API; for errors, `failed` says what cannot be done, and `role` what allows it."""

    def ask() -> dict[str, Any]:
        try:
            received = _send(root, path, token)
        except AnswerError as error:
            raise ClusterError(f"{failed}: {error}", transient=error.transient) from error
        if received.status != 200:
            raise _refusal(root, received, token, failed, role)
        try:
            answer = json.loads(received.data)
        except (ValueError, RecursionError):
            answer = None
        if not isinstance(answer, dict):
            raise ClusterError(f"{failed}: {root} answered with something else than a JSON object")
        return answer

    return with_retries(ask)


def _send(root: str, path: str, token: GoogleToken) -> Received:
    """Ask once, and once more with another token where the first one is refused."""
    headers = {"Authorization": token.header()}
    if project := token.quota_project():
        headers["X-Goog-User-Project"] = project
    received = _http(root).send("GET", path, TIMEOUT, headers=headers)
    if received.status != 401:
        return received
    return _http(root).send(
        "GET", path, TIMEOUT, headers={**headers, "Authorization": token.renewed(headers["Authorization"])}
    )


@cache
def _http(root: str) -> GoogleHttp:
    """The connections of all of this process."""
    return GoogleHttp(root)


def _refusal(root: str, received: Received, token: GoogleToken, failed: str, role: str) -> ClusterError:
    said, reason = said_by_google(received.data)
    told = f"{failed}: {root} answered {received.status}: {said or 'no reason given'}"
    service = root.removeprefix("https://")
    if received.status == 429 or received.status >= 500:
        after = received.headers.get("Retry-After", "")
        wait = float(after) if after.isascii() and after.isdigit() else None
        return ClusterError(f"{told}; try again later", transient=True, retry_after=wait)
    if reason == "SERVICE_DISABLED":
        return ClusterError(f"{told}; gcloud services enable {service}")
    if received.status == 403:
        return ClusterError(f"{told}; give {token.principal() or 'this account'} {role}")
    if received.status == 404:
        return ClusterError(f"{told}; check its name in spec.gke.cluster")
    return ClusterError(f"{told}; look at the account {token.principal()}".rstrip())


def _section(value: dict[str, Any], name: str) -> dict[str, Any]:
    found = value.get(name)
    return found if isinstance(found, dict) else {}
