"""Fetching in a process of its own, in each way."""

import subprocess
from pathlib import Path

import pytest

from bench.fetched import CLONE, OURS, REST, Fetch, command, read
from bench.servers import ROOT, environment
from local.github import GitHub as LocalGitHub
from tests.github import monorepo
from tests.local.github.helpers import SECRET, TOKEN

FILES = {f"k8s/{number}.yaml": f"number: {number}\n" for number in range(5)}
FIRST, NEXT = Fetch("acme/web", "main", "k8s", 5), Fetch("acme/web", "next", "k8s", 6)


@pytest.mark.parametrize(("way", "requests"), [(OURS, [3, 3]), (REST, [7, 3]), (CLONE, [0, 0])])
def test_each_way_fetches_the_same(tmp_path: Path, way: str, requests: list[int]) -> None:
    folder = tmp_path / "github"
    monorepo.commit(folder, "acme/web", "main", FILES)
    monorepo.commit(folder, "acme/web", "next", {"k8s/new.yaml": "new: true\n"}, parent="main")
    with LocalGitHub(folder, token=TOKEN, webhook_url=None, webhook_secret=SECRET) as server:
        line = command(way, server.git_url, TOKEN, [FIRST, NEXT])
        done = subprocess.run(line, cwd=ROOT, env=environment(), capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    taken = read(done.stdout)
    assert [one.requests for one in taken] == requests
    assert all(one.seconds > 0 for one in taken)


@pytest.mark.parametrize(("way", "requests"), [(OURS, 5), (REST, 6), (CLONE, 0)])
def test_what_kustomize_reaches_is_all_there_is(tmp_path: Path, way: str, requests: int) -> None:
    folder = tmp_path / "github"
    files = {
        "overlay/kustomization.yaml": "resources: [../base]",
        "base/kustomization.yaml": "resources: [a.yaml, b.yaml]",
        "base/a.yaml": "a: 1\n",
        "base/b.yaml": "b: 1\n",
    }
    monorepo.commit(folder, "acme/web", "main", files)
    with LocalGitHub(folder, token=TOKEN, webhook_url=None, webhook_secret=SECRET) as server:
        line = command(way, server.git_url, TOKEN, [Fetch("acme/web", "main", "overlay", 4, kustomize=True)])
        done = subprocess.run(line, cwd=ROOT, env=environment(), capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert [one.requests for one in read(done.stdout)] == [requests]


def test_what_is_not_all_there_is_no_measurement(tmp_path: Path) -> None:
    folder = tmp_path / "github"
    monorepo.commit(folder, "acme/web", "main", FILES)
    with LocalGitHub(folder, token=TOKEN, webhook_url=None, webhook_secret=SECRET) as server:
        line = command(OURS, server.git_url, TOKEN, [Fetch("acme/web", "main", "k8s", 4)])
        done = subprocess.run(line, cwd=ROOT, env=environment(), capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    assert f"{OURS} has 5 files of" in done.stderr
