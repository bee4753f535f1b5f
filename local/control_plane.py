"""A real Kubernetes cluster on this machine, with played nodes: started, waited for, stopped."""

import contextlib
import shutil
import subprocess
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from local import components
from local.api import Api, Document
from local.build import Programs
from local.certificates import CertificateAuthority, encoded, key_in_pem, kubeconfig
from local.leash import Leash
from local.nodes import are_ready, nodes
from local.ports import free_ports

_START_TIMEOUT = 60.0  # seconds
_ATTEMPTS = 3  # where a port that was free is taken before it is used
_TOKEN_LIFETIME = 365 * 24 * 3600  # seconds

_NAMESPACES = "/api/v1/namespaces"
_ACCOUNTS = f"{_NAMESPACES}/deployer/serviceaccounts"
_DEPLOYER: tuple[tuple[str, Document], ...] = (
    (_NAMESPACES, {"metadata": {"name": "deployer"}}),
    (_ACCOUNTS, {"metadata": {"name": "deployer"}}),
    (
        "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings",
        {
            "metadata": {"name": "deployer"},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cluster-admin"},
            "subjects": [{"kind": "ServiceAccount", "namespace": "deployer", "name": "deployer"}],
        },
    ),
)
_STORAGE: Document = {  # the class whose claims kwok's stages bind
    "metadata": {"name": "kwok-volume", "annotations": {"storageclass.kubernetes.io/is-default-class": "true"}},
    "provisioner": "kwok.x-k8s.io/volume",
}


@dataclass(frozen=True)
class ControlPlane:
    """A cluster that is up.

    `admin_kubeconfig` is the file for its administrator; `deployer_kubeconfig` the text of the one for the service
    account `deployer`, in the namespace of that name, which may do everything too. Each holds all that it needs.
    """

    name: str
    folder: Path
    url: str
    admin_kubeconfig: Path
    deployer_kubeconfig: str = field(repr=False)
    processes: tuple[subprocess.Popen[bytes], ...] = field(repr=False)

    @classmethod
    def start(cls, name: str, programs: Programs, leash: Leash) -> Self:
        """Start a cluster, and wait until pods can run on it. Any number may start at the same time.

        Args:
            name: of the cluster, and of the folder for its files and logs in the leash's folder.
            programs: what is started.
            leash: what holds the processes.

        Raises:
            RuntimeError: a component ended, or the cluster was not ready in time; with the end of its log.
        """
        for _ in range(_ATTEMPTS - 1):
            with contextlib.suppress(_PortTakenError):
                return cls._start(name, programs, leash)
        return cls._start(name, programs, leash)

    @classmethod
    def _start(cls, name: str, programs: Programs, leash: Leash) -> Self:
        ports = components.Ports(*free_ports(3))
        folder = leash.folder / name
        folder.mkdir(mode=0o700)
        starting = _Starting(name, leash)
        try:
            url = f"https://127.0.0.1:{ports.api_server}"
            ca = _write_credentials(folder, name, url)
            starting.run(components.stores(folder, programs, ports))
            api = Api(ports.api_server, folder / "ca.crt", folder / "admin.crt", folder / "admin.key")
            starting.wait("its API server", lambda: api.get("/readyz"))
            starting.run(components.controllers(folder / "admin.kubeconfig", programs))
            for path, body in (*_DEPLOYER, ("/apis/storage.k8s.io/v1/storageclasses", _STORAGE)):
                api.post(path, body)
            for node in nodes():
                api.post("/api/v1/nodes", node)
            token = api.post(f"{_ACCOUNTS}/deployer/token", {"spec": {"expirationSeconds": _TOKEN_LIFETIME}})
            starting.wait("its nodes", lambda: are_ready(api.get("/api/v1/nodes")))
            starting.wait("its service accounts", lambda: api.get(f"{_NAMESPACES}/default/serviceaccounts/default"))
        except BaseException:
            _stop(starting.processes.values())
            shutil.rmtree(folder)
            raise
        deployer = kubeconfig(name, url, ca, {"token": token["status"]["token"]})
        return cls(name, folder, url, folder / "admin.kubeconfig", deployer, tuple(starting.processes.values()))

    def stop(self) -> None:
        """End the cluster's processes and remove its folder. Returns when both are done."""
        _stop(self.processes)
        shutil.rmtree(self.folder, ignore_errors=True)  # the leash may have been there first


class _PortTakenError(RuntimeError):
    """Another process took a port between our choice and its use."""


class _Starting:
    """A cluster's processes while it starts."""

    def __init__(self, name: str, leash: Leash) -> None:
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        self._name = name
        self._leash = leash
        self._deadline = time.monotonic() + _START_TIMEOUT

    def run(self, commands: Mapping[str, Sequence[str]]) -> None:
        """Start components, with nothing of this user's environment: kwok would read ~/.kwok, for one."""
        environment = {"HOME": str(self._leash.folder / self._name)}
        for component, argv in commands.items():
            self.processes[component] = self._leash.run(f"{self._name}/{component}", argv, env=environment)

    def wait(self, what: str, ready: Callable[[], object]) -> None:
        """Wait until `ready` gives something true."""
        while not ready():
            for component, process in self.processes.items():
                if process.poll() is not None:
                    end = self._leash.tail(f"{self._name}/{component}")
                    error = _PortTakenError if "address already in use" in end else RuntimeError
                    ended = f"{component} ended with status {process.returncode}; its log ends with"
                    raise error(f"cluster {self._name}: {ended}:\n{end}")
            if time.monotonic() > self._deadline:
                logs = (f"{name}:\n{self._leash.tail(f'{self._name}/{name}', 3)}" for name in self.processes)
                raise RuntimeError(
                    f"cluster {self._name}: {what} not ready within {_START_TIMEOUT:.0f} s; the logs end with:\n"
                    + "\n".join(logs)
                )
            time.sleep(0.02)


def _write_credentials(folder: Path, name: str, url: str) -> bytes:
    """Write the keys and certificates that the components read, and the administrator's kubeconfig; returns the CA."""
    ca = CertificateAuthority(f"{name} (local)")
    server, server_key = ca.server()
    admin, admin_key = ca.administrator()
    user = {"client-certificate-data": encoded(admin), "client-key-data": encoded(admin_key)}
    files = {
        "ca.crt": ca.certificate,
        "server.crt": server,
        "server.key": server_key,
        "admin.crt": admin,
        "admin.key": admin_key,
        "admin.kubeconfig": kubeconfig(name, url, ca.certificate, user).encode(),
        "service-accounts.key": key_in_pem(),
    }
    for file, content in files.items():
        (folder / file).touch(mode=0o600)
        (folder / file).write_bytes(content)
    return ca.certificate


def _stop(processes: Collection[subprocess.Popen[bytes]]) -> None:
    """Kill processes: their data ends with them, so there is nothing to wait for."""
    for process in processes:
        process.kill()
    for process in processes:
        process.wait()
