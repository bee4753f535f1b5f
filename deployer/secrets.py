"""Secrets: the one place where they are read, from Secret Manager and from mounted files."""

import time
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from deployer.crc32c import crc32c
from deployer.errors import ConfigurationError, SecretError
from deployer.google_token import google_token
from deployer.http import TIMEOUT
from deployer.imports import IMPORTING
from deployer.retry import with_retries
from deployer.secret_name import FILE, MANAGED, location_of

KEPT = 300.0
"""Seconds that a secret is kept in memory: each reading costs money, and a round trip."""


_HURRY = 2.0
"""Seconds for Secret Manager where a delivery waits."""


class _Version(NamedTuple):
    name: str
    payload: bytes


class _NoVersionError(SecretError):
    """The version does not exist, or is disabled or destroyed."""


_KEPT: dict[tuple[str, str], tuple[float, bytes]] = {}


def read_secret(place: str, endpoint: str = "", *, fresh: bool = False) -> bytes:
    """Read a secret; one of Secret Manager that was read less than `KEPT` seconds ago is taken from memory.

    Args:
        place: `projects/P/secrets/S` (its latest version), or `projects/P/locations/L/secrets/S` of a regional secret,
            either with `/versions/V`; or `file:/PATH`.
        endpoint: `host:port` of an emulator of Secret Manager, spoken to without TLS; `""` is Google's own.
        fresh: read it in any case: what was read before has turned out to be of no use any more.

    Returns:
        Its payload, checked against its CRC32C where it comes from Secret Manager.

    Raises:
        SecretError: it cannot be had; says why and what to do.
    """
    if place.startswith(FILE):
        return _read_file(place.removeprefix(FILE))
    at, payload = _KEPT.get((endpoint, place), (0.0, b""))
    if fresh or not at or time.monotonic() - at > KEPT:
        payload = _access(place, endpoint).payload
        _KEPT[endpoint, place] = time.monotonic(), payload
    return payload


def read_setting(setting: str, value: str, endpoint: str = "", *, fresh: bool = False) -> str:
    """Read the secret that a setting holds, or says the place of.

    Args:
        setting: its name, for errors.
        value: the secret itself, or a place as for `read_secret`.
        endpoint: as for `read_secret`.
        fresh: as for `read_secret`.

    Raises:
        SecretError: it cannot be had.
        ConfigurationError: what stands there is not one line of text.
    """
    if value.startswith((FILE, MANAGED)):
        return _text(read_secret(value, endpoint, fresh=fresh), f"{setting}: {value}")
    return value


def read_live(setting: str, value: str, endpoint: str = "", *, hurry: bool = False) -> list[str]:
    """Read the secrets that a setting stands for at this moment, without what is kept.

    For a secret of Secret Manager without a version, these are the latest version and, while it is enabled, the one
    before it: so adding a version begins a rotation, and disabling the old one ends it.

    Args:
        setting: as for `read_setting`.
        value: as for `read_setting`.
        endpoint: as for `read_secret`.
        hurry: whoever waits for it would rather do without than wait for long.

    Raises:
        SecretError: it cannot be had.
        ConfigurationError: what stands there is not one line of text.
    """
    if not value.startswith(MANAGED):
        return [read_setting(setting, value)]
    latest = _access(value, endpoint, hurry=hurry)
    found = [_text(latest.payload, f"{setting}: {latest.name}")]
    secret, _, number = latest.name.rpartition("/")
    if "/versions/" not in value and int(number) > 1:
        try:
            before = _access(f"{secret}/{int(number) - 1}", endpoint, hurry=hurry)
        except _NoVersionError:
            return found
        found.append(_text(before.payload, f"{setting}: {before.name}"))
    return found


def _read_file(path: str) -> bytes:
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise SecretError(f"the secret in the file {path} cannot be read: {error.strerror}; mount it there") from error


def _text(payload: bytes, where: str) -> str:
    """A secret as text. A file often ends in a newline, which its owner did not mean to be part of the secret."""
    try:
        text = payload.decode().rstrip("\r\n")
    except UnicodeDecodeError:
        text = ""
    if not text or text != text.strip() or not text.isprintable():
        raise ConfigurationError(f"{where} is empty, or holds something that is no secret: one line of text is needed")
    return text


def _access(name: str, endpoint: str, *, hurry: bool = False) -> _Version:
    return _ask(name, endpoint, _HURRY) if hurry else with_retries(lambda: _ask(name, endpoint, TIMEOUT))


def _ask(name: str, endpoint: str, timeout: float) -> _Version:
    with IMPORTING:
        from google.api_core.exceptions import (
            DeadlineExceeded,
            FailedPrecondition,
            GoogleAPICallError,
            NotFound,
            PermissionDenied,
            ResourceExhausted,
            ServerError,
        )
        from google.auth.exceptions import GoogleAuthError

    version = name if "/versions/" in name else f"{name}/versions/latest"
    try:
        # Without the library's own retries, which go on for a minute whatever the time-out.
        answer = _client(endpoint, location_of(name)).access_secret_version(name=version, timeout=timeout, retry=None)
    except NotFound as error:
        raise _NoVersionError(
            f"secret {name} does not exist, or has no version: create it in Secret Manager"
        ) from error
    except FailedPrecondition as error:
        told = f"secret {name}: its version is disabled or destroyed; enable it or add a new one"
        raise _NoVersionError(told) from error
    except PermissionDenied as error:
        if error.reason == "SERVICE_DISABLED":
            told = (
                f"secret {name}: its project has no Secret Manager: gcloud services enable secretmanager.googleapis.com"
            )
            raise SecretError(told) from error
        raise SecretError(f"secret {name}: give {_who()} roles/secretmanager.secretAccessor on it") from error
    except (DeadlineExceeded, ResourceExhausted, ServerError) as error:
        told = f"secret {name}: Secret Manager cannot be reached ({type(error).__name__}); try again later"
        raise SecretError(told, transient=True) from error
    except GoogleAuthError as error:
        told = f"secret {name}: no Google credentials here ({type(error).__name__}): "
        raise SecretError(told + "on a machine of yours, gcloud auth application-default login") from error
    except GoogleAPICallError as error:
        raise SecretError(f"secret {name}: Secret Manager does not give it: {error.code} {error.reason}") from error
    payload: bytes = answer.payload.data
    if answer.payload.data_crc32c != crc32c(payload):
        told = f"secret {name}: its checksum does not match; try again, then add the secret once more"
        raise SecretError(told, transient=True)
    return _Version(answer.name, payload)


def _who() -> str:
    """The account that was refused, as a person is told of it."""
    from deployer.deadline import within

    with within(_HURRY):
        return google_token().principal() or "this service account"


@cache
def _client(endpoint: str, location: str) -> Any:
    """One client of each endpoint for the life of the process: it keeps its connection, and may be shared by threads.

    Regional secrets are where they belong, and at no other endpoint
    (https://cloud.google.com/secret-manager/regional-secrets/access-regional-secret-version).
    """
    with IMPORTING:
        from google.cloud.secretmanager import SecretManagerServiceClient

    if not endpoint:
        regional = {"api_endpoint": f"secretmanager.{location}.rep.googleapis.com"} if location else {}
        return SecretManagerServiceClient(client_options=regional)
    with IMPORTING:
        import grpc
        from google.cloud.secretmanager_v1.services.secret_manager_service.transports import (
            SecretManagerServiceGrpcTransport,
        )

    return SecretManagerServiceClient(
        transport=SecretManagerServiceGrpcTransport(channel=grpc.insecure_channel(endpoint))
    )
