"""The README's examples of pruning and of drift, run as they are printed, with the example application."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from local import example
from local.kubectl import KUBECTL
from local.world import World

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A world of its own: nobody else has pushed the example there."""
    with World(tmp_path_factory.mktemp("world") / "world", ["staging"], lambda line: None) as world:
        commit = example.push(world.folder / "example", world.exports)
        assert example.follow(world.exports, commit, lambda line: None)
        yield world


def output(world: World, folder: Path, marker: str) -> str:
    """What the block with a marker in it prints."""
    (block,) = (one for one in re.findall(r"```sh\n(.*?)```", README, re.DOTALL) if marker in one)
    script = block.replace('eval "$(.venv/bin/python -m local env)"\n', "")
    assert script != block
    script = script.replace(".venv/bin/python", sys.executable).replace(".venv/bin/kubectl", KUBECTL)
    person = {f"GIT_{role}_{what}": "ada@example.com" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    environment = {**os.environ, **world.exports, **person}
    done = subprocess.run(["bash", "-uc", script], cwd=folder, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_what_leaves_git(fresh: World, tmp_path: Path) -> None:
    told = output(fresh, tmp_path, "rm --quiet report.yaml")
    assert "4 objects in staging: 1 left Git but not pruned" in told
    assert "pruned\tJob/report\tshop" in told
    kubeconfig = fresh.exports["DEPLOYER_LOCAL_KUBECONFIG_STAGING"]
    jobs = [KUBECTL, "--kubeconfig", kubeconfig, "get", "jobs", "-n", "shop", "-o", "name"]
    assert subprocess.run(jobs, capture_output=True, text=True, check=True).stdout == ""


def test_drift(fresh: World, tmp_path: Path) -> None:
    told = output(fresh, tmp_path, "kubectl scale").splitlines()
    assert "Deployment/web spec.replicas 3 → 5 by kubectl" in told[1]
    assert "\tOutOfSync\t" in told[1]
    assert "updated\tDeployment/web\tshop" in "\n".join(told)
    assert "\tSynced\t" in told[-2]


def test_order(fresh: World) -> None:
    told = output(fresh, ROOT, "examples/order").splitlines()
    assert "    argocd.argoproj.io/hook: PreSync" in told
    assert told[-1].startswith("2 objects in staging: 2 created, 2 hooks ran, healthy in ")


def test_a_rollback(fresh: World, tmp_path: Path) -> None:
    told = output(fresh, tmp_path, "shop-to-regret")
    assert re.search(r"rolled back to [0-9a-f]{7} by \S+; [34] objects in staging: 1 changed, healthy in ", told)
    assert re.search(r"shop\tstaging\t\S+ → \S+\tOutOfSync\t.*held at [0-9a-f]{7} by ", told)
    assert re.search(r"\n[0-9]+\t[0-9a-f]{7}\t[^\t]+\tsucceeded\t~1\t[^\t]+\tdeployer rollback\t", told)
    assert " objects in staging: 1 changed, healthy in " in told.splitlines()[-1]


def test_a_deletion(fresh: World, tmp_path: Path) -> None:
    told = output(fresh, tmp_path, "deployer delete shop --yes").splitlines()
    assert any(" objects to delete from staging" in line for line in told)
    assert any(" objects deleted from staging, in " in line for line in told)
    assert any("\tdeleted\t" in line for line in told)
    assert re.fullmatch(r"(\d) objects in staging: \1 created, healthy in .*", told[-1])
