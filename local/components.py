"""The components of a cluster as command lines: each one's flags, and why they differ from a real cluster's."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from local.build import Programs

# RFC 2544 keeps 198.18.0.0/15 for tests inside one network, so that no address here is a real machine's.
_SERVICES, _PODS, _KUBELET = "198.18.0.0/16", "198.19.0.0/17", "198.19.127.254"
_STAGES = Path(__file__).parent / "stages.yaml"
_EGRESS = Path(__file__).parent / "egress.yaml"


@dataclass(frozen=True)
class Ports:
    """Where a cluster's servers listen on 127.0.0.1; the other components do not listen."""

    api_server: int
    etcd: int
    etcd_peers: int


def stores(folder: Path, programs: Programs, ports: Ports) -> dict[str, Sequence[str]]:
    """The components that start first, by name: the API server and its etcd.

    Args:
        folder: of the cluster; has the files of `control_plane` already.
        programs: what was built.
        ports: where they are to listen.
    """
    program, host = str(programs.cluster), "127.0.0.1"
    return {
        "etcd": (
            program,
            "etcd",
            f"--data-dir={folder / 'etcd'}",
            f"--listen-client-urls=http://{host}:{ports.etcd}",
            f"--advertise-client-urls=http://{host}:{ports.etcd}",
            f"--listen-peer-urls=http://{host}:{ports.etcd_peers}",
            f"--initial-advertise-peer-urls=http://{host}:{ports.etcd_peers}",
            f"--initial-cluster=default=http://{host}:{ports.etcd_peers}",
            "--unsafe-no-fsync",  # what it holds ends with it
        ),
        "kube-apiserver": (
            program,
            "kube-apiserver",
            f"--bind-address={host}",
            f"--secure-port={ports.api_server}",
            f"--etcd-servers=http://{host}:{ports.etcd}",
            f"--client-ca-file={folder / 'ca.crt'}",
            f"--tls-cert-file={folder / 'server.crt'}",
            f"--tls-private-key-file={folder / 'server.key'}",
            "--authorization-mode=RBAC",
            "--allow-privileged",
            "--service-account-issuer=https://kubernetes.default.svc",
            f"--service-account-key-file={folder / 'service-accounts.key'}",
            f"--service-account-signing-key-file={folder / 'service-accounts.key'}",
            f"--service-cluster-ip-range={_SERVICES}",
            f"--egress-selector-config-file={_EGRESS}",
            # Pods could not reach it anyway, and the API refuses loopback addresses as endpoints.
            "--endpoint-reconciler-type=none",
            f"--advertise-address={_KUBELET}",
        ),
    }


def controllers(kubeconfig: Path, programs: Programs) -> dict[str, Sequence[str]]:
    """The components that need the API server, by name: controllers, scheduler and kwok.

    Args:
        kubeconfig: the administrator's; the cluster's folder is where it is.
        programs: what was built.
    """
    program, folder = str(programs.cluster), kubeconfig.parent
    as_administrator = f"--kubeconfig={kubeconfig}"
    # One of each: nobody to elect. Their own servers are for probes and metrics, which nobody asks for.
    alone = ("--leader-elect=false", "--secure-port=0", "--kube-api-qps=300", "--kube-api-burst=500")
    return {
        "kube-controller-manager": (
            program,
            "kube-controller-manager",
            as_administrator,
            *alone,
            f"--root-ca-file={folder / 'ca.crt'}",
            f"--service-account-private-key-file={folder / 'service-accounts.key'}",
        ),
        "kube-scheduler": (program, "kube-scheduler", as_administrator, *alone),
        "kwok": (
            program,
            "kwok",
            as_administrator,
            f"--config={programs.stages}",
            f"--config={_STAGES}",
            "--manage-all-nodes",
            "--node-lease-duration-seconds=40",
            "--node-port=0",  # it would listen on every address of this machine
            f"--node-ip={_KUBELET}",
            f"--cidr={_PODS}",
        ),
    }
