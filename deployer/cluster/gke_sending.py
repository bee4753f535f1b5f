"""Sends requests to a cluster of GKE: what its errors say differs, since nobody has a kubeconfig to look at."""

from collections.abc import Callable
from typing import Any

from deployer.cluster.gke import said_by_google
from deployer.cluster.sending import Request, Sender
from deployer.cluster_document import Gke
from deployer.errors import ClusterError
from deployer.google_token import GoogleToken
from deployer.http import Timeouts

_FRONTS = {
    "dns": ("roles/container.clusterViewer on project {project}", "container.googleapis.com"),
    "ip": ("roles/container.clusterViewer on project {project}", "container.googleapis.com"),
    "connect-gateway": ("roles/gkehub.gatewayEditor on the project of its fleet", "connectgateway.googleapis.com"),
}
"""What lets an account through to the cluster, where its own RBAC decides, and the API that has to be enabled."""

_OUT_OF_REACH = {
    "dns": "check the network",
    "ip": "check that its authorized networks let this machine in, and where it has a private address only, that "
    "there is a way into its network; or say endpoint: dns",
    "connect-gateway": "check the network",
}


class GkeSender(Sender):
    """The way to one cluster of GKE."""

    def __init__(
        self,
        name: str,
        client: Any,
        gke: Gke,
        token: GoogleToken,
        timeouts: Timeouts,
        renew: Callable[[ClusterError], Any],
    ) -> None:
        """Take what a Sender takes, with the cluster and the token of whoever asks."""
        super().__init__(name, client, f"spec.gke ({gke})", timeouts, renew)
        self._gke = gke
        self._token = token

    def _refused(self, request: Request, status: int, data: bytes, retry_after: str) -> ClusterError:
        if status not in (401, 403):
            return super()._refused(request, status, data, retry_after)
        who = self._token.principal() or "this account"
        said, reason = said_by_google(data)
        role, service = _FRONTS[self._gke.endpoint]
        if status == 401:
            told = (
                f"cluster {self.name} refused the access token of {who} (401), and so it did another: see whether the "
                "account is disabled; on a machine of yours, gcloud auth application-default login"
            )
            return ClusterError(told, status=status)
        if said:
            advice = f"give {who} {role.format(project=self._gke.project)}"
            if reason == "SERVICE_DISABLED":
                advice = f"gcloud services enable {service}"
            told = f"cluster {self.name}: Google lets {who} not through to it ({request.hide(said)}); {advice}"
            return ClusterError(told, status=status)
        return super()._refused(request, status, data, retry_after)

    def _unreachable(self, cause: str, what: str) -> ClusterError:
        told = f"cluster {self.name} cannot be reached for {what}: {cause}"
        if "certificate verify failed" in cause:
            return ClusterError(f"{told}: something else answers at the address that Google gives for {self._gke}")
        return ClusterError(
            f"{told}; check that {self._gke} is up; {_OUT_OF_REACH[self._gke.endpoint]}", transient=True
        )
