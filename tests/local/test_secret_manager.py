from collections.abc import Callable, Iterator

import grpc
import pytest
from google.api_core import exceptions
from google.cloud.secretmanager_v1 import SecretManagerServiceClient, types
from google.cloud.secretmanager_v1.services.secret_manager_service.transports import SecretManagerServiceGrpcTransport

from deployer.crc32c import crc32c
from local.secret_manager import SecretManager

PROJECT = "projects/local"
NAME = f"{PROJECT}/secrets/production-kubeconfig"
State = types.SecretVersion.State


@pytest.fixture
def server() -> Iterator[SecretManager]:
    with SecretManager() as server:
        yield server


@pytest.fixture
def client(server: SecretManager) -> Iterator[SecretManagerServiceClient]:
    with grpc.insecure_channel(server.address) as channel:
        yield SecretManagerServiceClient(transport=SecretManagerServiceGrpcTransport(channel=channel))


def test_latest_is_the_last_version_and_arrives_whole(
    server: SecretManager, client: SecretManagerServiceClient
) -> None:
    assert server.put(NAME, b"old") == f"{NAME}/versions/1"
    assert server.put(NAME, "neu \N{SNOWMAN}".encode()) == f"{NAME}/versions/2"

    answer = client.access_secret_version(name=f"{NAME}/versions/latest", timeout=5)

    assert answer.name == f"{NAME}/versions/2"
    assert answer.payload.data == "neu \N{SNOWMAN}".encode()
    assert answer.payload.data_crc32c == crc32c(answer.payload.data)
    assert client.access_secret_version(name=f"{NAME}/versions/1", timeout=5).payload.data == b"old"


def test_secrets_and_versions_made_by_the_client(client: SecretManagerServiceClient) -> None:
    replication = types.Replication(automatic=types.Replication.Automatic())
    secret = client.create_secret(parent=PROJECT, secret_id="token", secret=types.Secret(replication=replication))
    payload = types.SecretPayload(data=b"value", data_crc32c=crc32c(b"value"))
    version = client.add_secret_version(parent=secret.name, payload=payload)

    assert secret.name == f"{PROJECT}/secrets/token"
    assert client.get_secret(name=secret.name) == secret
    assert [one.name for one in client.list_secrets(parent=PROJECT)] == [secret.name]
    assert list(client.list_secrets(parent="projects/other")) == []
    assert (version.name, version.state) == (f"{secret.name}/versions/1", State.ENABLED)
    assert client.get_secret_version(name=f"{secret.name}/versions/latest") == version


def test_a_rotation_lists_the_enabled_versions_newest_first(
    server: SecretManager, client: SecretManagerServiceClient
) -> None:
    for value in (b"1", b"2", b"3"):
        server.put(NAME, value)
    client.disable_secret_version(name=f"{NAME}/versions/2")

    enabled = client.list_secret_versions(
        request=types.ListSecretVersionsRequest(parent=NAME, filter="state:ENABLED", page_size=1)
    )

    assert [version.name for version in enabled] == [f"{NAME}/versions/3", f"{NAME}/versions/1"]
    assert len(list(client.list_secret_versions(parent=NAME))) == 3


def test_a_disabled_latest_version_is_refused_until_it_is_enabled_again(
    server: SecretManager, client: SecretManagerServiceClient
) -> None:
    server.put(NAME, b"first")
    server.put(NAME, b"second")
    assert client.disable_secret_version(name=f"{NAME}/versions/2").state == State.DISABLED

    with pytest.raises(exceptions.FailedPrecondition, match=r"versions/2\] is in DISABLED state"):
        client.access_secret_version(name=f"{NAME}/versions/latest")

    client.enable_secret_version(name=f"{NAME}/versions/2")
    assert client.access_secret_version(name=f"{NAME}/versions/latest").payload.data == b"second"


def test_a_destroyed_version_is_gone_for_good(server: SecretManager, client: SecretManagerServiceClient) -> None:
    name = server.put(NAME, b"first")
    assert client.destroy_secret_version(name=name).destroy_time

    for again in (client.access_secret_version, client.enable_secret_version, client.disable_secret_version):
        with pytest.raises(exceptions.FailedPrecondition, match="is in DESTROYED state"):
            again(name=name)


