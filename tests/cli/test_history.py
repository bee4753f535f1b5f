"""`deployer history`."""

import json
import re
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from deployer.cluster.connection import Cluster
from deployer.cluster.hold import Hold
from deployer.cluster.inventory import begun, empty, held
from deployer.cluster.inventory_store import read, write
from deployer.cluster.operation import Operation
from tests.cli.clinic import Clinic, Deployer, at
from tests.cli.conftest import DEPLOYER, on_terminal
from tests.world import Bench, config_map

OPERATION = Operation("f" * 40, datetime.now(UTC), "bob", "push")


def told(deployer: Deployer, name: str, **changes: str) -> dict[str, Any]:
    """What `deployer history -o json` prints."""
    done = deployer("history", name, "-o", "json", **changes)
    document: dict[str, Any] = json.loads(done.stdout)
    assert set(document) == {
        *("application", "cluster", "namespace", "orphaned", "operation", "held", "history", "message")
    }
    return document


def test_each_sync_has_a_line_the_newest_first(bench: Bench, deployer: Deployer) -> None:
    bench.configure(automated=False)
    commit = bench.push({"a.yaml": config_map("a")})
    assert deployer("sync", bench.name, USER="ada").returncode == 0
    bench.configure()
    assert bench.settled(bad := bench.push({"a.yaml": config_map("a", 1)}))[0] == "failure"
    done = deployer("history", bench.name)
    assert (done.returncode, done.stderr) == (0, "")
    failed, synced = (line.split("\t") for line in done.stdout.splitlines())
    assert failed[:2] == ["2", bad[:7]]
    assert (failed[3], failed[4]) == ("failed", "-")
    assert failed[6] == f"push to refs/heads/main of {bench.repository}"
    assert failed[7].startswith("delivery ")
    assert failed[8].startswith("ConfigMap/a: ")
    assert synced[:2] == ["1", commit[:7]]
    assert datetime.strptime(synced[2], "%Y-%m-%d %H:%M").year == datetime.now(UTC).year
    assert re.fullmatch(r"\d+\.\d s", synced[5])
    assert (synced[3], *synced[6:]) == ("succeeded", "deployer sync", "ada", "")
    assert synced[4].startswith("+")

    document = told(deployer, bench.name)
    assert (document["cluster"], document["namespace"], document["orphaned"]) == ("staging", bench.name, False)
    assert [(one["id"], one["revision"]) for one in document["history"]] == [(2, bad), (1, commit)]


def test_on_a_terminal_errors_stand_below_the_table(bench: Bench) -> None:
    bench.deploy({"a.yaml": config_map("a", 1)})
    screen = on_terminal([*DEPLOYER, "history", bench.name], bench.clone.folder, bench.world.exports)
    assert screen.status == 0
    assert "waiting for cluster staging" in screen.raw
    assert any("id  revision  when (UTC)" in line for line in screen.lines)
    assert screen.lines[-1].startswith("1 failed: ConfigMap/a: ")


def test_no_history_is_said_with_what_to_do(bench: Bench, deployer: Deployer) -> None:
    bench.configure()
    done = deployer("history", bench.name)
    assert (done.returncode, done.stdout) == (0, "")
    assert (
        f"there is no history of {bench.name} in staging yet: push, or run `deployer sync {bench.name}`" in done.stderr
    )
    assert told(deployer, bench.name)["history"] == []


def test_a_sync_under_way_stands_on_top(bench: Bench, deployer: Deployer, staging: Cluster) -> None:
    bench.deploy({"a.yaml": config_map("a")})
    before = read(staging, bench.name, bench.name)
    write(staging, before, begun(before, OPERATION))
    done = deployer("history", bench.name)
    assert [line.split("\t")[0] for line in done.stdout.splitlines()] == ["-", "1"]
    assert "fffffff\t" in done.stdout.splitlines()[0]
    assert "under way\t-\t-\tpush\tbob" in done.stdout
    assert "may have been killed" in done.stderr
    assert told(deployer, bench.name)["operation"]["holder"] == "bob"


