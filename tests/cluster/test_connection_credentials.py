"""Who a connection trusts, and as whom it asks: certificates, tokens, kubeconfigs."""

import contextlib
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from cryptography.hazmat.primitives import serialization

from deployer.cluster.connection import Cluster, connect, connect_with_file
from deployer.errors import ClusterError
from local.certificates import CertificateAuthority, encoded, kubeconfig
from local.world import World
from tests.cluster.conftest import Server, refusal


def test_a_server_of_another_authority_is_not_talked_to(server: Server) -> None:
    config = kubeconfig("test", server.url, CertificateAuthority("another").certificate, {"token": "s3cret-token"})
    cluster = connect("test", config.encode(), "the-secret")
    assert "certificate verify failed" in str(refusal(cluster))
    cluster.close()
    assert server.asked == []


def test_a_name_for_the_certificate_is_heeded(server: Server) -> None:
    config = yaml.safe_load(server.kubeconfig())
    told = []
    for name in ("localhost", "elsewhere"):
        config["clusters"][0]["cluster"]["tls-server-name"] = name
        cluster = connect("test", yaml.safe_dump(config).encode(), "the-secret")
        with contextlib.suppress(ClusterError):
            told.append(cluster.request("GET", "/x"))
        cluster.close()
    assert told == [{}]
    assert len(server.asked) == 1


@pytest.mark.parametrize("token", ["s3cret\n", "s3\ncret", "s3cret\u20ac"])
def test_a_token_that_cannot_be_sent_is_told_and_not_shown(
    open_cluster: Callable[[dict[str, Any]], Cluster], token: str
) -> None:
    error = refusal(open_cluster({"token": token}))
    assert "the token in the kubeconfig in the-secret cannot be sent" in str(error)
    assert "cret" not in str(error).replace("the-secret", "")
    assert error.__suppress_context__, "the library's error holds the token"


def locked_key() -> bytes:
    key = serialization.load_pem_private_key(CertificateAuthority("test").administrator()[1], None)
    encryption = serialization.BestAvailableEncryption(b"s3cret")
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption)


@pytest.mark.parametrize(
    "key",
    [b"s3cret", CertificateAuthority("another").administrator()[1], locked_key()],
    ids=["no key", "another's key", "a key with a password"],
)
def test_credentials_that_are_malformed_are_told_and_not_shown(server: Server, key: bytes) -> None:
    certificate = CertificateAuthority("test").administrator()[0]
    user = {"client-certificate-data": encoded(certificate), "client-key-data": encoded(key)}
    with pytest.raises(ClusterError) as caught:
        connect("test", server.kubeconfig(**user).encode(), "the-secret")
    assert str(caught.value) == "the kubeconfig in the-secret cannot be used: SSLError, check it with kubectl"


@pytest.mark.parametrize("authority", ["not PEM", "\u00e9"])
def test_an_authority_that_is_malformed_is_told(server: Server, authority: str) -> None:
    config = yaml.safe_load(server.kubeconfig())
    config["clusters"][0]["cluster"]["certificate-authority-data"] = encoded(authority.encode())
    with pytest.raises(ClusterError, match="the kubeconfig in the-secret cannot be used"):
        connect("test", yaml.safe_dump(config).encode(), "the-secret")


def test_a_kubeconfig_from_a_secret_is_checked(server: Server) -> None:
    with pytest.raises(ClusterError, match=r"user\.exec is refused"):
        connect("test", server.kubeconfig(exec={"command": "id"}).encode(), "the-secret")


def test_a_real_cluster_answers(staging: Cluster) -> None:
    assert staging.request("GET", "/version")["major"] == "1"
    error = refusal(staging, "/api/v1/namespaces/does-not-exist")
    assert (error.status, str(error)) == (404, 'namespaces "does-not-exist" not found')


def test_a_client_certificate_is_as_good_as_a_token(world: World) -> None:
    payload = world.clusters["staging"].admin_kubeconfig.read_bytes()
    assert b"client-certificate-data" in payload
    cluster = connect("staging", payload, "the-secret")
    assert cluster.request("GET", "/version")["major"] == "1"
    cluster.close()


def test_a_real_clusters_expired_token_is_told(world: World) -> None:
    config = yaml.safe_load(world.clusters["staging"].deployer_kubeconfig)
    config["users"][0]["user"] = {"token": "expired"}
    cluster = connect("staging", yaml.safe_dump(config).encode(), "the-secret")
    assert "renew the kubeconfig in the-secret" in str(refusal(cluster, "/api"))
    cluster.close()


@pytest.fixture
def own_file(server: Server, tmp_path: Path) -> Path:
    """A person's own kubeconfig: two contexts, and a user whose token a program gives."""
    program = tmp_path / "give-token"
    status = {"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential", "status": {"token": "by-exec"}}
    program.write_text(f"#!{sys.executable}\nprint('''{json.dumps(status)}''')\n")
    program.chmod(0o700)
    config = yaml.safe_load(server.kubeconfig())
    exec_user = {
        "apiVersion": "client.authentication.k8s.io/v1",
        "command": str(program),
        "interactiveMode": "Never",
    }
    config["users"].append({"name": "program", "user": {"exec": exec_user}})
    context = {"cluster": "test", "user": "program"}
    config["contexts"].append({"name": "by-exec", "context": context})
    file = tmp_path / "kubeconfig"
    file.write_text(yaml.safe_dump(config))
    return file


@pytest.mark.parametrize(
    ("context", "name", "token"),
    [(None, "the current context", "s3cret-token"), ("by-exec", "by-exec", "by-exec")],
)
def test_a_persons_own_kubeconfig_is_taken_as_kubectl_takes_it(
    server: Server, own_file: Path, context: str | None, name: str, token: str
) -> None:
    cluster = connect_with_file(own_file, context)
    cluster.request("GET", "/x")
    cluster.close()
    assert cluster.name == name
    assert server.asked[0].headers["authorization"] == f"Bearer {token}"


def test_a_context_that_is_not_there_is_told(own_file: Path) -> None:
    with pytest.raises(ClusterError, match=f"the credentials in {own_file} cannot be used: .*check it with kubectl"):
        connect_with_file(own_file, "another")


@pytest.mark.parametrize("text", [None, "", "unfinished: [s3cret", "- s3cret", "kind: Config", "contexts: s3cret"])
def test_a_file_that_is_no_kubeconfig_is_told_and_not_shown(tmp_path: Path, text: str | None) -> None:
    file = tmp_path / "kubeconfig"
    if text is not None:
        file.write_text(text)
    with pytest.raises(ClusterError, match=f"{file} cannot be used: .*, check it with kubectl") as caught:
        connect_with_file(file, None)
    assert "s3cret" not in str(caught.value)
