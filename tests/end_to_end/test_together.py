"""Many applications of one ref have one status on its commit, with counts; up to twenty, each has its own."""

import json
import urllib.request
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from deployer.configuration import TOGETHER
from tests.end_to_end.reconciling import make_ready, no_deliveries
from tests.world import Bench, config_map, deployment


class Crowd:
    """Applications that watch one ref: each has a folder of the repository, and all share a namespace."""

    def __init__(self, bench: Bench, count: int) -> None:
        self.bench = bench
        self.names = [f"{bench.name}-{number:02}" for number in range(count)]
        self._file = Path(bench.world.exports["DEPLOYER_CONFIG"]) / f"{bench.name}-crowd.yaml"

    def configure(self, timeout: float = 60) -> None:
        self._file.write_text("\n---\n".join(json.dumps(self._document(name, timeout)) for name in self.names))

    def remove(self) -> None:
        self._file.unlink(missing_ok=True)

    def _document(self, name: str, timeout: float) -> dict[str, object]:
        return {
            "apiVersion": "argoproj.io/v1alpha1",
            "kind": "Application",
            "metadata": {"name": name, "annotations": {"deployer/timeout": str(timeout)}},
            "spec": {
                "source": {"repoURL": self.bench.clone.url, "targetRevision": "main", "path": name},
                "destination": {"name": "staging", "namespace": self.bench.name},
                "syncPolicy": {"automated": {}, "syncOptions": ["CreateNamespace=true"]},
            },
        }

    def files(self, value: str, *besides: tuple[int, str]) -> dict[str, str]:
        """A manifest for each application; `besides` are other ones of some."""
        files = {f"{name}/a.yaml": config_map(name, value) for name in self.names}
        return files | {f"{self.names[number]}/a.yaml": manifest for number, manifest in besides}

    def statuses(self, commit: str) -> list[tuple[str, str, str]]:
        """Context, state and description of every status of the deployer, the oldest first."""
        found = self.bench.world.github.statuses.of(self.bench.repository, commit)
        return [(one.context, one.state, one.description or "") for one in found]

    def created(self) -> int:
        """How many requests for the repository made something so far."""
        asked = self.bench.world.github.requests
        return sum(method == "POST" and self.bench.repository in path for method, path in asked)

    def reconcile(self) -> set[str]:
        """Call `reconcile`; returns how the applications stand."""
        request = urllib.request.Request(self.bench.world.exports["DEPLOYER_LOCAL_RECONCILE_URL"], b"")
        with urllib.request.urlopen(request, timeout=120) as answer:
            found = json.load(answer)["applications"]
        return {one["outcome"] for one in found if one["application"] in self.names}

    def values(self) -> set[str]:
        maps = json.loads(self.bench.kubectl("get", "configmaps", "-n", self.bench.name, "-o", "json"))["items"]
        return {one["data"]["key"] for one in maps if one["metadata"]["name"] in self.names}


@pytest.fixture
def crowd(bench: Bench) -> Iterator[Crowd]:
    """One application more than may have a status each."""
    crowd = Crowd(bench, TOGETHER + 1)
    crowd.configure()
    yield crowd
    crowd.remove()


def push(bench: Bench, files: dict[str, str]) -> tuple[str, Sequence[str]]:
    """Push, and wait until all is over; returns the commit, and what became of the applications."""
    commit = bench.push(files)
    delivery = bench.world.github.wait_for_delivery(commit, timeout=60)
    assert delivery.status == 200, delivery
    return commit, [one["outcome"] for one in json.loads(delivery.body)["applications"]]


ALL_WELL = ("deployer", "success", f"{TOGETHER + 1} applications: all healthy")