def test_one_that_is_paused_says_so_with_its_hooks(bench: Bench, deployer: Deployer, staging: Cluster) -> None:
    bench.deploy({"a.yaml": config_map("a")})
    before = read(staging, bench.name, bench.name)
    hook = f"PreSync Job.batch {bench.name}/migrate"
    paused = replace(OPERATION, paused=datetime.now(UTC), waited=7.25, hooks={hook: "succeeded"})
    write(staging, before, begun(before, paused))
    done = deployer("history", bench.name)
    assert done.stdout.splitlines()[0].endswith(f"\tpaused\t-\t7.2 s\tpush\tbob\t{hook} succeeded")
    assert "hint:  what is paused waits for the next scheduled check, which goes on with it" in done.stderr
    assert told(deployer, bench.name)["operation"]["hooks"] == {hook: "succeeded"}


def test_what_holds_it_is_told(bench: Bench, deployer: Deployer, staging: Cluster) -> None:
    bench.deploy({"a.yaml": config_map("a")})
    commit = bench.clone.head()
    before = read(staging, bench.name, bench.name)
    hold = Hold("f" * 40, commit, datetime(2026, 10, 1, 10, 3, tzinfo=UTC), "ada", "deployer rollback")
    write(staging, before, held(before, hold))
    assert deployer("history", bench.name).stderr == (
        "hint:  it is held at fffffff by ada since 2026-10-01 10:03 UTC (deployer rollback), for as long as its ref "
        f"points at {commit[:7]}\n"
    )
    assert told(deployer, bench.name)["held"]["instead_of"] == commit


def test_what_cannot_be_read_of_a_history_is_a_warning(bench: Bench, deployer: Deployer) -> None:
    bench.deploy({"a.yaml": config_map("a")})
    patch = json.dumps({"data": {"history": "no JSON"}})
    bench.kubectl("patch", "configmap", f"deployer-{bench.name}", "-n", bench.name, "--type=merge", "-p", patch)
    done = deployer("history", bench.name)
    assert done.returncode == 0
    assert done.stderr.startswith("warning: ConfigMap deployer-")


def test_an_orphan_has_its_history_too(
    bench: Bench, deployer: Deployer, clinic: Clinic, staging: Cluster, made: str
) -> None:
    bench.configure()
    assert bench.settled(commit := bench.push({"a.yaml": config_map("a")}))[0] == "success"
    for cluster in ("staging", "production"):
        clinic.cluster(cluster)
    clinic.cluster("elsewhere", at(bench, "https://127.0.0.1:1"))
    older = empty(bench.name, made)  # where the application went before
    write(staging, older, begun(older, OPERATION))
    config = {"DEPLOYER_CONFIG": str(clinic.config)}
    done = deployer("history", bench.name, **config)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"1\t{commit[:7]}\t")
    assert "warning: cluster elsewhere is not searched for what is orphaned: cluster elsewhere cannot" in done.stderr
    assert f"{bench.name} has left an inventory in namespace {made} of cluster staging, too" in done.stderr
    (clinic.config / "elsewhere.yaml").unlink()
    document = told(deployer, bench.name, **config)
    assert (document["cluster"], document["orphaned"]) == ("staging", True)
    assert document["history"][0]["revision"] == commit


def test_a_name_that_nobody_knows(deployer: Deployer, clinic: Clinic) -> None:
    clinic.cluster("staging")
    config = {"DEPLOYER_CONFIG": str(clinic.config)}
    done = deployer("history", "nope", **config)
    assert (done.returncode, done.stdout) == (2, "")
    assert (
        "there is no application 'nope'; there is: none; and no inventory of it was found in a cluster" in done.stderr
    )
    document = told(deployer, "nope", **config)
    assert document["message"].startswith("there is no application 'nope'")


def test_a_cluster_out_of_reach(deployer: Deployer, clinic: Clinic) -> None:
    clinic.cluster("elsewhere", at(clinic.bench, "https://127.0.0.1:1"))
    clinic.application("elsewhere")
    done = deployer("history", "web", DEPLOYER_CONFIG=str(clinic.config))
    assert (done.returncode, done.stdout) == (1, "")
    assert "error: cluster elsewhere cannot be reached for GET" in done.stderr
