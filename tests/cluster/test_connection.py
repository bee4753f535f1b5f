"""The connection to a cluster: what is sent, and what is said where the answer is no good."""

import contextlib
import json
import socket
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import yaml
from cryptography.hazmat.primitives import serialization

from deployer.cluster.connection import APPLY, PARALLEL, Cluster, connect, connect_with_file
from deployer.errors import ClusterError
from deployer.http import MAX_ANSWER
from local.certificates import CertificateAuthority, encoded, kubeconfig
from local.world import World
from tests.cluster.conftest import Server


@pytest.fixture
def open_cluster(server: Server) -> Iterator[Callable[[dict[str, Any]], Cluster]]:
    """Connects to `server` as a user of a kubeconfig."""
    opened: list[Cluster] = []

    def open_it(user: dict[str, Any]) -> Cluster:
        opened.append(connect("test", server.kubeconfig(**user).encode(), "the-secret"))
        return opened[-1]

    yield open_it
    for one in opened:
        one.close()


def refusal(cluster: Cluster, path: str = "/x", method: str = "GET") -> ClusterError:
    with pytest.raises(ClusterError) as caught:
        cluster.request(method, path)
    return caught.value


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
