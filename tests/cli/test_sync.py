"""`deployer sync`, where all goes well."""

import re
from pathlib import Path

import pytest
import yaml

from deployer.cluster.connection import Cluster
from deployer.errors import ClusterError
from tests.cli.conftest import DEPLOYER, Run, config_maps, on_terminal, outcome
from tests.world import Bench, config_map, deployment


def test_a_path_is_brought_to_the_cluster(sync: Run, k8s: Path, staging: Cluster, made: str) -> None:
    (k8s / "a.yaml").write_text(config_map("a"))
    (k8s / "web.json").write_text(deployment("web"))
    done = sync("k8s")
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[:-1] == [f"created\tConfigMap/a\t{made}\tHealthy\t", f"created\tDeployment/web\t{made}\tHealthy\t"]
    assert re.fullmatch(r"2 objects in staging: 2 created, healthy in \d+\.\d s", lines[-1])
    assert config_maps(staging, made) == {"a": {"key": "1"}}
    assert all(re.match(r" *\d+\.\d s  \S", line) for line in done.stderr.splitlines()), done.stderr
    assert "applying Deployment/web" in done.stderr

    (k8s / "a.yaml").write_text(config_map("a", "2"))
    again = sync("k8s")
    assert again.stdout.splitlines()[0] == f"updated\tConfigMap/a\t{made}\tHealthy\t"
    assert "2 objects in staging: 1 changed, healthy in" in again.stdout
    assert sync("k8s").stdout.startswith("2 objects in staging: nothing to change, healthy in")


def test_one_file_is_enough_and_stands_for_the_name(sync: Run, k8s: Path, staging: Cluster, made: str) -> None:
    (k8s / "a.yaml").write_text(config_map("a"))
    (k8s / "b.yaml").write_text("not: [valid")
    document = outcome(sync("k8s/a.yaml", "-o", "json"))
    assert document["application"] == "a.yaml"
    assert config_maps(staging, made) == {"a": {"key": "1"}}


def test_folders_below_are_read_where_that_is_asked_for(sync: Run, k8s: Path, staging: Cluster, made: str) -> None:
    (k8s / "below").mkdir()
    (k8s / "below/a.yaml").write_text(config_map("a"))
    done = sync("k8s")
    assert done.returncode == 2
    assert "there are no manifests at k8s" in done.stderr
    assert sync("k8s", "--recurse").returncode == 0
    assert config_maps(staging, made) == {"a": {"key": "1"}}


def test_the_contexts_namespace_is_the_default(
    run: Run, k8s: Path, kubeconfig: Path, staging: Cluster, made: str
) -> None:
    config = yaml.safe_load(kubeconfig.read_text())
    context = config["contexts"][0]
    config["contexts"].append({"name": "mine", "context": {**context["context"], "namespace": made}})
    kubeconfig.write_text(yaml.safe_dump(config))
    (k8s / "a.yaml").write_text(config_map("a"))
    done = run("sync", "k8s", "--context", "mine", KUBECONFIG=str(kubeconfig))
    assert done.returncode == 0, done.stderr
    assert "1 object in mine: 1 created" in done.stdout
    assert config_maps(staging, made) == {"a": {"key": "1"}}


def test_json_is_one_document_for_scripts(sync: Run, k8s: Path, made: str) -> None:
    (k8s / "a.yaml").write_text(config_map("a"))
    done = sync("k8s", "-o", "json", "--name", "shop")
    assert done.returncode == 0, done.stderr
    document = outcome(done)
    steps = document.pop("durations")
    assert {"render", "connect", "discovery", "live", "dry-run", "apply", "wait"} <= set(steps)
    assert all(0 <= seconds < 60 for seconds in steps.values())
    assert document.pop("requests")["cluster"] > 3
    assert re.fullmatch(r"1 object in staging: 1 created, healthy in \d+\.\d s", document.pop("message"))
    assert isinstance(document["objects"][0].pop("message"), str)
    assert document == {
        "application": "shop",
        "cluster": "staging",
        "revision": "",
        "outcome": "succeeded",
        "health": "Healthy",
        "objects": [
            {
                "group": "",
                "version": "v1",
                "kind": "ConfigMap",
                "namespace": made,
                "name": "a",
                "action": "created",
                "health": "Healthy",
            }
        ],
    }


