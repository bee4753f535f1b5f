"""`deployer status`."""

import json
import signal
import socket
import subprocess
import threading
import time
from typing import Any

from tests.cli.clinic import Clinic, Deployer, at
from tests.cli.conftest import DEPLOYER, environment, on_terminal
from tests.world import Bench, config_map, deployment


def told(deployer: Deployer, *arguments: str, **changes: str) -> tuple[int, dict[str, Any]]:
    """The exit status of `deployer status -o json`, and its document."""
    done = deployer("status", *arguments, "-o", "json", **changes)
    document: dict[str, Any] = json.loads(done.stdout)
    assert set(document) == {"applications", "ok", "message"}
    assert document["ok"] == (done.returncode == 0)
    return done.returncode, document


def one(deployer: Deployer, *arguments: str, **changes: str) -> dict[str, Any]:
    """The only application that `deployer status -o json` tells of."""
    (found,) = told(deployer, *arguments, **changes)[1]["applications"]
    assert isinstance(found, dict)
    return found


def deployed(bench: Bench, files: dict[str, str]) -> str:
    """Push, and wait until it is live; returns the commit."""
    commit = bench.push(files)
    assert bench.settled(commit)[0] == "success"
    return commit


def test_all_is_well(bench: Bench, deployer: Deployer) -> None:
    bench.configure()
    assert bench.settled(commit := bench.push({"a.yaml": config_map("a")}))[0] == "success"
    done = deployer("status", bench.name)
    assert (done.returncode, done.stderr) == (0, "")
    line, summary = done.stdout.splitlines()
    assert line.startswith(f"{bench.name}\tstaging\t{commit[:7]}\tSynced\tHealthy\t-\tsucceeded ")
    assert summary == "1 application: 1 synced and healthy"
    status, document = told(deployer, bench.name)
    (found,) = document["applications"]
    assert (status, found["deployed"], found["revision"], found["last"]["id"]) == (0, commit, commit, 1)


def test_nothing_is_written(bench: Bench, deployer: Deployer) -> None:
    bench.deploy({"a.yaml": config_map("a")})
    bench.configure(automated=False)
    bench.push({"a.yaml": config_map("a", "2"), "b.yaml": config_map("b")})
    place = ("configmaps,leases", "-n", bench.name, "-o", "jsonpath={.items[*].metadata.resourceVersion}")
    before = bench.kubectl("get", *place)
    assert deployer("status", bench.name).returncode == 1
    assert bench.kubectl("get", *place) == before


def test_what_is_not_healthy_is_named(bench: Bench, deployer: Deployer) -> None:
    files = {"web.json": deployment("web", "nginx:never"), "a.yaml": config_map("a")}
    assert bench.deploy(files, timeout=1)[0] == "failure"
    status, document = told(deployer, bench.name)
    (found,) = document["applications"]
    assert (status, found["sync"], found["health"]) == (1, "Synced", "Progressing")
    assert found["message"].startswith("Deployment/web is Progressing: ")
    assert "the last sync failed: " in found["message"]


def test_on_a_terminal_notes_stand_below_the_table(bench: Bench) -> None:
    bench.deploy({"a.yaml": config_map("a")})
    bench.configure(automated=False)
    bench.push({"a.yaml": config_map("a", "2")})
    screen = on_terminal([*DEPLOYER, "status", bench.name], bench.clone.folder, bench.world.exports)
    assert screen.status == 1
    assert f"waiting for {bench.name}" in screen.raw
    assert screen.lines[-2:] == [f"{bench.name} in staging: 1 to change", "1 application: 1 not"]
    row = next(line for line in screen.lines if line.startswith(bench.name))
    assert "\x1b[33mOutOfSync" in screen.raw
    assert "→" in row


def test_one_that_is_held_is_out_of_sync_and_says_by_whom(bench: Bench, deployer: Deployer) -> None:
    bench.configure()
    first, second = (deployed(bench, {"a.yaml": config_map("a", number)}) for number in ("1", "2"))
    assert deployer("rollback", bench.name, USER="ada").returncode == 0
    done = deployer("status", bench.name)
    cells = done.stdout.splitlines()[0].split("\t")
    assert (done.returncode, cells[2:6]) == (1, [f"{first[:7]} → {second[:7]}", "OutOfSync", "Healthy", "-"])
    assert cells[-1].startswith(f"held at {first[:7]} by ada at ")
    assert cells[-1].endswith(f"(deployer rollback), until main moves, or `deployer sync {bench.name}`")
    found = one(deployer, bench.name)
    since = found["held"].pop("since")
    assert since.endswith("Z")
    assert found["held"] == {"revision": first, "instead_of": second, "who": "ada", "why": "deployer rollback"}
    assert (found["deployed"], found["revision"]) == (first, second)
    deployed(bench, {"b.yaml": config_map("b")})
    assert (one(deployer, bench.name)["sync"], one(deployer, bench.name)["held"]) == ("Synced", None)


def test_a_source_that_cannot_be_rendered_leaves_what_the_inventory_says(bench: Bench, deployer: Deployer) -> None:
    bench.configure()
    assert bench.settled(good := bench.push({"a.yaml": config_map("a")}))[0] == "success"
    assert bench.settled(bench.push({"a.yaml": ""}))[0] == "failure"
    found = one(deployer, bench.name)
    assert (found["sync"], found["health"], found["deployed"], found["revision"]) == ("Unknown", "Unknown", good, "")
    assert found["message"].startswith("there are no manifests at . in acme/")


