"""Bad input: each gets a clear error on its commit, and nothing in the cluster changes."""

import base64
import json
import subprocess
from collections.abc import Callable
from typing import Any

import pytest
import yaml

from tests.world import Bench, config_map, deployment

GOOD = {"a.yaml": config_map("a")}


def unchanged_but_told(bench: Bench, files: dict[str, str], *, state: str, said: list[str], **source: Any) -> None:
    """A good deployment stays as it is when a bad push follows, and the bad commit says why."""
    assert bench.deploy(GOOD)[0] == "success"
    before = bench.versions()
    bench.configure(**source)
    got, description = bench.settled(bench.push(files))
    assert got == state, description
    for words in said:
        assert words in description
    assert bench.versions() == before


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({"b.yaml": config_map("b") + "\nnot: [valid\n"}, ["b.yaml", "line 9"]),
        ({"b.yaml": "apiVersion: v1\nmetadata: {name: b}\n"}, ["b.yaml", "kind"]),
        ({"b.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {}\n"}, ["b.yaml", "name"]),
        ({"b.yaml": config_map("../../x")}, ["b.yaml", "../../x"]),
        ({"kustomization.yaml": "resources: [gone.yaml]\n"}, ["kustomization.yaml, line 1", "gone.yaml"]),
        ({"Chart.yaml": "name: chart\n"}, ["Helm"]),
        (
            {
                "b.yaml": config_map("b").replace(
                    "name: b", "name: b\n  annotations: {argocd.argoproj.io/hook: Presync}"
                )
            },
            ["argocd.argoproj.io/hook", "did you mean PreSync?"],
        ),
    ],
)
def test_a_source_that_is_wrong_fails(bench: Bench, files: dict[str, str], said: list[str]) -> None:
    # A second good object beside the bad one must not be written either.
    unchanged_but_told(bench, {**files, "c.yaml": config_map("c")}, state="failure", said=said)


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({"b.yaml": config_map("b").replace("v1", "example.com/v1")}, ["ConfigMap/b", "does not know the kind"]),
        ({"b.yaml": config_map("b", {"nested": 1})}, ["ConfigMap/b", "key"]),
        ({"b.yaml": config_map("B_no_name")}, ["ConfigMap/B_no_name", "Invalid value"]),
        ({"b.yaml": deployment("b", replicas=-1)}, ["Deployment/b", "must be greater than or equal to 0"]),
        ({"b.yaml": deployment("b", replicaz=1)}, ["Deployment/b", "replicaz"]),
    ],
)
def test_what_the_cluster_rejects_fails_before_anything_is_written(
    bench: Bench, files: dict[str, str], said: list[str]
) -> None:
    unchanged_but_told(bench, {**files, "c.yaml": config_map("c")}, state="failure", said=said)


def test_a_secret_that_the_cluster_rejects_is_not_shown(bench: Bench) -> None:
    secret = (
        'apiVersion: v1\nkind: Secret\nmetadata: {name: s}\ndata: {password: 12345678901}\nstringData: {pin: "9"}\n'
    )
    bench.configure()
    commit = bench.push({"s.yaml": secret})
    state, description = bench.settled(commit)
    assert state == "failure"
    assert "Secret/s" in description
    assert "12345678901" not in description
    assert "Secret/s" in bench.logged(commit)
    assert "12345678901" not in bench.log()


def test_a_path_that_is_not_there_is_named(bench: Bench) -> None:
    said = [f"{bench.repository} at", "has no path 'k8s'"]
    unchanged_but_told(bench, {"b.yaml": config_map("b")}, state="error", said=said, path="k8s")


def test_a_path_without_manifests_is_named(bench: Bench) -> None:
    said = [f"there are no manifests at docs in {bench.repository}"]
    unchanged_but_told(bench, {"docs/README.md": "read me"}, state="failure", said=said, path="docs")


KUBECONFIG_SECRET = "projects/local/secrets/{}-kubeconfig"


def with_kubeconfig(bench: Bench, payload: bytes | None) -> tuple[str, str]:
    """Deploy to a cluster whose kubeconfig is this payload; None is a secret that is not there."""
    name = f"{bench.name}-cluster"
    secret = KUBECONFIG_SECRET.format(name)
    if payload is not None:
        bench.world.secret_manager.put(secret, payload)
    document = bench.world.folder / "config" / f"{name}.yaml"
    document.write_text(
        yaml.safe_dump(
            {
                "apiVersion": "deployer/v1alpha1",
                "kind": "Cluster",
                "metadata": {"name": name},
                "spec": {"kubeconfig": {"secret": secret}},
            }
        )
    )
    try:
        bench.configure()
        path = bench.world.folder / "config" / f"{bench.name}.yaml"
        path.write_text(path.read_text().replace('"name": "staging"', f'"name": "{name}"'))
        commit = bench.push(GOOD)
        bench.world.github.wait_for_delivery(commit)  # answered, so that all is logged
        return bench.settled(commit)
    finally:
        (bench.world.folder / "config" / f"{bench.name}.yaml").unlink()
        document.unlink()


