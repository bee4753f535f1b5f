"""A Secret Manager on this machine, which Google's own client talks to.

It speaks gRPC with the client library's own types; names, states and errors are those of
https://cloud.google.com/secret-manager/docs/reference/rpc/google.cloud.secretmanager.v1.
"""

import re
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Self, TypeVar

import grpc
from google.cloud.secretmanager_v1 import types

from deployer.crc32c import crc32c

LARGEST_PAYLOAD = 65_536  # bytes
_SERVICE = "google.cloud.secretmanager.v1.SecretManagerService"
_PROJECT = re.compile(r"projects/[^/]+(?:/locations/[^/]+)?")
_SECRET = re.compile(rf"{_PROJECT.pattern}/secrets/[A-Za-z0-9_-]{{1,255}}")
_VERSION = re.compile(rf"(?P<secret>{_SECRET.pattern})/versions/(?P<number>[1-9]\d*|latest)")
_FILTER = re.compile(r"(?:state[:=](ENABLED|DISABLED|DESTROYED))?")
_PAGE = 25_000

State = types.SecretVersion.State
Item = TypeVar("Item")


class _RefusedError(Exception):
    def __init__(self, code: grpc.StatusCode, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


@dataclass
class _Version:
    data: bytes
    created: datetime
    state: int = State.ENABLED  # an enum's member, which the library types as int
    destroyed: datetime | None = None


@dataclass
class _Secret:
    """The versions are in order: version 1 is the first, and "latest" the last, whatever its state."""

    created: datetime
    versions: list[_Version] = field(default_factory=list)


class SecretManager:
    """A Secret Manager that listens on `address`, a free port of 127.0.0.1, between `start` and `stop`."""

    def __init__(self) -> None:
        self._secrets: dict[str, _Secret] = {}
        self._lock = threading.Lock()
        self._server = grpc.server(ThreadPoolExecutor(max_workers=8, thread_name_prefix="secret-manager"))
        self._server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(_SERVICE, self._methods()),))
        self.address = f"127.0.0.1:{self._server.add_insecure_port('127.0.0.1:0')}"

    def start(self) -> Self:
        """Serve, in threads."""
        self._server.start()
        return self

    def stop(self) -> None:
        """Serve no more."""
        self._server.stop(grace=None).wait()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def put(self, name: str, payload: bytes) -> str:
        """Add a version to a secret (`projects/P/secrets/S`), made if need be, and return the version's name.

        Raises:
            ValueError: the name is not one, or the payload is too large.
        """
        try:
            _match(_SECRET, name)
            with self._lock:
                self._secrets.setdefault(name, _Secret(datetime.now(UTC)))
                return self._add(name, payload)
        except _RefusedError as error:
            raise ValueError(error.message) from None

    def disable(self, version: str) -> None:
        """Disable a version (`projects/P/secrets/S/versions/N`), as the end of a rotation does."""
        with self._lock:
            self._version(version)[1].state = State.DISABLED

    def _methods(self) -> dict[str, grpc.RpcMethodHandler]:
        def method(answer: Callable[[Any], Any], request: Any, response: Any) -> grpc.RpcMethodHandler:
            def handle(asked: Any, context: grpc.ServicerContext) -> Any:
                try:
                    with self._lock:
                        return answer(asked)
                except _RefusedError as error:
                    context.abort(error.code, error.message)

            return grpc.unary_unary_rpc_method_handler(handle, request.deserialize, response.serialize)

        version = types.SecretVersion
        return {
            "CreateSecret": method(self._create_secret, types.CreateSecretRequest, types.Secret),
            "GetSecret": method(self._get_secret, types.GetSecretRequest, types.Secret),
            "ListSecrets": method(self._list_secrets, types.ListSecretsRequest, types.ListSecretsResponse),
            "AddSecretVersion": method(self._add_version, types.AddSecretVersionRequest, version),
            "GetSecretVersion": method(self._get_version, types.GetSecretVersionRequest, version),
            "ListSecretVersions": method(
                self._list_versions, types.ListSecretVersionsRequest, types.ListSecretVersionsResponse
            ),
            "AccessSecretVersion": method(
                self._access, types.AccessSecretVersionRequest, types.AccessSecretVersionResponse
            ),
            "EnableSecretVersion": method(self._change(State.ENABLED), types.EnableSecretVersionRequest, version),
            "DisableSecretVersion": method(self._change(State.DISABLED), types.DisableSecretVersionRequest, version),
            "DestroySecretVersion": method(self._change(State.DESTROYED), types.DestroySecretVersionRequest, version),
        }

    def _create_secret(self, request: types.CreateSecretRequest) -> types.Secret:
        _match(_PROJECT, request.parent)
        name = f"{request.parent}/secrets/{request.secret_id}"
        _match(_SECRET, name)
        if name in self._secrets:
            raise _RefusedError(grpc.StatusCode.ALREADY_EXISTS, f"Secret [{name}] already exists.")
        self._secrets[name] = _Secret(datetime.now(UTC))
        return self._describe_secret(name)

    def _get_secret(self, request: types.GetSecretRequest) -> types.Secret:
        return self._describe_secret(request.name)

    def _list_secrets(self, request: types.ListSecretsRequest) -> types.ListSecretsResponse:
        _match(_PROJECT, request.parent)
        if request.filter:
            raise _invalid("This Secret Manager cannot filter secrets.")
        names = [name for name in self._secrets if name.rpartition("/secrets/")[0] == request.parent]
        shown, following = _page(names, request.page_size, request.page_token)
        secrets = [self._describe_secret(name) for name in shown]
        return types.ListSecretsResponse(secrets=secrets, next_page_token=following, total_size=len(names))

    def _add_version(self, request: types.AddSecretVersionRequest) -> types.SecretVersion:
        payload = request.payload
        if "data_crc32c" in payload and payload.data_crc32c != crc32c(payload.data):
            raise _invalid("The checksum in the request does not match the payload's.")
        return self._describe_version(self._add(request.parent, payload.data))

    def _get_version(self, request: types.GetSecretVersionRequest) -> types.SecretVersion:
        return self._describe_version(self._version(request.name)[0])

    def _list_versions(self, request: types.ListSecretVersionsRequest) -> types.ListSecretVersionsResponse:
        wanted = _match(_FILTER, request.filter)[1]
        versions = self._secret(request.parent).versions
        numbers = [n for n in range(len(versions), 0, -1) if wanted in (None, State(versions[n - 1].state).name)]
        shown, following = _page(numbers, request.page_size, request.page_token)
        described = [self._describe_version(f"{request.parent}/versions/{n}") for n in shown]
        return types.ListSecretVersionsResponse(versions=described, next_page_token=following, total_size=len(numbers))

    def _access(self, request: types.AccessSecretVersionRequest) -> types.AccessSecretVersionResponse:
        name, version = self._version(request.name)
        if version.state != State.ENABLED:
            raise _state_error(name, version)
        payload = types.SecretPayload(data=version.data, data_crc32c=crc32c(version.data))
        return types.AccessSecretVersionResponse(name=name, payload=payload)

    def _change(self, state: int) -> Callable[[Any], types.SecretVersion]:
        def change(request: Any) -> types.SecretVersion:
            name, version = self._version(request.name)
            if version.state == State.DESTROYED:
                raise _state_error(name, version)
            version.state = state
            if state == State.DESTROYED:
                version.data, version.destroyed = b"", datetime.now(UTC)
            return self._describe_version(name)

        return change

    def _secret(self, name: str) -> _Secret:
        _match(_SECRET, name)
        if name not in self._secrets:
            raise _RefusedError(grpc.StatusCode.NOT_FOUND, f"Secret [{name}] not found.")
        return self._secrets[name]

    def _version(self, name: str) -> tuple[str, _Version]:
        """Return a version under its own name, which has its number where "latest" was asked for."""
        match = _match(_VERSION, name)
        versions = self._secrets[match["secret"]].versions if match["secret"] in self._secrets else []
        if not versions:
            message = f"Secret [{match['secret']}] not found or has no versions."
            raise _RefusedError(grpc.StatusCode.NOT_FOUND, message)
        number = len(versions) if match["number"] == "latest" else int(match["number"])
        if number > len(versions):
            raise _RefusedError(grpc.StatusCode.NOT_FOUND, f"Secret Version [{name}] not found.")
        return f"{match['secret']}/versions/{number}", versions[number - 1]

    def _add(self, name: str, data: bytes) -> str:
        if len(data) > LARGEST_PAYLOAD:
            raise _invalid(f"The payload of {len(data)} bytes is larger than the {LARGEST_PAYLOAD} bytes allowed.")
        versions = self._secret(name).versions
        versions.append(_Version(data, datetime.now(UTC)))
        return f"{name}/versions/{len(versions)}"

    def _describe_secret(self, name: str) -> types.Secret:
        replication = types.Replication(automatic=types.Replication.Automatic())
        return types.Secret(name=name, replication=replication, create_time=self._secret(name).created)

    def _describe_version(self, name: str) -> types.SecretVersion:
        _, version = self._version(name)
        return types.SecretVersion(
            name=name, create_time=version.created, destroy_time=version.destroyed, state=version.state
        )


def _match(pattern: re.Pattern[str], text: str) -> re.Match[str]:
    match = pattern.fullmatch(text)
    if not match:
        raise _invalid(f"Resource ID [{text}] is not in a valid format.")
    return match


def _invalid(message: str) -> _RefusedError:
    return _RefusedError(grpc.StatusCode.INVALID_ARGUMENT, message)


def _state_error(name: str, version: _Version) -> _RefusedError:
    message = f"Secret Version [{name}] is in {State(version.state).name} state."
    return _RefusedError(grpc.StatusCode.FAILED_PRECONDITION, message)


def _page(items: list[Item], size: int, token: str) -> tuple[list[Item], str]:
    """Return a page of a list and the token of the next one, which is where it begins; "" is the last one's."""
    start = int(token or 0)
    end = start + (size or _PAGE)
    return items[start:end], str(end) if end < len(items) else ""
