"""A kubeconfig that is exchanged while a connection lives: it is read anew once for each kind of fault."""

import socket
import ssl
import sys
from collections.abc import Callable

import pytest

from deployer.cluster.connection import Cluster, connect
from deployer.cluster.kubeconfig import trust
from deployer.errors import SecretError
from local.certificates import CertificateAuthority, kubeconfig
from tests.cluster.conftest import Server, refusal


def connected(first: str, renew: Callable[[], bytes]) -> Cluster:
    return connect("test", first.encode(), "the-secret", renew=renew)


def test_a_token_that_is_exchanged_in_the_middle(server: Server) -> None:
    cluster = connected(server.kubeconfig(token="old"), lambda: server.kubeconfig(token="new").encode())
    for _ in range(3):
        cluster.request("GET", "/x")
    server.first = [(401, {})]
    cluster.request("POST", "/x")  # nothing was done, so it may be sent again
    cluster.request("GET", "/x")
    cluster.close()
    tokens = [asked.headers["authorization"].removeprefix("Bearer ") for asked in server.asked]
    assert tokens == ["old", "old", "old", "old", "new", "new"]


def test_a_cluster_that_has_moved(server: Server) -> None:
    with socket.socket() as taken:  # bound, but not listening
        taken.bind(("127.0.0.1", 0))
        url = f"https://127.0.0.1:{taken.getsockname()[1]}"
        old = kubeconfig("test", url, server._authority.certificate, {"token": "t"})
        cluster = connected(old, lambda: server.kubeconfig().encode())
        assert refusal(cluster, method="POST").transient, "what may have been carried out is not repeated"
        assert server.asked == []
        assert cluster.request("GET", "/x") == {}
    cluster.close()


def test_a_cluster_with_a_new_authority(server: Server) -> None:
    old = kubeconfig("test", server.url, CertificateAuthority("old").certificate, {"token": "t"})
    cluster = connected(old, lambda: server.kubeconfig().encode())
    assert cluster.request("POST", "/x") == {}
    cluster.close()


def test_a_cluster_that_does_not_answer_is_told_whatever_else_is_wrong(server: Server) -> None:
    asked = []

    def renew() -> bytes:
        asked.append(1)
        raise SecretError("no")

    cluster = connected(server.kubeconfig(), renew)
    server.answers["/x"] = None
    for _ in range(2):
        assert "cannot be reached for GET /x: Remote end closed connection" in str(refusal(cluster))
    cluster.close()
    assert asked == [1]


@pytest.mark.skipif(sys.version_info < (3, 13), reason="Python wants no such extensions before 3.13")
def test_an_authority_without_extensions_is_trusted() -> None:
    assert not trust(CertificateAuthority("x").certificate.decode()).verify_flags & ssl.VERIFY_X509_STRICT