def kubeconfig(bench: Bench) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(bench.world.clusters["staging"].deployer_kubeconfig)
    return found


def test_a_kubeconfig_in_base64_is_as_good(bench: Bench) -> None:
    payload = base64.b64encode(yaml.safe_dump(kubeconfig(bench)).encode())
    assert with_kubeconfig(bench, payload)[0] == "success"


def test_a_secret_that_is_not_there_is_named(bench: Bench) -> None:
    state, description = with_kubeconfig(bench, None)
    assert state == "error"
    assert KUBECONFIG_SECRET.format(f"{bench.name}-cluster") in description
    assert "does not exist" in description


def test_a_malformed_kubeconfig_is_told_and_not_shown(bench: Bench) -> None:
    state, description = with_kubeconfig(bench, b"token: s3cret")
    assert state == "error"
    assert "holds no kubeconfig" in description
    assert "s3cret" not in bench.log() + description


def test_a_kubeconfig_that_asks_to_run_a_program_is_refused(bench: Bench) -> None:
    config = kubeconfig(bench)
    config["users"][0]["user"] = {"exec": {"apiVersion": "client.authentication.k8s.io/v1", "command": "id"}}
    state, description = with_kubeconfig(bench, yaml.safe_dump(config).encode())
    assert state == "error"
    assert "user.exec is refused" in description


def test_expired_credentials_are_told(bench: Bench) -> None:
    config = kubeconfig(bench)
    config["users"][0]["user"] = {"token": "expired-token"}
    state, description = with_kubeconfig(bench, yaml.safe_dump(config).encode())
    assert state == "error"
    assert "refused the credentials (401): they may have expired" in description
    assert "expired-token" not in bench.log() + description


def test_a_certificate_of_somebody_else_is_not_trusted(bench: Bench) -> None:
    config = kubeconfig(bench)
    other = yaml.safe_load(bench.world.clusters["production"].deployer_kubeconfig)
    authority = other["clusters"][0]["cluster"]["certificate-authority-data"]
    config["clusters"][0]["cluster"]["certificate-authority-data"] = authority
    state, description = with_kubeconfig(bench, yaml.safe_dump(config).encode())
    assert state == "error"
    assert "cannot be reached for GET /api" in description
    assert "certificate verify failed" in description


def test_a_cluster_that_is_not_there_is_told(bench: Bench) -> None:
    config = kubeconfig(bench)
    config["clusters"][0]["cluster"]["server"] = "https://127.0.0.1:1"
    state, description = with_kubeconfig(bench, yaml.safe_dump(config).encode())
    assert state == "error"
    assert f"cluster {bench.name}-cluster cannot be reached for GET /api" in description


def test_a_repository_that_github_does_not_know_is_logged(bench: Bench) -> None:
    bench.configure(url=f"{bench.world.github.git_url}/acme/nothing.git")
    commit = bench.push(GOOD)  # of another repository: the delivery says that it is that of the application
    payload = dict(bench.world.github.wait_for_delivery(commit).payload)
    payload["repository"] = {**payload["repository"], "clone_url": f"{bench.world.github.git_url}/acme/nothing.git"}
    status, answer = bench.send(payload)
    assert (status, answer) == (200, {"applications": [{"application": bench.name, "outcome": "failed"}]})
    assert "GitHub knows nothing at GET /repos/acme/nothing" in bench.log()


def test_a_wrong_github_token_is_told_on_the_command_line(
    bench: Bench, deployer: Callable[..., subprocess.CompletedProcess[str]]
) -> None:
    bench.configure()
    bench.world.github.wait_for_delivery(bench.push(GOOD))
    done = deployer("sync", bench.name, DEPLOYER_GITHUB_TOKEN="wr0ng-token")
    assert done.returncode == 1
    assert "GitHub refused the token (401" in done.stderr
    assert "wr0ng-token" not in done.stderr + done.stdout


def test_what_nobody_watches_is_ignored(bench: Bench) -> None:
    bench.configure(targetRevision="production")
    delivery = bench.world.github.wait_for_delivery(bench.push(GOOD))
    assert delivery.status == 200
    said = json.loads(delivery.body)["ignored"]
    assert said == f"ignored because no application watches refs/heads/main of {bench.repository}"
