"""`deployer delete`: it asks, deletes, and says what holds the application then."""

import fcntl
import json
import os
import pty
import re
import struct
import subprocess
import termios
from pathlib import Path
from typing import Any

import pytest

from deployer.cluster.connection import Cluster
from deployer.cluster.inventory import begun, empty
from deployer.cluster.inventory_store import read, write
from deployer.sync.prune import APPROVED
from tests.cli.clinic import Clinic, Deployer
from tests.cli.conftest import DEPLOYER, Run, environment, outcome
from tests.cli.test_history import OPERATION
from tests.end_to_end.staged import job, turn
from tests.world import Bench, config_map

SAYS = "argocd.argoproj.io/sync-options"


def deployed(bench: Bench, files: dict[str, str], **options: Any) -> str:
    """Deploy some files; returns the commit."""
    bench.configure(**options)
    commit = bench.push(files)
    assert bench.settled(commit)[0] == "success"
    return commit


def names(bench: Bench) -> set[str]:
    """The ConfigMaps of the application's namespace."""
    return set(bench.kubectl("get", "configmaps", "-n", bench.name, "-o", "jsonpath={.items[*].metadata.name}").split())


def answered(bench: Bench, answer: str, *arguments: str, **changes: str) -> tuple[int, str]:
    """Run `deployer delete` on a terminal, and type an answer once it asks; returns status and screen."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 120, 0, 0))
    process = subprocess.Popen(
        [*DEPLOYER, "delete", bench.name, *arguments],
        cwd=bench.clone.folder,
        env=environment({**bench.world.exports, "USER": "ada", **changes}),
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
    )
    os.close(theirs)
    seen, typed = "", False
    while True:
        try:
            seen += os.read(ours, 65536).decode()
        except OSError:  # how a pseudo-terminal says that its other side is closed
            break
        if "[y/N]" in seen and not typed:
            os.write(ours, f"{answer}\n".encode())
            typed = True
    os.close(ours)
    return process.wait(timeout=60), seen


def test_it_shows_what_goes_and_asks(bench: Bench) -> None:
    claim = {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": "data"},
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}},
    }
    keep = config_map("keep").replace("name: keep", f'name: keep\n  annotations: {{{SAYS}: "Delete=false"}}')
    hook = turn(job("backup"), hook="PreDelete")
    files = {"a.yaml": config_map("a"), "data.json": json.dumps(claim), "keep.yaml": keep, "hook.json": hook}
    bench.configure()
    assert bench.settled(commit := bench.push(files))[0] == "success"
    status, screen = answered(bench, "n")
    assert status == 1
    plan = [re.sub(r"\x1b\[[0-9;]*m", "", line).split() for line in screen.splitlines()]
    assert [tuple(row[:2]) for row in plan if row and row[0] in ("delete", "keep", "run")] == [
        ("delete", "PersistentVolumeClaim/data"),
        ("delete", "ConfigMap/a"),
        ("keep", "ConfigMap/keep"),
        ("run", "Job/backup"),
    ]
    assert "Delete=false" in screen
    assert "PreDelete hook" in screen
    assert "what no manifest brings back goes with PersistentVolumeClaim/data" in screen
    assert f"Delete 2 objects of {bench.name} from staging? [y/N]" in screen
    assert "nothing was deleted" in screen
    assert {"a", "keep"} <= names(bench)
    assert bench.statuses(commit)[-1][0] == "success"

    status, screen = answered(bench, "y")
    assert status == 0, screen
    assert "2 objects deleted from staging, 1 hook ran, 1 stays, in " in screen
    assert f"{bench.name} stays deleted until main moves" in screen
    assert names(bench) & {"a", "keep"} == {"keep"}


def test_an_automated_application_stays_deleted_until_its_ref_moves(bench: Bench, deployer: Deployer) -> None:
    commit = deployed(bench, {"a.yaml": config_map("a")})
    done = deployer("delete", bench.name, "--yes", USER="ada")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[0] == f"pruned\tConfigMap/a\t{bench.name}\t-\t"
    assert "1 object deleted from staging, in " in done.stdout
    assert f"{bench.name} stays deleted until main moves, or `deployer sync {bench.name}`, which deploys" in done.stderr
    assert (
        f"remove its document ({bench.name}.yaml, document 1), and `deployer delete {bench.name}` again" in done.stderr
    )
    assert bench.statuses(commit)[-1] == ("failure", "deleted from staging by ada")

    told = bench.statuses(commit)
    assert bench.reconcile() == "held"
    assert bench.statuses(commit) == told
    bench.send(bench.world.github.wait_for_delivery(commit).payload)
    assert bench.statuses(commit)[-1][0] == "failure", "a second delivery leaves nothing pending"
    assert "a" not in names(bench)

    status = deployer("status", bench.name)
    cells = status.stdout.splitlines()[0].split("\t")
    assert (status.returncode, cells[2:5]) == (1, [f"- → {commit[:7]}", "deleted", "-"]), status.stdout
    assert "deleted by ada at " in cells[-1]
    assert status.stdout.splitlines()[1] == "1 application: 1 deleted"
    (found,) = json.loads(deployer("status", bench.name, "-o", "json").stdout)["applications"]
    assert (found["sync"], found["health"], found["deployed"]) == ("deleted", None, "")
    assert (found["held"]["revision"], found["held"]["instead_of"], found["held"]["who"]) == ("", commit, "ada")
    shown = deployer("history", bench.name)
    assert "\tsucceeded\t-1\t" in shown.stdout.splitlines()[0]
    assert "\tdeployer delete\tada\t" in shown.stdout.splitlines()[0]
    assert "it is deleted by ada since " in shown.stderr

    again = deployer("delete", bench.name, "--yes")
    assert (again.returncode, again.stdout.startswith("nothing to delete: staging has nothing of ")) == (0, True)
    back = deployer("sync", bench.name)
    assert back.returncode == 0, back.stderr
    assert "no longer deleted by ada at " in back.stderr
    assert "a" in names(bench)
    assert bench.statuses(commit)[-1][0] == "success"

    assert deployer("delete", bench.name, "--yes").returncode == 0
    assert bench.settled(bench.push({"b.yaml": config_map("b")}))[0] == "success"
    assert {"a", "b"} <= names(bench), "a push brings it back"


def test_a_manual_application_is_gone_with_its_inventory(bench: Bench, deployer: Deployer) -> None:
    bench.configure(automated=False)
    commit = bench.push({"a.yaml": config_map("a")})
    assert deployer("sync", bench.name).returncode == 0
    done = deployer("delete", bench.name, "--yes", "-o", "json")
    assert done.returncode == 0, done.stderr
    document = outcome(done)
    assert (document["application"], document["cluster"], document["revision"]) == (bench.name, "staging", commit)
    assert (document["outcome"], [one["action"] for one in document["objects"]]) == ("succeeded", ["pruned"])
    assert f"its inventory is gone; `deployer sync {bench.name}` deploys it again" in done.stderr
    assert names(bench) == {"kube-root-ca.crt"}
    nothing = deployer("delete", bench.name, "--yes", "-o", "json")
    assert (nothing.returncode, outcome(nothing)["message"]) == (
        0,
        f"nothing to delete: staging has nothing of {bench.name}, as far as its inventory says",
    )
    assert deployer("rollback", bench.name).returncode == 2, "there is no history any more"


def test_without_a_terminal_it_needs_a_yes(bench: Bench, deployer: Deployer) -> None:
    deployed(bench, {"a.yaml": config_map("a")})
    done = subprocess.run(
        [*DEPLOYER, "delete", bench.name],
        env=environment(bench.world.exports),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 2
    assert "there is no terminal to ask on: look at it with --dry-run, and then say --yes" in done.stderr
    tried = deployer("delete", bench.name, "--dry-run")
    assert (tried.returncode, tried.stdout.splitlines()) == (
        0,
        [f"pruned\tConfigMap/a\t{bench.name}\t-\t", "1 object to delete from staging, nothing written (dry-run)"],
    )
    assert "a" in names(bench)


def test_what_waits_for_approval_stops_it(bench: Bench, deployer: Deployer) -> None:
    confirm = config_map("b").replace("name: b", f'name: b\n  annotations: {{{SAYS}: "Delete=confirm"}}')
    deployed(bench, {"a.yaml": config_map("a"), "b.yaml": confirm})
    done = deployer("delete", bench.name, "--yes")
    assert (done.returncode, {"a", "b"} <= names(bench)) == (1, True)
    assert "error: ConfigMap/b: not deleted: it says " in done.stderr
    assert f"{APPROVED}=$(date -u +%FT%TZ)`, and delete again" in done.stderr
    assert "hint:  nothing was deleted" in done.stderr


def test_a_source_that_cannot_be_read_has_no_hooks(bench: Bench, deployer: Deployer) -> None:
    deployed(bench, {"a.yaml": config_map("a")})
    assert bench.settled(bench.push({"a.yaml": "- no\n- object\n"}))[0] == "failure"
    done = deployer("delete", bench.name, "--yes")
    assert (done.returncode, "to delete without its hooks, which are there, too: --no-hooks" in done.stderr) == (
        2,
        True,
    )
    assert deployer("delete", bench.name, "--yes", "--no-hooks").returncode == 0
    assert "a" not in names(bench)


def test_an_orphan_is_found_and_deleted(
    bench: Bench, deployer: Deployer, clinic: Clinic, staging: Cluster, made: str
) -> None:
    deployed(bench, {"a.yaml": config_map("a"), "hook.json": turn(job("migrate"), hook="PreSync")})
    for cluster in ("staging", "production"):
        clinic.cluster(cluster)
    config = {"DEPLOYER_CONFIG": str(clinic.config)}
    older = empty(bench.name, made)  # where the application went before
    write(staging, older, begun(older, OPERATION))
    done = deployer("delete", bench.name, "--yes", **config)
    assert (done.returncode, "a" in names(bench)) == (2, True)
    assert f"--cluster staging --namespace {bench.name}" in done.stderr
    assert f"--cluster staging --namespace {made}" in done.stderr
    done = deployer("delete", bench.name, "--yes", "--cluster", "production", **config)
    assert done.returncode == 2

    done = deployer("delete", bench.name, "--yes", "--cluster", "staging", "--namespace", bench.name, **config)
    assert done.returncode == 0, done.stderr
    assert f"warning: no application of this configuration is {bench.name}; if another one deploys it" in done.stderr
    assert "hint:  its inventory is gone" in done.stderr
    assert names(bench) == {"kube-root-ca.crt"}
    assert not read(staging, bench.name, bench.name).resource_version
    assert json.loads(bench.kubectl("get", "jobs", "-n", bench.name, "-o", "json"))["items"] == []

    done = deployer("delete", bench.name, "--yes", "-o", "json", **config)
    assert (done.returncode, outcome(done)["outcome"]) == (0, "succeeded"), "the only one that is left"
    done = deployer("delete", bench.name, "--yes", **config)
    assert (done.returncode, "no inventory of it was found in a cluster" in done.stderr) == (2, True)


def test_where_it_is_is_for_the_configuration_to_say(bench: Bench, deployer: Deployer) -> None:
    bench.configure()
    done = deployer("delete", bench.name, "--yes", "--cluster", "production")
    assert (done.returncode, "is in the configuration, which says where it is" in done.stderr) == (2, True)


@pytest.mark.parametrize(("arguments", "said"), [((), "Missing argument 'APP'"), (("x", "--timeout", "0"), "range")])
def test_bad_input(run: Run, arguments: tuple[str, ...], said: str, tmp_path: Path) -> None:
    done = run("delete", *arguments)
    assert (done.returncode, said in done.stderr) == (2, True), done.stderr
