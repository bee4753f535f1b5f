"""What the tests of a sync share: manifests as a source holds them, and a cluster that can be cut off."""

import contextlib
import json
import socket
import threading
from typing import Any, Self
from urllib.parse import urlsplit

import yaml

from deployer.cluster.connection import Cluster, connect
from deployer.manifest import Manifest
from deployer.source import Directory
from deployer.sync.engine import Engine
from deployer.sync.options import Options
from deployer.sync.result import Step
from local.control_plane import ControlPlane
from tests.rendering.rendered import render


def manifests(*documents: str | dict[str, Any]) -> list[Manifest]:
    """Manifests from texts (of one document or many) and objects."""
    texts = [one if isinstance(one, str) else json.dumps(one) for one in documents]
    return render({f"{number:03}.yaml": text.encode() for number, text in enumerate(texts)}, Directory())


def manifest(api_version: str, kind: str, name: str, namespace: str = "", **fields: Any) -> dict[str, Any]:
    """One object."""
    metadata = {"name": name, **({"namespace": namespace} if namespace else {})}
    return {"apiVersion": api_version, "kind": kind, "metadata": metadata, **fields}


def definition(group: str, plural: str = "widgets", kind: str = "Widget", **versions: bool) -> dict[str, Any]:
    """A CustomResourceDefinition; `versions` says of each whether it is the stored one, the default is `v1`."""
    schema = {"type": "object", "properties": {"size": {"type": "integer"}}}
    return manifest(
        "apiextensions.k8s.io/v1",
        "CustomResourceDefinition",
        f"{plural}.{group}",
        spec={
            "group": group,
            "scope": "Namespaced",
            "names": {"plural": plural, "singular": plural[:-1], "kind": kind},
            "versions": [
                {"name": name, "served": True, "storage": stored, "schema": {"openAPIV3Schema": schema}}
                for name, stored in (versions or {"v1": True}).items()
            ],
        },
    )


def ignore(step: Step) -> None:
    """Progress that nobody wants to know."""


def written(cluster: Cluster, namespace: str, *documents: str | dict[str, Any], dry_run: bool = False) -> Engine:
    """Write a sync to its end, with CreateNamespace=true."""
    writing = Engine(cluster, Options(namespace, create_namespace=True, dry_run=dry_run, wait=False), ignore)
    writing.run(manifests(*documents))
    return writing


def by_name(values: dict[Any, Any]) -> dict[str, Any]:
    """The same, by `Kind/name`."""
    return {str(key): value for key, value in values.items()}


class Wire:
    """A connection to a cluster through a wire that `cut` cuts, for good."""

    def __init__(self, plane: ControlPlane) -> None:
        self._target = ("127.0.0.1", urlsplit(plane.url).port)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._sockets: list[socket.socket] = [self._listener]
        self._threads: list[threading.Thread] = []
        config = yaml.safe_load(plane.deployer_kubeconfig)
        config["clusters"][0]["cluster"]["server"] = f"https://127.0.0.1:{self._listener.getsockname()[1]}"
        self.cluster = connect(plane.name, yaml.safe_dump(config).encode(), "the-secret")

    def __enter__(self) -> Self:
        self._start(self._accept)
        return self

    def __exit__(self, *error: object) -> None:
        self.cut()
        self.cluster.close()
        for thread in self._threads:
            thread.join()
        for one in self._sockets:
            one.close()

    def cut(self) -> None:
        """Let nothing through any more."""
        for one in list(self._sockets):
            with contextlib.suppress(OSError):  # it may have ended by itself
                one.shutdown(socket.SHUT_RDWR)

    def _start(self, target: Any, *arguments: Any) -> None:
        thread = threading.Thread(target=target, args=arguments)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):  # cut
            while True:
                near, far = self._listener.accept()[0], socket.create_connection(self._target)
                self._sockets += [near, far]
                self._start(self._pump, near, far)
                self._start(self._pump, far, near)

    def _pump(self, source: socket.socket, sink: socket.socket) -> None:
        with contextlib.suppress(OSError):  # cut
            while data := source.recv(65536):
                sink.sendall(data)
        with contextlib.suppress(OSError):
            sink.shutdown(socket.SHUT_WR)