def test_a_cluster_that_cannot_be_reached_does_not_keep_the_others_back(clinic: Clinic, deployer: Deployer) -> None:
    clinic.cluster("staging")
    clinic.cluster("elsewhere", at(clinic.bench, "https://127.0.0.1:1"))
    clinic.cluster("idle", at(clinic.bench, "https://127.0.0.1:1"))
    clinic.application("elsewhere", options=("CreateNamespace=true",))
    (clinic.config / "application.yaml").rename(clinic.config / "lost.yaml")
    text = (clinic.config / "lost.yaml").read_text()
    (clinic.config / "web.yaml").write_text(text.replace("elsewhere", "staging"))
    (clinic.config / "lost.yaml").write_text(text.replace("name: web", "name: lost"))
    clinic.bench.push({"a.yaml": config_map("a")})
    done = deployer("status", DEPLOYER_CONFIG=str(clinic.config))
    assert done.returncode == 1
    lines = {line.split("\t")[0]: line for line in done.stdout.splitlines()}
    assert lines["lost"].startswith("lost\telsewhere\t-\tUnknown\tUnknown\t-\t-\tcluster elsewhere cannot be reached")
    assert "\tOutOfSync\tMissing\t-\t-\t1 to create" in lines["web"]
    assert list(lines)[:2] == ["lost", "web"], "what is orphaned comes last"
    warning = "warning: cluster idle is not searched for what is orphaned: cluster idle cannot be reached"
    assert done.stderr.startswith(warning)
    assert len(done.stderr.splitlines()) == 1


def test_an_application_asks_its_own_cluster_only(clinic: Clinic, deployer: Deployer) -> None:
    clinic.cluster("staging")
    clinic.cluster("idle", at(clinic.bench, "https://127.0.0.1:1"))
    clinic.application()
    clinic.bench.push({"a.yaml": config_map("a")})
    done = deployer("status", "web", DEPLOYER_CONFIG=str(clinic.config))
    assert (done.stderr, len(done.stdout.splitlines())) == ("", 2)


def test_a_token_that_github_refuses(bench: Bench, deployer: Deployer) -> None:
    bench.configure()
    assert bench.settled(commit := bench.push({"a.yaml": config_map("a")}))[0] == "success"
    found = one(deployer, bench.name, DEPLOYER_GITHUB_TOKEN="wrong")
    assert (found["sync"], found["deployed"], found["revision"]) == ("Unknown", commit, "")
    assert "GitHub" in found["message"]


def test_an_inventory_that_is_malformed_is_the_applications_own_trouble(bench: Bench, deployer: Deployer) -> None:
    bench.deploy({"a.yaml": config_map("a")})
    patch = json.dumps({"metadata": {"annotations": {"applyset.kubernetes.io/contains-group-kinds": "!"}}})
    bench.kubectl("patch", "configmap", f"deployer-{bench.name}", "-n", bench.name, "--type=merge", "-p", patch)
    found = one(deployer, bench.name)
    assert (found["sync"], found["last"]) == ("Unknown", None)
    assert "which is no kind" in found["message"]


def test_what_cannot_be_read_of_a_history_is_told(bench: Bench, deployer: Deployer) -> None:
    bench.deploy({"a.yaml": config_map("a")})
    patch = json.dumps({"data": {"history": "no JSON"}})
    bench.kubectl("patch", "configmap", f"deployer-{bench.name}", "-n", bench.name, "--type=merge", "-p", patch)
    found = one(deployer, bench.name)
    assert (found["sync"], found["deployed"], found["last"]) == ("Synced", "", None)
    assert "its history cannot be read" in found["message"]


def test_a_name_that_nobody_knows(clinic: Clinic, deployer: Deployer) -> None:
    clinic.cluster("staging")
    config = {"DEPLOYER_CONFIG": str(clinic.config)}
    done = deployer("status", "nope", **config)
    assert (done.returncode, done.stdout) == (1, "")
    assert (
        "there is no application 'nope'; there is: none; and no inventory of it was found in a cluster" in done.stderr
    )
    status, document = told(deployer, "nope", **config)
    assert (status, document["applications"]) == (1, [])
    assert document["message"].startswith("there is no application 'nope'")


def test_a_configuration_that_is_not_valid(clinic: Clinic, deployer: Deployer) -> None:
    (clinic.config / "bad.yaml").write_text("kind: Pod")
    status, document = told(deployer, DEPLOYER_CONFIG=str(clinic.config))
    assert status == 1
    assert document["message"].startswith("bad.yaml, document 1: ")


def test_ctrl_c_ends_the_wait_at_once(clinic: Clinic) -> None:
    with socket.create_server(("127.0.0.1", 0)) as black_hole:
        black_hole.settimeout(60)
        clinic.cluster("a-hole", at(clinic.bench, f"https://127.0.0.1:{black_hole.getsockname()[1]}"))
        env = environment({**clinic.bench.world.exports, "DEPLOYER_CONFIG": str(clinic.config)})
        process = subprocess.Popen([*DEPLOYER, "status"], env=env, stderr=subprocess.PIPE, encoding="utf-8")
        stop = threading.Timer(60, process.kill)
        stop.start()
        connection, _ = black_hole.accept()
        with connection:
            process.send_signal(signal.SIGINT)
            start = time.monotonic()
            _, said = process.communicate()
    stop.cancel()
    assert (process.returncode, said) == (130, "interrupted: nothing was written anywhere\n")
    assert time.monotonic() - start < 5, "long before the wait would end by itself"
