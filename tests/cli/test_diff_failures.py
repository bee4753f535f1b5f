"""`deployer diff`, where it does not go well: no error looks like a difference."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml

from deployer.cluster.connection import Cluster
from tests.cli.conftest import DEPLOYER, Run, config_maps, environment, outcome
from tests.sync.helpers import manifest
from tests.world import Bench, config_map

Done = subprocess.CompletedProcess[str]


def test_a_refusal_is_an_error_and_the_others_are_shown(diff: Run, k8s: Path, staging: Cluster, made: str) -> None:
    thing = "apiVersion: example.com/v1\nkind: Thing\nmetadata: {name: thing}\n"
    (k8s / "a.yaml").write_text("---\n".join([config_map("not_a_name"), thing, config_map("good")]))
    done = diff("k8s")
    assert done.returncode == 2
    assert done.stdout.startswith(f"► ConfigMap/good (namespace {made}) created\n")
    assert done.stdout.endswith("\n3 objects in staging: 1 to create, 2 refused\n")
    errors = [line for line in done.stderr.splitlines() if line.startswith(("error", "hint"))]
    assert errors[0].startswith("error: ConfigMap/not_a_name: ")
    assert errors[1:] == [
        "error: Thing/thing: the cluster does not know the kind Thing of example.com/v1: "
        "install its CustomResourceDefinition first, or put it into this application"
    ]
    in_json = diff("k8s", "-o", "json")
    assert in_json.returncode == 2
    found = outcome(in_json)
    assert found["outcome"] == "failed"
    objects = {one["name"]: one for one in found["objects"]}
    assert {name: one["action"] for name, one in objects.items()} == {
        "good": "created",
        "not_a_name": "failed",
        "thing": "failed",
    }
    assert [len(objects[name]["changes"]) for name in ("good", "not_a_name", "thing")] == [1, 0, 0]
    assert config_maps(staging, made) == {}


def test_a_namespace_that_is_missing_is_hinted_at(run: Run, k8s: Path, kubeconfig: Path, namespace: str) -> None:
    (k8s / "a.yaml").write_text(config_map("a"))
    done = run("diff", "k8s", "--kubeconfig", kubeconfig, "-n", namespace)
    assert (done.returncode, done.stdout) == (2, "1 object in staging: 1 refused\n")
    error, hint = done.stderr.splitlines()[-2:]
    assert error == f'error: ConfigMap/a: namespaces "{namespace}" not found'
    assert hint.startswith(f"hint:  create it with `kubectl create namespace {namespace}`")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nothing"], "error: there is no file or folder nothing"),
        (["k8s", "--kubeconfig", "nothing"], "error: there is no kubeconfig at nothing"),
        (["k8s", "--kubeconfig", "unreachable"], "cannot be reached"),
        (["k8s/b.yaml"], "error: b.yaml, document 1, line 4"),
        ([], "Usage: deployer diff [OPTIONS] APP|PATH"),
        (["k8s", "-o", "yaml"], "Usage: deployer diff [OPTIONS] APP|PATH"),
    ],
)
def test_no_error_looks_like_a_difference(
    run: Run, k8s: Path, kubeconfig: Path, arguments: list[str], said: str
) -> None:
    (k8s / "a.yaml").write_text(config_map("a"))
    (k8s / "b.yaml").write_text("apiVersion: v1\nkind: ConfigMap\nmetadata: [\n")
    if "unreachable" in arguments:
        (k8s / "b.yaml").unlink()
        config = yaml.safe_load(kubeconfig.read_text())
        config["clusters"][0]["cluster"]["server"] = "https://127.0.0.1:1"
        (k8s.parent / "unreachable").write_text(yaml.safe_dump(config))
    elif "--kubeconfig" in arguments:
        (k8s / "b.yaml").unlink()
    done = run("diff", *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr
    if said.startswith("error"):
        told = outcome(run("diff", *arguments, "-o", "json"))
        assert (told["outcome"], told["objects"]) == ("failed", [])
        assert f"error: {told['message']}\n" == done.stderr


BROKEN = """
import sys
import deployer.cli.diff
from deployer.cli import main
del deployer.cli.diff.PathOptions
main()
"""


def test_not_even_a_fault_looks_like_a_difference(tmp_path: Path) -> None:
    command = [sys.executable, "-c", BROKEN, "diff", "."]
    done = subprocess.run(command, cwd=tmp_path, env=environment({}), capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (2, "")
    assert "NameError: name 'PathOptions' is not defined" in done.stderr
    assert done.stderr.splitlines()[-1].startswith("error: this is a fault in the deployer itself")


@pytest.mark.parametrize("how", [[], ["-o", "json"]])
def test_a_reader_that_goes_away_is_no_fault_and_no_difference(
    k8s: Path, kubeconfig: Path, made: str, how: list[str]
) -> None:
    (k8s / "a.yaml").write_text("---\n".join(config_map(f"a-{n}", "x" * 10_000) for n in range(50)))
    ours, theirs = os.pipe()
    process = subprocess.Popen(
        [*DEPLOYER, "diff", str(k8s), "--kubeconfig", str(kubeconfig), "-n", made, *how],
        env=environment({}),
        stdout=theirs,
        stderr=subprocess.PIPE,
        text=True,
    )
    os.close(theirs)
    os.read(ours, 1)
    os.close(ours)
    assert "Error" not in process.communicate(timeout=60)[1]
    assert process.returncode == 2


def test_an_application_that_cannot_be_had_is_an_error(bench: Bench, deployer: Callable[..., Done]) -> None:
    bench.configure(url=f"{bench.world.github.git_url}/acme/nothing.git")
    done = deployer("diff", bench.name, "-o", "json")
    assert done.returncode == 2
    assert "GitHub knows nothing at" in outcome(done)["message"]
    refused = deployer("diff", bench.name, DEPLOYER_GITHUB_TOKEN="wrong-token-of-nobody")
    assert (refused.returncode, refused.stdout) == (2, "")


@pytest.fixture
def forbidden(bench: Bench, staging: Cluster) -> Iterator[None]:
    """Nobody may make the Namespace of the bench's application."""
    rule = {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["namespaces"]}
    policy = {
        "matchConstraints": {"resourceRules": [rule]},
        "validations": [{"expression": f"object.metadata.name != '{bench.name}'", "message": "not this one"}],
    }
    root, version = "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolic", "admissionregistration.k8s.io/v1"
    binding = {"policyName": bench.name, "validationActions": ["Deny"]}
    for path, kind, spec in (("ies", "", policy), ("ybindings", "Binding", binding)):
        body = manifest(version, f"ValidatingAdmissionPolicy{kind}", bench.name, spec=spec)
        staging.request("POST", root + path, body=body)
    yield
    for path in ("ybindings", "ies"):
        staging.request("DELETE", f"{root}{path}/{bench.name}")


@pytest.mark.usefixtures("forbidden")
def test_a_namespace_that_cannot_be_made_is_told(bench: Bench, deployer: Callable[..., Done]) -> None:
    bench.configure(automated=False)
    bench.world.github.wait_for_delivery(bench.push({"a.yaml": config_map("a")}))
    deadline = time.monotonic() + 30  # a policy takes a moment to be in force
    while (done := deployer("diff", bench.name)).returncode != 2:
        assert time.monotonic() < deadline
    error = done.stderr.splitlines()[-1]
    assert error.startswith(f"error: Namespace/{bench.name}: ")
    assert error.endswith("not this one")