def test_a_dry_run_writes_nothing(sync: Run, k8s: Path, staging: Cluster, made: str) -> None:
    (k8s / "a.yaml").write_text(config_map("a"))
    assert sync("k8s").returncode == 0
    (k8s / "a.yaml").write_text(config_map("a", "2") + "---\n" + config_map("b"))
    done = sync("k8s", "--dry-run")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [
        f"updated\tConfigMap/a\t{made}\tHealthy\t",
        f"created\tConfigMap/b\t{made}\t-\t",
        "2 objects in staging: 1 to create, 1 to change, nothing written (dry-run)",
    ]
    document = outcome(sync("k8s", "--dry-run", "-o", "json"))
    assert document["outcome"] == "unfinished"
    assert [one["action"] for one in document["objects"]] == ["updated", "created"]
    assert config_maps(staging, made) == {"a": {"key": "1"}}


def test_no_wait_does_not_wait(sync: Run, k8s: Path) -> None:
    (k8s / "web.json").write_text(deployment("web", "nginx:never"))
    done = sync("k8s", "--no-wait")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "1 object in staging: 1 created, health not waited for"


def test_a_manual_application_is_synced_and_its_commit_told(bench: Bench, deployer: Run) -> None:
    bench.configure(automated=False)
    commit = bench.push({"a.yaml": config_map("a")})
    bench.world.github.wait_for_delivery(commit)
    assert bench.statuses(commit) == [("pending", "out of sync: 1 to create")]
    done = deployer("sync", bench.name, "-o", "json", "--local")
    assert done.returncode == 0, done.stderr
    document = outcome(done)
    assert (document["application"], document["cluster"], document["revision"]) == (bench.name, "staging", commit)
    assert set(document["requests"]) == {"github", "cluster"}
    assert {"resolve", "fetch", "render", "connect"} <= set(document["durations"])
    assert bench.statuses(commit)[-1] == ("success", document["message"])
    assert bench.live("configmap", "a")["data"] == {"key": "1"}


def test_an_applications_dry_run_and_failure(bench: Bench, deployer: Run) -> None:
    bench.configure(automated=False)
    commit = bench.push({"web.json": deployment("web", "nginx:never")})
    bench.world.github.wait_for_delivery(commit)
    done = deployer("sync", bench.name, "--dry-run")
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith("1 object in staging: 1 to create, nothing written (dry-run)\n")
    assert len(bench.statuses(commit)) == 1, "a dry-run tells the commit nothing"
    failed = deployer("sync", bench.name, "--timeout", "2")
    assert failed.returncode == 1
    assert "error: 1 of 1 objects not healthy after 2 s: Deployment/web: " in failed.stderr
    assert bench.statuses(commit)[-1][0] == "failure"


def test_a_terminal_gets_a_table(k8s: Path, kubeconfig: Path, made: str, staging: Cluster) -> None:
    (k8s / "a.yaml").write_text(config_map("a"))
    command = [*DEPLOYER, "sync", "k8s", "--kubeconfig", str(kubeconfig), "-n", made]
    screen = on_terminal(command, k8s.parent)
    assert screen.status == 0
    table = [line.split() for line in screen.lines[-3:-1]]
    assert table == [["action", "object", "namespace", "health"], ["created", "ConfigMap/a", made, "Healthy"]]
    assert "\x1b[32mcreated" in screen.raw
    with pytest.raises(ClusterError):  # what the table shows is really there, and nothing else
        staging.request("GET", f"/api/v1/namespaces/{made}/configmaps/b")
    assert config_maps(staging, made) == {"a": {"key": "1"}}
    plain = on_terminal([*command, "--dry-run"], k8s.parent, {"NO_COLOR": "1"})
    assert "\x1b" not in plain.raw
    assert plain.lines[-1] == "1 object in staging: nothing to change, nothing written (dry-run)"