def test_versions_keep_arriving_while_others_are_read(
    server: SecretManager, client: SecretManagerServiceClient
) -> None:
    for count in range(1, 30):
        server.put(NAME, b"%d" % count)
        assert client.access_secret_version(name=f"{NAME}/versions/latest").payload.data == b"%d" % count


REFUSED: list[tuple[str, Callable[[SecretManagerServiceClient], object], type[Exception], str]] = [
    (
        "no such secret",
        lambda client: client.access_secret_version(name=f"{PROJECT}/secrets/none/versions/latest"),
        exceptions.NotFound,
        r"Secret \[projects/local/secrets/none\] not found or has no versions\.",
    ),
    (
        "a secret without versions",
        lambda client: client.access_secret_version(name=f"{PROJECT}/secrets/empty/versions/latest"),
        exceptions.NotFound,
        r"Secret \[projects/local/secrets/empty\] not found or has no versions\.",
    ),
    (
        "no such version",
        lambda client: client.access_secret_version(name=f"{NAME}/versions/7"),
        exceptions.NotFound,
        r"Secret Version \[.*/versions/7\] not found",
    ),
    (
        "no version in the name",
        lambda client: client.access_secret_version(name=NAME),
        exceptions.InvalidArgument,
        "is not in a valid format",
    ),
    (
        "a secret to get that is not there",
        lambda client: client.get_secret(name=f"{PROJECT}/secrets/none"),
        exceptions.NotFound,
        r"Secret \[projects/local/secrets/none\] not found",
    ),
    (
        "a version for no secret",
        lambda client: client.add_secret_version(
            parent=f"{PROJECT}/secrets/none", payload=types.SecretPayload(data=b"x")
        ),
        exceptions.NotFound,
        r"Secret \[projects/local/secrets/none\] not found",
    ),
    (
        "a secret that is there already",
        lambda client: client.create_secret(parent=PROJECT, secret_id="empty", secret=types.Secret()),
        exceptions.AlreadyExists,
        r"Secret \[projects/local/secrets/empty\] already exists\.",
    ),
    (
        "a secret's name with a slash",
        lambda client: client.create_secret(parent=PROJECT, secret_id="a/b", secret=types.Secret()),
        exceptions.InvalidArgument,
        "is not in a valid format",
    ),
    (
        "a payload over 64 KiB",
        lambda client: client.add_secret_version(parent=NAME, payload=types.SecretPayload(data=bytes(65_537))),
        exceptions.InvalidArgument,
        "65537 bytes is larger than the 65536 bytes allowed",
    ),
    (
        "a checksum of something else",
        lambda client: client.add_secret_version(parent=NAME, payload=types.SecretPayload(data=b"x", data_crc32c=1)),
        exceptions.InvalidArgument,
        "checksum",
    ),
    (
        "a filter that is not supported",
        lambda client: client.list_secret_versions(
            request=types.ListSecretVersionsRequest(parent=NAME, filter="create_time>2020")
        ),
        exceptions.InvalidArgument,
        "not in a valid format",
    ),
    (
        "a filter of secrets",
        lambda client: client.list_secrets(request=types.ListSecretsRequest(parent=PROJECT, filter="name:x")),
        exceptions.InvalidArgument,
        "cannot filter secrets",
    ),
]


@pytest.mark.parametrize(("ask", "error", "message"), [pytest.param(*case[1:], id=case[0]) for case in REFUSED])
def test_refused_as_google_refuses(
    server: SecretManager,
    client: SecretManagerServiceClient,
    ask: Callable[[SecretManagerServiceClient], object],
    error: type[Exception],
    message: str,
) -> None:
    server.put(NAME, bytes(65_536))  # the largest payload is not too large
    client.create_secret(parent=PROJECT, secret_id="empty", secret=types.Secret())

    with pytest.raises(error, match=message):
        ask(client)


@pytest.mark.parametrize(
    ("name", "payload", "message"),
    [
        ("production-kubeconfig", b"x", r"Resource ID \[production-kubeconfig\] is not in a valid format"),
        (NAME, bytes(65_537), "larger than the 65536 bytes allowed"),
    ],
)
def test_put_refuses_what_google_refuses(server: SecretManager, name: str, payload: bytes, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        server.put(name, payload)


def test_after_stop_nothing_answers(server: SecretManager, client: SecretManagerServiceClient) -> None:
    name = server.put(NAME, b"x")
    server.stop()
    with pytest.raises(exceptions.ServiceUnavailable):
        client.access_secret_version(name=name, retry=None, timeout=5)
