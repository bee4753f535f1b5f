"""Secret Manager: the one place where secrets are read."""

from functools import cache
from typing import Any

from deployer.crc32c import crc32c
from deployer.errors import SecretError
from deployer.http import TIMEOUT


def read_secret(name: str, endpoint: str = "") -> bytes:
    """Read a secret.

    Args:
        name: `projects/P/secrets/S` (its latest version), or that with `/versions/V`.
        endpoint: `host:port` of an emulator, spoken to without TLS; `""` is Google's own.

    Returns:
        Its payload, checked against its CRC32C.

    Raises:
        SecretError: it cannot be had; says why and what to do.
    """
    from google.api_core.exceptions import (
        FailedPrecondition,
        GoogleAPICallError,
        NotFound,
        PermissionDenied,
        ServiceUnavailable,
    )
    from google.auth.exceptions import GoogleAuthError

    version = name if "/versions/" in name else f"{name}/versions/latest"
    try:
        # Without the library's own retries, which go on for a minute whatever the time-out.
        answer = _client(endpoint).access_secret_version(name=version, timeout=TIMEOUT, retry=None)
    except NotFound as error:
        raise SecretError(f"secret {name} does not exist, or has no version: create it in Secret Manager") from error
    except PermissionDenied as error:
        raise SecretError(
            f"secret {name}: give this service account roles/secretmanager.secretAccessor on it"
        ) from error
    except FailedPrecondition as error:
        raise SecretError(f"secret {name}: its version is disabled or destroyed; enable it or add a new one") from error
    except ServiceUnavailable as error:
        raise SecretError(f"secret {name}: Secret Manager cannot be reached; try again later") from error
    except GoogleAuthError as error:
        raise SecretError(f"secret {name}: no Google credentials here ({type(error).__name__})") from error
    except GoogleAPICallError as error:
        raise SecretError(f"secret {name}: Secret Manager does not give it: {error.code} {error.reason}") from error
    payload: bytes = answer.payload.data
    if answer.payload.data_crc32c != crc32c(payload):
        raise SecretError(f"secret {name}: its checksum does not match; try again, then add the secret once more")
    return payload


@cache
def _client(endpoint: str) -> Any:
    """One client for the life of the process: it keeps its connection, and may be shared by threads."""
    from google.cloud.secretmanager import SecretManagerServiceClient

    if not endpoint:
        return SecretManagerServiceClient()
    import grpc
    from google.cloud.secretmanager_v1.services.secret_manager_service.transports import (
        SecretManagerServiceGrpcTransport,
    )

    return SecretManagerServiceClient(
        transport=SecretManagerServiceGrpcTransport(channel=grpc.insecure_channel(endpoint))
    )
