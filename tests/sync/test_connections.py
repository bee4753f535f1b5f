"""The connections that settings and configuration ask for."""

from contextlib import closing
from pathlib import Path

import pytest

from deployer.cluster_document import ClusterDocument, Gke
from deployer.errors import ClusterError, SecretError
from deployer.settings import Settings
from deployer.sync.connections import open_cluster
from local.certificates import CertificateAuthority, kubeconfig
from tests.cluster.test_gke import a_cluster, described
from tests.google import DNS, EMAIL, Google, error


def document(secret: str = "", gke: Gke | None = None) -> ClusterDocument:
    return ClusterDocument("production", (), secret, {}, "a.yaml", gke)


def test_a_kubeconfig_is_read_where_the_document_says(tmp_path: Path) -> None:
    file = tmp_path / "kubeconfig"
    with pytest.raises(SecretError, match="cannot be read"):
        open_cluster(document(f"file:{file}"), Settings())
    authority = CertificateAuthority("x").certificate
    file.write_text(kubeconfig("x", "https://127.0.0.1:1", authority, {"token": "t"}))
    with closing(open_cluster(document(f"file:{file}"), Settings())) as cluster:
        assert (cluster.name, cluster.requests) == ("production", 0)


def test_a_cluster_of_gke_needs_no_secret(google: Google) -> None:
    gke = a_cluster("dns")
    google.clusters[str(gke)] = described()
    for fresh, asked in ((False, 1), (False, 1), (True, 2)):
        with closing(open_cluster(document(gke=gke), Settings(), fresh=fresh)) as cluster:
            assert (cluster.name, cluster.requests) == ("production", 0)
        assert len(google.requests("container.googleapis.com")) == asked
    assert DNS not in {host for host, _, _ in google.asked}, "the cluster itself is asked nothing yet"


def test_whoever_may_not_know_where_a_cluster_is_is_named(google: Google) -> None:
    google.faults.append(("container.googleapis.com", error(403, "no")))
    with pytest.raises(ClusterError, match=f"; give {EMAIL} roles/container.clusterViewer on project acme$"):
        open_cluster(document(gke=a_cluster("dns")), Settings())
