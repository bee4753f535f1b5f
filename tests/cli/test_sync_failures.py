"""`deployer sync`, where it does not go well: what is said, and the exit status."""

import re
from pathlib import Path

import pytest
import yaml

from deployer.cluster.connection import Cluster
from tests.cli.conftest import Run, config_maps, outcome
from tests.world import Bench, config_map, deployment

THING = "apiVersion: example.com/v1\nkind: Thing\nmetadata: {name: thing}\n"


def test_a_dry_run_that_is_refused_says_so(sync: Run, k8s: Path, staging: Cluster, made: str) -> None:
    (k8s / "a.yaml").write_text(config_map("a"))
    (k8s / "b.json").write_text(deployment("b", replicas=-1))
    done = sync("k8s", "--dry-run")
    assert done.returncode == 1
    assert "error: Deployment/b: " in done.stderr
    assert done.stderr.splitlines()[-1] == "hint:  nothing was changed in the cluster: mend this, and sync again"
    assert config_maps(staging, made) == {}


def test_what_does_not_get_healthy_in_time_is_told_with_what_to_do(sync: Run, k8s: Path, made: str) -> None:
    (k8s / "web.json").write_text(deployment("web", "nginx:never"))
    done = sync("k8s", "--timeout", "2", "--local")
    assert done.returncode == 1
    assert done.stdout.startswith(f"created\tDeployment/web\t{made}\tProgressing\t")
    assert "waiting [0/1 healthy]: Deployment/web: " in done.stderr
    error, hint = done.stderr.splitlines()[-2:]
    assert error.startswith("error: 1 of 1 objects not healthy after 2 s: Deployment/web: ")
    assert hint.startswith("hint:  all is applied and may still get healthy: sync again to go on waiting")


def test_what_cannot_get_healthy_names_object_pod_and_reason(sync: Run, k8s: Path) -> None:
    (k8s / "web.json").write_text(deployment("web", "NOT VALID"))
    done = sync("k8s", "-o", "json")
    assert done.returncode == 1
    document = outcome(done)
    assert (document["outcome"], document["objects"][0]["action"]) == ("failed", "created")
    for text in (document["message"], document["objects"][0]["message"], done.stderr):
        assert re.search(r"Pod/web-\S+, container web: InvalidImageName", text)
    assert "error: Deployment/web: " in done.stderr
    assert done.stderr.splitlines()[-1].startswith("hint: ")


def test_one_refused_object_stops_all(sync: Run, k8s: Path, staging: Cluster, made: str) -> None:
    (k8s / "a.yaml").write_text(config_map("a"))
    (k8s / "thing.yaml").write_text(THING)
    done = sync("k8s")
    assert done.returncode == 1
    said = "the cluster does not know the kind Thing of example.com/v1"
    assert done.stdout.startswith(f"failed\tThing/thing\t-\t-\t{said}")
    assert len(done.stdout.splitlines()) == 1
    error, hint = done.stderr.splitlines()[-2:]
    assert error.startswith(f"error: Thing/thing: {said}")
    assert hint == "hint:  nothing was changed in the cluster: mend this, and sync again"
    assert config_maps(staging, made) == {}


def test_a_namespace_that_is_missing_is_hinted_at(run: Run, k8s: Path, kubeconfig: Path, namespace: str) -> None:
    (k8s / "a.yaml").write_text(config_map("a"))
    done = run("sync", "k8s", "--kubeconfig", kubeconfig, "-n", namespace)
    assert done.returncode == 1
    assert f"hint:  create it with `kubectl create namespace {namespace}`" in done.stderr


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        (
            "kustomization.yaml",
            "resources: [gone.yaml]\n",
            "kustomization.yaml, line 1: resources: 'gone.yaml' is not in",
        ),
        ("b.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: [\n", "b.yaml, document 1, line 4"),
        ("b.yaml", config_map("../../x"), "../../x"),
    ],
)
def test_bad_input_is_exit_status_2_and_a_document(
    sync: Run, k8s: Path, staging: Cluster, made: str, name: str, text: str, said: str
) -> None:
    (k8s / "a.yaml").write_text(config_map("a"))
    (k8s / name).write_text(text)
    done = sync("k8s", "-o", "json")
    assert done.returncode == 2
    document = outcome(done)
    assert (document["application"], document["outcome"], document["objects"]) == ("k8s", "failed", [])
    assert said in document["message"]
    assert done.stderr == f"error: {document['message']}\n"
    assert config_maps(staging, made) == {}


