"""Terraform providers that know their schemas and nothing else: they answer the real terraform, and call nobody.

Terraform speaks with a provider over gRPC, and `TF_REATTACH_PROVIDERS` tells it that one runs already
(https://developer.hashicorp.com/terraform/plugin/terraform-plugin-protocol, and …/terraform/plugin/debugging). This one
checks values as far as schemas go, plans what is asked for with all that is computed unknown, and carries a plan out by
giving each unknown a value in the form that Google's have.
"""

import contextlib
import json
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import grpc
import msgpack
from tf.gen import tfplugin_pb2 as wire
from tf.gen import tfplugin_pb2_grpc

from tests.terraform.schemas import Attribute, Block, Nested, read_schemas

_UNKNOWN = msgpack.ExtType(0, b"\0")  # how Terraform writes "known after apply"
_NESTING = {"single": "SINGLE", "list": "LIST", "set": "SET"}
PROJECT_NUMBER = "123456789012"

# What Google makes of a resource's arguments, where others refer to it. `id` of all others is "TYPE/NAME".
_COMPUTED = {
    "google_service_account": {
        "email": "{account_id}@{project}.iam.gserviceaccount.com",
        "member": "serviceAccount:{account_id}@{project}.iam.gserviceaccount.com",
        "name": "projects/{project}/serviceAccounts/{account_id}@{project}.iam.gserviceaccount.com",
        "id": "projects/{project}/serviceAccounts/{account_id}@{project}.iam.gserviceaccount.com",
    },
    "google_monitoring_notification_channel": {"name": "projects/{project}/notificationChannels/1"},
    "google_pubsub_topic": {"id": "projects/{project}/topics/{name}"},
    "google_pubsub_subscription": {"id": "projects/{project}/subscriptions/{name}"},
    "google_secret_manager_secret": {
        "id": "projects/{project}/secrets/{secret_id}",
        "name": f"projects/{PROJECT_NUMBER}/secrets/{{secret_id}}",
    },
    "google_cloudfunctions2_function": {
        "id": "projects/{project}/locations/{location}/functions/{name}",
        "url": "https://{name}.example",
        "uri": "https://{name}-run.example",
        "service": "projects/{project}/locations/{location}/services/{name}",
    },
    "google_artifact_registry_repository": {
        "id": "projects/{project}/locations/{location}/repositories/{repository_id}",
        "name": "{repository_id}",
    },
    "google_project": {"number": PROJECT_NUMBER},
}


class _Provider(tfplugin_pb2_grpc.ProviderServicer):  # type: ignore[misc]
    """One provider; its methods have the names of the protocol, and are called in many threads."""

    def __init__(self, name: str, schemas: dict[str, Block]) -> None:
        provider = schemas.pop(f"provider {name}")
        self._provider = replace(provider, attributes={k: v for k, v in provider.attributes.items() if k != "alias"})
        self._schemas = schemas
        self._project = "project-of-the-provider"

    def GetProviderSchema(self, request: Any, context: Any) -> Any:  # noqa: N802
        answer = wire.GetProviderSchema.Response(provider=_schema(self._provider))
        for kind, block in self._schemas.items():
            is_data, name = kind.split(" ")
            table = answer.data_source_schemas if is_data == "data" else answer.resource_schemas
            table[name].CopyFrom(_schema(block))
        return answer

    def ValidateProviderConfig(self, request: Any, context: Any) -> Any:  # noqa: N802
        return wire.ValidateProviderConfig.Response()

    def ValidateResourceConfig(self, request: Any, context: Any) -> Any:  # noqa: N802
        block = self._schemas[f"resource {request.type_name}"]
        return wire.ValidateResourceConfig.Response(diagnostics=_complaints(block, _read(request.config)))

    def ValidateDataResourceConfig(self, request: Any, context: Any) -> Any:  # noqa: N802
        block = self._schemas[f"data {request.type_name}"]
        return wire.ValidateDataResourceConfig.Response(diagnostics=_complaints(block, _read(request.config)))

    def ConfigureProvider(self, request: Any, context: Any) -> Any:  # noqa: N802
        self._project = _read(request.config).get("project") or self._project
        return wire.ConfigureProvider.Response()

    def UpgradeResourceState(self, request: Any, context: Any) -> Any:  # noqa: N802
        return wire.UpgradeResourceState.Response(upgraded_state=wire.DynamicValue(json=request.raw_state.json))

    def ReadResource(self, request: Any, context: Any) -> Any:  # noqa: N802
        return wire.ReadResource.Response(new_state=request.current_state)

    def PlanResourceChange(self, request: Any, context: Any) -> Any:  # noqa: N802
        planned = _read(request.proposed_new_state)
        if planned and not _read(request.prior_state):
            _fill(self._schemas[f"resource {request.type_name}"], planned, lambda _name, _attribute: _UNKNOWN)
        return wire.PlanResourceChange.Response(planned_state=_write(planned), legacy_type_system=True)

    def ApplyResourceChange(self, request: Any, context: Any) -> Any:  # noqa: N802
        state = _read(request.planned_state)
        if state:
            self._carry_out(request.type_name, self._schemas[f"resource {request.type_name}"], state)
        return wire.ApplyResourceChange.Response(new_state=_write(state), legacy_type_system=True)

    def ReadDataSource(self, request: Any, context: Any) -> Any:  # noqa: N802
        state = _read(request.config)
        self._carry_out(request.type_name, self._schemas[f"data {request.type_name}"], state)
        return wire.ReadDataSource.Response(state=_write(state))

    def StopProvider(self, request: Any, context: Any) -> Any:  # noqa: N802
        return wire.StopProvider.Response()

    def _carry_out(self, kind: str, block: Block, state: dict[str, Any]) -> None:
        """Give all that is unknown a value, in place."""
        known = {name: value for name, value in state.items() if isinstance(value, str)}
        known.setdefault("project", known.get("project_id", self._project))
        rules = {"id": f"{kind}/{known.get('name', '')}", "project": known["project"]} | _COMPUTED.get(kind, {})

        def value(name: str, attribute: Attribute) -> Any:
            if attribute.type == "string":
                return rules.get(name, f"computed-{name}").format_map(known)
            return 0 if attribute.type == "number" else False if attribute.type == "bool" else _empty(attribute.type)

        _fill(block, state, value)


