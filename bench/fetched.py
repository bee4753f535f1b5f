"""A process that fetches the files of applications, one after the other, as a function instance does."""

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from deployer.github.blobs import REFUSED
from deployer.github.client import GitHub
from deployer.github.files import read_tree
from deployer.github.revision import resolve
from deployer.github.trees import TREES
from deployer.kustomize import Kustomize
from deployer.rendering.files import paths_at, read_files
from deployer.rendering.kustomize.reach import reach
from deployer.repository import Repository
from local.github.git import environment

OURS, REST, CLONE = "the deployer", "a REST request a file", "git clone --depth 1"
_MOST = 100_000_000


@dataclass(frozen=True)
class Fetch:
    """What is fetched: the files at a path of a branch of `owner/name`, and how many there are.

    With `kustomize` it is all that Kustomize reaches from there, which is all that the repository has.
    """

    name: str
    branch: str
    path: str
    files: int
    kustomize: bool = False


@dataclass(frozen=True)
class Fetched:
    """What it took: seconds and requests."""

    seconds: float
    requests: int


def command(way: str, url: str, token: str, fetches: Sequence[Fetch]) -> list[str]:
    """The command that fetches in a way, from the GitHub at an address, and prints what each took."""
    return [sys.executable, "-m", "bench.fetched", way, url, token, json.dumps([asdict(one) for one in fetches])]


def read(output: str) -> list[Fetched]:
    """Read what it printed."""
    return [Fetched(**one) for one in json.loads(output)]


def _clone(url: str, fetch: Fetch) -> int:
    with tempfile.TemporaryDirectory() as folder:
        source = f"{url}/{fetch.name}.git"
        options = ["--quiet", "--depth", "1", "--branch", fetch.branch]
        subprocess.run(["git", "clone", *options, source, folder], env=environment(), check=True, timeout=120)
        root = Path(folder) / ("" if fetch.kustomize else fetch.path)
        return sum(one.is_file() and ".git" not in one.relative_to(root).parts for one in root.rglob("*"))


def _fetch(github: GitHub, fetch: Fetch) -> int:
    repository = Repository(github.host, fetch.name)
    tree = read_tree(github, repository, resolve(github, repository, fetch.branch))
    if fetch.kustomize:
        return len(reach(tree, fetch.path, Kustomize()).files)
    return len(read_files(tree, fetch.path, paths_at(tree, fetch.path, recurse=True), max_bytes=_MOST))


def _main(way: str, url: str, token: str, fetches: Sequence[Fetch]) -> None:
    taken = []
    with GitHub(f"{url}/api/v3", token) as github:
        resolve(github, Repository(github.host, fetches[0].name), fetches[0].branch)  # imports, and connects
        for one in fetches:
            if way == REST:
                REFUSED[github.host, one.name] = True
                TREES.clear()
            before, begin = github.requests, time.perf_counter()
            files = _clone(url, one) if way == CLONE else _fetch(github, one)
            taken.append(Fetched(time.perf_counter() - begin, github.requests - before))
            if files != one.files:
                raise RuntimeError(f"{way} has {files} files of {one}")
    sys.stdout.write(json.dumps([asdict(one) for one in taken]))


if __name__ == "__main__":
    _main(sys.argv[1], sys.argv[2], sys.argv[3], [Fetch(**one) for one in json.loads(sys.argv[4])])
