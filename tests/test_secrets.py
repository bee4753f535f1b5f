"""Secrets, from a Secret Manager that speaks Google's protocol."""

from collections.abc import Iterator

import grpc
import pytest
from google.cloud.secretmanager_v1 import SecretManagerServiceClient
from google.cloud.secretmanager_v1.services.secret_manager_service.transports import SecretManagerServiceGrpcTransport

from deployer.errors import SecretError
from deployer.secrets import read_secret
from local.secret_manager import SecretManager

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


def test_a_secret_that_is_not_there_is_named(manager: SecretManager) -> None:
    with pytest.raises(SecretError, match=f"secret {NAME} does not exist, or has no version: create it"):
        read_secret(NAME, manager.address)


def test_a_disabled_version_is_told(manager: SecretManager) -> None:
    version = manager.put(NAME, b"first")
    with grpc.insecure_channel(manager.address) as channel:
        transport = SecretManagerServiceGrpcTransport(channel=channel)
        SecretManagerServiceClient(transport=transport).disable_secret_version(name=version)
    with pytest.raises(SecretError, match="its version is disabled or destroyed; enable it or add a new one"):
        read_secret(NAME, manager.address)