def _empty(kind: Any) -> Any:
    return {} if kind[0] in ("map", "object") else []


def _fill(block: Block, value: dict[str, Any], make: Any) -> None:
    """Give each computed attribute that is null or unknown what `make(name, attribute)` says, in place."""
    for name, attribute in block.attributes.items():
        if attribute.computed and (value.get(name) is None or value[name] == _UNKNOWN):
            value[name] = make(name, attribute)
    for nested, inner in _inside(block, value):
        _fill(nested.block, inner, make)


def _inside(block: Block, value: dict[str, Any]) -> Iterator[tuple[Nested, dict[str, Any]]]:
    """The blocks in a block, each with its schema; those that are not known yet are left out."""
    for name, nested in block.blocks.items():
        found = value.get(name) or []
        for inner in [found] if isinstance(found, dict) else found if isinstance(found, list) else []:
            if isinstance(inner, dict):
                yield nested, inner


def _complaints(block: Block, value: dict[str, Any]) -> Iterator[Any]:
    """A diagnostic for each argument whose value is none of those that the provider's documentation allows."""
    for name, attribute in block.attributes.items():
        given = value.get(name)
        if attribute.values and isinstance(given, str) and given not in attribute.values:
            yield wire.Diagnostic(
                severity="ERROR",
                summary=f"expected {name} to be one of {attribute.values}, got {given}",
                attribute={"steps": [{"attribute_name": name}]},
            )
    for nested, inner in _inside(block, value):
        yield from _complaints(nested.block, inner)


def _schema(block: Block) -> Any:
    return wire.Schema(block=_wire_block(block))


def _wire_block(block: Block) -> Any:
    return wire.Schema.Block(
        attributes=[
            wire.Schema.Attribute(
                name=name,
                type=json.dumps(attribute.type).encode(),
                required=attribute.required,
                optional=attribute.optional,
                computed=attribute.computed,
            )
            for name, attribute in block.attributes.items()
        ],
        block_types=[
            wire.Schema.NestedBlock(
                type_name=name,
                block=_wire_block(nested.block),
                nesting=_NESTING[nested.nesting],
                min_items=nested.minimum,
                max_items=nested.maximum,
            )
            for name, nested in block.blocks.items()
        ],
    )


def _read(value: Any) -> Any:
    return msgpack.unpackb(value.msgpack, strict_map_key=False) if value.msgpack else json.loads(value.json)


def _write(value: Any) -> Any:
    return wire.DynamicValue(msgpack=msgpack.packb(value))


def _stop(server: grpc.Server) -> None:
    server.stop(None).wait()


@contextlib.contextmanager
def serve(kinds: set[str]) -> Iterator[str]:
    """Serve the providers of some kinds of resources on loopback.

    Args:
        kinds: such as "resource google_pubsub_topic" and "data google_project".

    Yields:
        What the environment variable TF_REATTACH_PROVIDERS must say for terraform to find them.
    """
    providers = {kind.split(" ")[1].split("_")[0] for kind in kinds}
    with contextlib.ExitStack() as stack:
        reattach = {}
        for name in sorted(providers):
            own = {kind for kind in kinds if kind.split(" ")[1].startswith(f"{name}_")}
            schemas = read_schemas(name, {f"provider {name}", *own})
            # A message may hold a whole archive.
            server = grpc.server(ThreadPoolExecutor(4), options=[("grpc.max_receive_message_length", -1)])
            stack.callback(_stop, server)
            tfplugin_pb2_grpc.add_ProviderServicer_to_server(_Provider(name, schemas), server)
            port = server.add_insecure_port("127.0.0.1:0")
            server.start()
            reattach[f"registry.terraform.io/hashicorp/{name}"] = {
                "Protocol": "grpc",
                "ProtocolVersion": 6,
                "Pid": os.getpid(),
                "Test": True,  # terraform does not end the process
                "Addr": {"Network": "tcp", "String": f"127.0.0.1:{port}"},
            }
        yield json.dumps(reattach)