def test_above_twenty_applications_one_status_tells_of_all(crowd: Crowd, bench: Bench) -> None:
    for value in ("1", "2"):
        before = crowd.created()
        commit, outcomes = push(bench, crowd.files(value))
        assert outcomes == ["succeeded"] * len(crowd.names)
        assert crowd.statuses(commit)[-1] == ALL_WELL
        assert {context for context, *_ in crowd.statuses(commit)} == {"deployer"}
        assert crowd.created() - before <= 3
        assert crowd.values() == {value}
    before = crowd.created()
    assert crowd.reconcile() == {"in sync"}
    assert crowd.created() == before, "what is told already is not told again"


def test_twenty_have_a_status_each(bench: Bench) -> None:
    crowd = Crowd(bench, TOGETHER)
    crowd.configure()
    try:
        commit, _ = push(bench, crowd.files("1"))
        last = {context: state for context, state, _ in crowd.statuses(commit)}
        assert last == {f"deployer/{name}": "success" for name in crowd.names}
    finally:
        crowd.remove()


def test_one_that_fails_is_named_with_its_reason_until_it_is_well(crowd: Crowd, bench: Bench) -> None:
    ill = crowd.names[7]
    commit, outcomes = push(bench, crowd.files("1", (7, deployment(ill, "INVALID//image"))))
    assert sorted(set(outcomes)) == ["failed", "succeeded"]
    context, state, description = crowd.statuses(commit)[-1]
    assert (context, state) == ("deployer", "failure")
    assert description.startswith(f"21 applications: 20 healthy, 1 failed: {ill}: Deployment/{ill}: ")
    told = len(crowd.statuses(commit))
    assert crowd.reconcile() == {"in sync", "failed"}
    assert len(crowd.statuses(commit)) == told

    make_ready(bench)
    bench.kubectl("rollout", "status", f"deployment/{ill}", "-n", bench.name)
    assert "succeeded" in crowd.reconcile()
    assert crowd.statuses(commit)[-1] == ALL_WELL


def test_what_cannot_be_deployed_is_named_and_a_new_commit_mends_it(crowd: Crowd, bench: Bench) -> None:
    commit, _ = push(bench, crowd.files("1"))
    assert crowd.statuses(commit)[-1] == ALL_WELL
    broken, _ = push(bench, crowd.files("2", (3, config_map("[")), (5, config_map("not_a_name"))))
    context, state, description = crowd.statuses(broken)[-1]
    assert (context, state) == ("deployer", "failure")
    assert description == f"21 applications: 19 healthy, 2 failed: {crowd.names[3]}, {crowd.names[5]}"
    mended, _ = push(bench, crowd.files("3"))
    assert crowd.statuses(mended)[-1] == ALL_WELL
    assert crowd.values() == {"3"}


def test_a_lost_push_and_a_rollout_that_outlives_its_request_are_made_good(crowd: Crowd, bench: Bench) -> None:
    with no_deliveries(bench.world):
        commit = bench.push(crowd.files("1", (0, deployment("web", "nginx:slow"))))
    assert crowd.reconcile() == {"succeeded", "unfinished"}
    assert crowd.statuses(commit)[-1] == ("deployer", "pending", "21 applications: 20 healthy, 1 under way")
    for _ in range(30):
        if crowd.statuses(commit)[-1] == ALL_WELL:
            break
        crowd.reconcile()
    assert crowd.statuses(commit)[-1] == ALL_WELL
    assert len(crowd.statuses(commit)) <= 3


def test_a_commit_that_was_overtaken_is_not_left_pending(crowd: Crowd, bench: Bench) -> None:
    older = bench.push(crowd.files("1", (0, deployment("web", "nginx:never"))))
    assert bench.world.github.wait_for_delivery(older, timeout=60).status == 200
    assert crowd.statuses(older)[-1][1] == "pending"
    newer, _ = push(bench, crowd.files("2"))
    assert crowd.statuses(newer)[-1] == ALL_WELL
    context, state, description = crowd.statuses(older)[-1]
    assert (context, state, description) == ("deployer", "failure", f"superseded by {newer[:7]}")
