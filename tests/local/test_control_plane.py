import json
import socket
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import yaml

from local.build import Programs
from local.control_plane import ControlPlane
from local.leash import Leash
from tests.local.kubectl import Kubectl


def _stand_in(programs: Programs, folder: Path, script: str) -> Programs:
    """The programs, but for a shell script that comes first."""
    path = folder / "stand-in"
    path.write_text(f'#!/bin/sh\n{script}\nexec {programs.cluster} "$@"\n')
    path.chmod(0o755)
    return Programs(path, programs.stages)


def _answers(cluster: ControlPlane) -> bool:
    try:
        socket.create_connection(("127.0.0.1", urlsplit(cluster.url).port or 0), timeout=5).close()
    except ConnectionRefusedError:
        return False
    return True


def test_pods_can_be_scheduled_on_three_nodes(kubectl: Kubectl) -> None:
    nodes = kubectl.get("nodes")["items"]
    assert len(nodes) == 3
    assert not any(node["spec"].get("taints") for node in nodes)


def test_the_server_has_the_version_that_kubectl_expects(kubectl: Kubectl) -> None:
    version = json.loads(kubectl("version", "-o", "json"))["serverVersion"]
    assert (version["major"], version["minor"]) == ("1", "37")


def test_the_deployer_may_do_everything(cluster: ControlPlane, tmp_path: Path) -> None:
    (tmp_path / "kubeconfig").write_text(cluster.deployer_kubeconfig)
    deployer = Kubectl(tmp_path / "kubeconfig")
    user = json.loads(deployer("auth", "whoami", "-o", "json"))["status"]["userInfo"]["username"]
    assert user == "system:serviceaccount:deployer:deployer"
    assert deployer("auth", "can-i", "*", "*", "--all-namespaces").strip() == "yes"


def test_without_credentials_nothing_is_allowed(cluster: ControlPlane, tmp_path: Path) -> None:
    config = yaml.safe_load(cluster.deployer_kubeconfig)
    config["users"][0]["user"] = {"token": "wrong"}
    (tmp_path / "kubeconfig").write_text(yaml.safe_dump(config))
    assert "Unauthorized" in Kubectl(tmp_path / "kubeconfig").run("get", "--raw", "/api/v1/nodes").stderr


def test_the_deployers_kubeconfig_verifies_tls_and_reads_no_file(cluster: ControlPlane) -> None:
    config = yaml.safe_load(cluster.deployer_kubeconfig)
    assert set(config["clusters"][0]["cluster"]) == {"server", "certificate-authority-data"}
    assert set(config["users"][0]["user"]) == {"token"}


def test_keys_are_the_owners_alone(cluster: ControlPlane) -> None:
    assert stat.S_IMODE(cluster.folder.stat().st_mode) == 0o700
    for file in (cluster.admin_kubeconfig, *cluster.folder.glob("*.key")):
        assert stat.S_IMODE(file.stat().st_mode) == 0o600, file


def test_what_cannot_reach_played_pods_says_so_at_once(cluster: ControlPlane, kubectl: Kubectl) -> None:
    kubectl("run", "quiet", "--image=nginx")
    kubectl.until(lambda pod: pod["status"]["phase"] == "Running", "pod", "quiet")
    assert "pods-are-only-played-here" in kubectl.run("logs", "quiet").stderr


def test_several_start_at_the_same_time_and_one_stops_alone(programs: Programs, leash: Leash) -> None:
    with ThreadPoolExecutor(2) as pool:
        one, other = pool.map(lambda name: ControlPlane.start(name, programs, leash), ["one", "other"])
    one.stop()
    assert not one.folder.exists()
    assert not _answers(one)
    assert len(Kubectl(other.admin_kubeconfig).get("nodes")["items"]) == 3
    other.stop()
    one.stop()  # again: nothing happens


def test_a_component_that_ends_is_named_with_its_log(programs: Programs, leash: Leash, tmp_path: Path) -> None:
    broken = _stand_in(programs, tmp_path, '[ "$1" = kube-scheduler ] && { echo no such flag; exit 3; }')
    with pytest.raises(RuntimeError, match=r"cluster one: kube-scheduler ended with status 3.*\nno such flag"):
        ControlPlane.start("one", broken, leash)
    assert not (leash.folder / "one").exists()


@pytest.mark.parametrize("component", ["etcd", "kube-apiserver"])
def test_a_port_that_is_taken_meanwhile_is_changed(
    component: str, programs: Programs, leash: Leash, tmp_path: Path
) -> None:
    """The stand-in makes the component meet a port in use the first time, so that its own words are read."""
    busy = socket.create_server(("127.0.0.1", 0))
    port = busy.getsockname()[1]
    other = {"etcd": f"--listen-peer-urls=http://127.0.0.1:{port}", "kube-apiserver": f"--secure-port={port}"}[
        component
    ]
    once = f'[ "$1" = {component} ] && mkdir {tmp_path}/once 2>/dev/null && exec {programs.cluster} "$@" {other}'
    with busy:
        cluster = ControlPlane.start("one", _stand_in(programs, tmp_path, once), leash)
    assert (tmp_path / "once").exists()
    assert _answers(cluster)
    cluster.stop()
