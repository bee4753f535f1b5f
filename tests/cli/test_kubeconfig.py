"""A person's own kubeconfig."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from deployer.cli.kubeconfig import open_cluster
from deployer.errors import ConfigurationError
from tests.cli.conftest import Run
from tests.world import config_map

Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Writes a kubeconfig with the contexts `here` and `there`; keywords replace parts of it."""

    def write(name: str = "config", **changes: Any) -> Path:
        config = {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "here",
            "contexts": [
                {"name": "here", "context": {"cluster": "c", "user": "u"}},
                {"name": "there", "context": {"cluster": "c", "user": "u", "namespace": "shop"}},
            ],
            "clusters": [{"name": "c", "cluster": {"server": "https://127.0.0.1:1"}}],
            "users": [{"name": "u", "user": {"token": "s3cret"}}],
            **changes,
        }
        path = tmp_path / name
        path.write_text(yaml.safe_dump({key: value for key, value in config.items() if value is not None}))
        return path

    return write


@pytest.mark.parametrize(
    ("context", "current", "found"),
    [
        (None, "here", ("here", "default")),
        (None, "there", ("there", "shop")),
        ("there", "here", ("there", "shop")),
        ("there", None, ("there", "shop")),
        ("here", "gone", ("here", "default")),
    ],
)
def test_a_context_gives_the_cluster_its_name_and_a_namespace(
    write: Write, context: str | None, current: str | None, found: tuple[str, str]
) -> None:
    cluster, namespace = open_cluster(write(**{"current-context": current}), context)
    cluster.close()
    assert (cluster.name, namespace) == found


@pytest.mark.parametrize(
    ("context", "current", "said"),
    [
        ("nowhere", "here", "no context 'nowhere'"),
        (None, "nowhere", "no context 'nowhere'"),
        (None, None, "no current context"),
    ],
)
def test_a_context_that_is_not_there_is_told_with_those_that_are(
    write: Write, context: str | None, current: str | None, said: str
) -> None:
    file = write(**{"current-context": current})
    with pytest.raises(ConfigurationError) as caught:
        open_cluster(file, context)
    assert str(caught.value) == f"{file} has {said}: choose one with --context; there is: here, there"


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=f"there is no kubeconfig at {tmp_path}/nothing"):
        open_cluster(tmp_path / "nothing", None)


@pytest.mark.parametrize(
    "text",
    ["", "s3cret", "- s3cret", "{s3cret: [", "contexts: s3cret", "contexts: [s3cret]", "contexts: [{a: s3cret}]"],
)
def test_a_file_that_is_no_kubeconfig_is_told_and_not_shown(tmp_path: Path, text: str) -> None:
    file = tmp_path / "config"
    file.write_text(text)
    with pytest.raises(ConfigurationError, match=f"{file} is no valid kubeconfig .*`kubectl config view`") as caught:
        open_cluster(file, None)
    assert "s3cret" not in str(caught.value)


def test_bytes_and_folders_are_no_kubeconfig(tmp_path: Path) -> None:
    (tmp_path / "config").write_bytes(b"\xff\xfe\x00")
    for file in (tmp_path / "config", tmp_path):
        with pytest.raises(ConfigurationError, match=f"{file} is no valid kubeconfig"):
            open_cluster(file, None)


@pytest.mark.parametrize(
    "changes",
    [
        {"clusters": []},
        {"users": [{"name": "u", "user": {"client-certificate": "nothing.crt"}}]},
    ],
)
def test_a_context_that_cannot_be_used_is_bad_input(write: Write, changes: dict[str, Any]) -> None:
    file = write(**changes)
    with pytest.raises(ConfigurationError, match=f"{file} cannot be used"):
        open_cluster(file, None)


def test_kubectls_own_files_are_merged(run: Run, write: Write, k8s: Path) -> None:
    (k8s / "a.yaml").write_text(config_map("a"))
    first = write("first", contexts=[{"name": "here", "context": {"cluster": "c", "user": "u"}}])
    second = write("second", contexts=[{"name": "far", "context": {"cluster": "c", "user": "u"}}])
    done = run("sync", "k8s", "--context", "nowhere", KUBECONFIG=f"{first}{os.pathsep}{second}")
    assert done.returncode == 2
    assert "kubectl's own configuration has no context 'nowhere'" in done.stderr
    assert "there is: here, far" in done.stderr


def test_without_any_kubeconfig_that_is_said(run: Run, k8s: Path, tmp_path: Path) -> None:
    (k8s / "a.yaml").write_text(config_map("a"))
    done = run("sync", "k8s", HOME=str(tmp_path))
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("error: there is no kubeconfig at ~/.kube/config")


def exec_user(kubeconfig: Path, script: str) -> None:
    """Let the kubeconfig's user get its credentials from a shell script."""
    program = kubeconfig.with_name("credentials")
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o700)
    config = yaml.safe_load(kubeconfig.read_text())
    plugin = {"apiVersion": "client.authentication.k8s.io/v1", "command": str(program), "interactiveMode": "Never"}
    config["users"][0]["user"] = {"exec": plugin}
    kubeconfig.write_text(yaml.safe_dump(config))


def test_a_program_may_give_the_credentials(run: Run, kubeconfig: Path, k8s: Path, made: str) -> None:
    token = yaml.safe_load(kubeconfig.read_text())["users"][0]["user"]["token"]
    status = {"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential", "status": {"token": token}}
    exec_user(kubeconfig, f"echo '{json.dumps(status)}'")
    (k8s / "a.yaml").write_text(config_map("a"))
    done = run("sync", "k8s", "--kubeconfig", kubeconfig, "-n", made)
    assert done.returncode == 0, done.stderr
    assert "1 object in staging: 1 created, healthy" in done.stdout


def test_a_program_that_gives_none_is_heard(run: Run, kubeconfig: Path, k8s: Path) -> None:
    exec_user(kubeconfig, "echo 'log in first' >&2; exit 1")
    (k8s / "a.yaml").write_text(config_map("a"))
    done = run("sync", "k8s", "--kubeconfig", kubeconfig)
    assert (done.returncode, done.stdout) == (1, "")
    assert "log in first" in done.stderr
    assert "error: " in done.stderr
    assert "Traceback" not in done.stderr