def test_a_link_that_leaves_the_folder_is_refused(sync: Run, k8s: Path) -> None:
    (k8s.parent / "outside.yaml").write_text(config_map("a"))
    (k8s / "link.yaml").symlink_to("../outside.yaml")
    done = sync("k8s")
    assert (done.returncode, done.stdout) == (2, "")
    assert "k8s: the link link.yaml leaves the repository: put what it names into" in done.stderr


@pytest.mark.parametrize("target", ["nothing", "./nothing"])
def test_a_target_that_is_not_there_is_bad_input(run: Run, target: str) -> None:
    done = run("sync", target, "-o", "json")
    assert done.returncode == 2
    assert outcome(done)["application"] == target
    assert "there is no file or folder" in done.stderr


def test_a_kubeconfig_that_is_not_there_is_bad_input(run: Run, k8s: Path) -> None:
    (k8s / "a.yaml").write_text(config_map("a"))
    done = run("sync", "k8s", "--kubeconfig", "nothing", "-o", "json")
    assert done.returncode == 2
    assert outcome(done)["message"] == "there is no kubeconfig at nothing: name one with --kubeconfig or KUBECONFIG"


def test_a_cluster_that_cannot_be_reached_is_exit_status_1(run: Run, k8s: Path, kubeconfig: Path) -> None:
    config = yaml.safe_load(kubeconfig.read_text())
    config["clusters"][0]["cluster"]["server"] = "https://127.0.0.1:1"
    kubeconfig.write_text(yaml.safe_dump(config))
    (k8s / "a.yaml").write_text(config_map("a"))
    done = run("sync", "k8s", "--kubeconfig", kubeconfig, "-o", "json")
    assert done.returncode == 1
    assert "cluster staging cannot be reached" in outcome(done)["message"]
    assert "cluster staging cannot be reached" in done.stderr


@pytest.mark.parametrize("arguments", [["--prune"], ["--approve-prune", "1a2b3c4"], ["--prune", "-o", "json"]])
def test_a_path_is_not_pruned(run: Run, k8s: Path, arguments: list[str]) -> None:
    (k8s / "a.yaml").write_text(config_map("a"))
    done = run("sync", "k8s", *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert "k8s is a path: nothing records what was applied of it before" in done.stderr


@pytest.mark.parametrize("revision", ["1a2b3c", "main", "1a2b3c4" * 6])
def test_an_approval_is_of_a_commit(run: Run, revision: str) -> None:
    done = run("sync", "shop", "--approve-prune", revision)
    assert (done.returncode, done.stdout) == (2, "")
    assert "it must be a commit, or its first seven characters or more" in done.stderr


@pytest.mark.parametrize(
    "arguments", [[], ["k8s", "--timeout", "0"], ["k8s", "--timeout", "soon"], ["k8s", "-o", "yaml"], ["k8s", "more"]]
)
def test_bad_usage_is_exit_status_2(run: Run, k8s: Path, arguments: list[str]) -> None:
    done = run("sync", *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert "Usage: deployer sync [OPTIONS] APP|PATH" in done.stderr


def test_an_applications_repository_that_is_not_there_is_bad_input(bench: Bench, deployer: Run) -> None:
    bench.configure(url=f"{bench.world.github.git_url}/acme/nothing.git")
    done = deployer("sync", bench.name, "-o", "json")
    assert done.returncode == 2
    assert "GitHub knows nothing at" in outcome(done)["message"]
