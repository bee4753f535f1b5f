"""Secrets, from a Secret Manager that speaks Google's protocol."""

import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.cloud.secretmanager_v1 import types

from deployer.errors import SecretError
from deployer.google_token import google_token
from deployer.secrets import read_live, read_secret, read_setting
from local.secret_manager import SecretManager
from tests.google import EMAIL, REGIONAL_SECRETS, Google

NAME = "projects/local/secrets/production-kubeconfig"


@pytest.fixture
def manager() -> Iterator[SecretManager]:
    with SecretManager() as manager:
        yield manager


def test_the_latest_version_is_read(manager: SecretManager) -> None:
    manager.put(NAME, b"first")
    manager.put(NAME, b"second")
    assert read_secret(NAME, manager.address) == b"second"
    assert read_secret(f"{NAME}/versions/1", manager.address) == b"first"


def test_a_secret_is_kept_until_it_is_of_no_use_any_more(manager: SecretManager) -> None:
    manager.put(NAME, b"first")
    assert read_secret(NAME, manager.address) == b"first"
    manager.put(NAME, b"second")
    assert read_secret(NAME, manager.address) == b"first"
    assert read_secret(NAME, manager.address, fresh=True) == b"second"
    assert read_secret(NAME, manager.address) == b"second"


def test_a_setting_holds_a_secret_or_says_where_it_is(manager: SecretManager, tmp_path: Path) -> None:
    manager.put(NAME, b"managed\n")
    (tmp_path / "token").write_text("mounted\r\n")
    assert read_setting("X", "plain", manager.address) == "plain"
    assert read_setting("X", f"file:{tmp_path / 'token'}", manager.address) == "mounted"
    assert read_setting("X", NAME, manager.address) == "managed"


def test_a_mounted_file_is_read_each_time(tmp_path: Path) -> None:
    file = tmp_path / "kubeconfig"
    with pytest.raises(SecretError, match=f"the secret in the file {file} cannot be read: No such file.*; mount it"):
        read_secret(f"file:{file}")
    for payload in (b"first", b"second\n"):
        file.write_bytes(payload)
        assert read_secret(f"file:{file}") == payload


def test_the_version_before_is_live_too(manager: SecretManager) -> None:
    first = manager.put(NAME, b"first")
    assert read_live("X", NAME, manager.address) == ["first"]
    manager.put(NAME, b"second")
    assert read_live("X", NAME, manager.address) == ["second", "first"]
    manager.disable(first)
    assert read_live("X", NAME, manager.address) == ["second"]


def test_a_secret_that_is_not_there_is_named(manager: SecretManager) -> None:
    with pytest.raises(SecretError, match=f"secret {NAME} does not exist, or has no version: create it"):
        read_secret(NAME, manager.address)


def test_a_disabled_version_is_told(manager: SecretManager) -> None:
    manager.disable(manager.put(NAME, b"first"))
    with pytest.raises(SecretError, match="its version is disabled or destroyed; enable it or add a new one"):
        read_secret(NAME, manager.address)


@contextmanager
def faulty(code: grpc.StatusCode | None) -> Iterator[str]:
    """A Secret Manager that refuses every access with a code; without one, it answers with a wrong checksum."""

    def access(request: Any, context: grpc.ServicerContext) -> Any:
        if code:
            context.abort(code, "no")
        return types.AccessSecretVersionResponse(payload={"data": b"s3cret", "data_crc32c": 1})

    server = grpc.server(ThreadPoolExecutor(1))
    handler = grpc.unary_unary_rpc_method_handler(
        access,
        types.AccessSecretVersionRequest.deserialize,
        types.AccessSecretVersionResponse.serialize,
    )
    service = "google.cloud.secretmanager.v1.SecretManagerService"
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(service, {"AccessSecretVersion": handler}),))
    address = f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
    server.start()
    yield address
    server.stop(grace=None).wait()


@pytest.mark.parametrize(
    ("code", "said"),
    [
        (grpc.StatusCode.INVALID_ARGUMENT, "Secret Manager does not give it: 400"),
        (None, "its checksum does not match"),
    ],
)
def test_what_goes_wrong_is_told_and_not_shown(code: grpc.StatusCode | None, said: str) -> None:
    with faulty(code) as address, pytest.raises(SecretError, match=f"secret {NAME}: {said}") as caught:
        read_secret(NAME, address)
    assert "s3cret" not in str(caught.value)


def test_whoever_is_refused_is_named(google: Google, monkeypatch: pytest.MonkeyPatch) -> None:
    with faulty(grpc.StatusCode.PERMISSION_DENIED) as address:
        with pytest.raises(SecretError) as caught:
            read_secret(NAME, address)
        assert str(caught.value) == f"secret {NAME}: give {EMAIL} roles/secretmanager.secretAccessor on it"
        google_token.cache_clear()
        monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", "/does/not/exist")
        with pytest.raises(SecretError, match=r"give this service account roles/secretmanager.secretAccessor on it"):
            read_secret(NAME, address)


REGIONAL = "projects/local/locations/europe-west1/secrets/production-kubeconfig"


def test_a_regional_secret_of_an_emulator(manager: SecretManager) -> None:
    manager.put(NAME, b"global")
    first = manager.put(REGIONAL, b"regional")
    assert read_secret(REGIONAL, manager.address) == b"regional"
    assert read_secret(f"{REGIONAL}/versions/1", manager.address) == b"regional"
    manager.put(REGIONAL, b"second")
    assert read_live("X", REGIONAL, manager.address) == ["second", "regional"]
    manager.disable(first)
    assert read_live("X", REGIONAL, manager.address) == ["second"]


@pytest.mark.parametrize("wrong", [False, True])
def test_a_regional_secret_is_asked_for_where_it_is(google: Google, manager: SecretManager, wrong: bool) -> None:
    manager.put(REGIONAL, b"regional")
    with faulty(None) as faulty_address:
        google.tunnels[REGIONAL_SECRETS] = faulty_address if wrong else manager.address
        program = f"from deployer.secrets import read_secret; print(read_secret({REGIONAL!r}))"
        done = subprocess.run(
            [sys.executable, "-c", program],
            env={**os.environ, **google.way()},
            cwd=Path(__file__).parents[1],
            capture_output=True,
            text=True,
            timeout=60,
        )
    assert set(google.connected) == {f"{REGIONAL_SECRETS}:443"}
    if wrong:
        assert f"secret {REGIONAL}: its checksum does not match" in done.stderr
    else:
        assert done.stdout == "b'regional'\n", done.stderr


def test_a_secret_manager_that_is_not_there_is_told() -> None:
    with pytest.raises(SecretError, match="Secret Manager cannot be reached"):
        read_secret(NAME, "127.0.0.1:1")


def test_a_machine_without_google_credentials_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("GOOGLE_APPLICATION_CREDENTIALS", "CLOUDSDK_CONFIG"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("NO_GCE_CHECK", "true")  # this machine is asked nothing about itself
    with pytest.raises(SecretError, match="no Google credentials here"):
        read_secret(NAME)
