"""A CI job asks with a GitHub Deployment, in this process: what is done, and what it is told."""

import json
import time
import urllib.request
from collections.abc import Callable
from typing import Any

import pytest

from deployer.annotations import GENERATE_PATHS, REQUIRE_CHECKS, REQUIRE_VERIFIED, SKIP_RECONCILE
from deployer.job import Job
from deployer.queue import jobs
from deployer.settings import Settings
from tests.end_to_end.reconciling import make_ready
from tests.queue.helpers import configure, dead, lines, say, told
from tests.queue.running import Placed
from tests.world import Bench, config_map, deployment

NEVER = {"a/web.json": deployment("web", "nginx:never")}


class Asking(Placed):
    """An application of the folder `a`, and who asks for it."""

    def configure(self, **options: Any) -> None:
        configure(self.bench, self.settings, "a", **options)

    def make(self, commit: str, environment: str = "") -> int:
        """Make a Deployment, as a CI job does; returns its number."""
        body = {"ref": commit, "environment": environment or self.name, "auto_merge": False, "required_contexts": []}
        number: int = self._github("deployments", body)["id"]
        return number

    def states(self, number: int) -> list[tuple[str, str]]:
        """What a Deployment was told, the oldest first."""
        found = self._github(f"deployments/{number}/statuses")
        return [(one["state"], one["description"]) for one in reversed(found)]

    def run(self, number: int = 0, seconds: float = 60, **job: Any) -> str:
        """Run the job of a Deployment, or another one; returns its outcome."""
        reason = f"deployment {number} of {self.bench.repository}" if number else "a push"
        given = Job(self.name, reason, deployment=number, **job)
        return jobs.run(given, self.placement, self.settings, time.monotonic() + seconds).outcome

    def status(self, commit: str) -> tuple[str, str | None]:
        """What the commit was told last."""
        return told(self.bench, commit, f"deployer/{self.name}")[-1]

    def _github(self, path: str, body: Any = None) -> Any:
        address = f"{self.bench.world.github.api_url}/repos/{self.bench.repository}/{path}"
        token = self.bench.world.exports["DEPLOYER_LOCAL_GITHUB_TOKEN"]
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(address, data, {"Authorization": f"Bearer {token}"})
        with urllib.request.urlopen(request, timeout=20) as answer:
            return json.load(answer)


@pytest.fixture
def asking(bench: Bench, settings: Settings) -> Asking:
    asking = Asking(bench, settings)
    asking.configure()
    return asking


BEGUN = ("in_progress", "deploying to staging")


@pytest.mark.parametrize("automated", [None, False], ids=["automated", "manual"])
def test_it_is_told_how_the_sync_began_and_ended_once(bench: Bench, asking: Asking, automated: Any) -> None:
    asking.configure(automated=automated)
    commit = bench.push({"a/a.yaml": config_map("a")})
    number = asking.make(commit)
    assert asking.run(number) == "succeeded"
    assert asking.states(number) == [BEGUN, asking.status(commit)]
    assert asking.status(commit)[0] == "success"
    assert bench.live("configmap", "a")["data"] == {"key": "1"}

    bench.kubectl("delete", "configmap", "a", "-n", bench.name)
    assert asking.run(number) == "superseded", "its event may come again"
    assert len(asking.states(number)) == 2
    assert "ConfigMap/a" not in bench.versions()


def test_a_job_that_was_killed_goes_on_when_it_comes_again(bench: Bench, asking: Asking) -> None:
    commit = bench.push(NEVER)
    number = asking.make(commit)
    assert asking.run(number, seconds=0) == "unfinished", "as far as the first has come"
    make_ready(bench)
    assert asking.run(number) == "succeeded"
    assert asking.states(number) == [BEGUN, asking.status(commit)]


def spoil_manifest(asking: Asking) -> None:
    asking.bench.push({"a/a.yaml": "no manifest: ["})


def refuse_object(asking: Asking) -> None:
    asking.bench.push({"a/a.yaml": config_map("not_a_name")})


def kill_cluster(asking: Asking) -> None:
    dead(asking.bench, asking.settings)
    asking.configure(cluster="dead")


@pytest.mark.parametrize(
    ("spoil", "end"), [(spoil_manifest, "failure"), (refuse_object, "failure"), (kill_cluster, "error")]
)
def test_what_fails_is_told_in_the_words_of_the_commit(
    bench: Bench, asking: Asking, spoil: Callable[[Asking], None], end: str
) -> None:
    bench.push({"a/a.yaml": config_map("a")})
    spoil(asking)
    commit = bench.clone.head()
    number = asking.make(commit)
    assert asking.run(number) == "failed"
    states = asking.states(number)
    assert [state for state, _ in states] == ["in_progress", end]
    assert states[-1] == asking.status(commit)


def hold_back(asking: Asking) -> str:
    spec = {
        "sourceRepos": ["*"],
        "destinations": [{"server": "*", "namespace": "*"}],
        "syncWindows": [{"kind": "deny", "schedule": "* * * * *", "duration": "1h", "applications": ["*"]}],
    }
    head = {"apiVersion": "argoproj.io/v1alpha1", "kind": "AppProject", "metadata": {"name": "default"}}
    assert asking.settings.config
    (asking.settings.config / "default.yaml").write_text(json.dumps({**head, "spec": spec}))
    return f"application {asking.name} is held back with no end in sight by the deny window * * * * * (1h)"


def require(asking: Asking) -> str:
    asking.configure(annotations={REQUIRE_CHECKS: "build"})
    return "waiting for build"


def require_signed(asking: Asking) -> str:
    asking.configure(annotations={REQUIRE_VERIFIED: "true"})
    return "not deployed: not signed"


def skip(asking: Asking) -> str:
    asking.configure(annotations={SKIP_RECONCILE: "true"})
    return f"nothing is done, as {SKIP_RECONCILE} says"


@pytest.mark.parametrize(
    ("refuse", "outcome"),
    [(hold_back, "out of sync"), (require, "stays"), (require_signed, "stays"), (skip, "skipped")],
)
def test_what_is_not_done_is_said(bench: Bench, asking: Asking, refuse: Callable[[Asking], str], outcome: str) -> None:
    commit = bench.push({"a/a.yaml": config_map("a")})
    why = refuse(asking)
    number = asking.make(commit)
    assert asking.run(number) == outcome
    assert asking.states(number)[-1] == ("failure", why)
    assert bench.kubectl("get", "namespace", bench.name, "--ignore-not-found") == ""


def test_it_deploys_a_commit_that_is_green(bench: Bench, asking: Asking) -> None:
    asking.configure(annotations={REQUIRE_CHECKS: "build"})
    commit = bench.push({"a/a.yaml": config_map("a")})
    say(bench, commit, "build", "success")
    number = asking.make(commit)
    assert asking.run(number) == "succeeded"
    assert asking.states(number)[-1][0] == "success"


def test_a_commit_that_was_overtaken_is_inactive_and_nothing_is_deployed_for_it(bench: Bench, asking: Asking) -> None:
    number = asking.make(bench.push({"a/a.yaml": config_map("a", "1")}))
    newer = bench.push({"a/a.yaml": config_map("a", "2")})
    assert asking.run(number) == "superseded"
    assert asking.states(number) == [("inactive", f"superseded by {newer[:7]}")]
    assert bench.kubectl("get", "namespace", bench.name, "--ignore-not-found") == ""


def test_a_commit_that_the_ref_does_not_have_is_an_error(bench: Bench, asking: Asking) -> None:
    bench.push({"a/a.yaml": config_map("a", "1")})
    other = bench.clone.commit("another branch", {"a/a.yaml": config_map("a", "2")})
    bench.clone.push("HEAD:refs/heads/other")
    number = asking.make(other)
    assert asking.run(number) == "superseded"
    assert asking.states(number) == [("error", f"{other[:7]} is no commit of main")]
    assert bench.kubectl("get", "namespace", bench.name, "--ignore-not-found") == ""


def test_one_of_another_environment_is_left_alone(bench: Bench, asking: Asking) -> None:
    number = asking.make(bench.push({"a/a.yaml": config_map("a")}), "production")
    assert asking.run(number) == "superseded"
    assert asking.states(number) == []


def test_one_that_is_not_there_is_logged(bench: Bench, asking: Asking, log: pytest.LogCaptureFixture) -> None:
    bench.push({"a/a.yaml": config_map("a")})
    assert asking.run(10**9) == "failed"
    assert f"deployments/{10**9}" in lines(log, "ERROR")[0][0]


def test_who_asks_gets_what_is_there_changed_back(bench: Bench, asking: Asking) -> None:
    """It counts as asking by hand: a push that finds its commit there does not."""
    commit = bench.push({"a/a.yaml": config_map("a", "git")})
    assert asking.run() == "succeeded"
    bench.kubectl("patch", "configmap", "a", "-n", bench.name, "--type=merge", "-p", '{"data": {"key": "hand"}}')
    assert asking.run() == "succeeded"
    assert bench.live("configmap", "a")["data"] == {"key": "hand"}
    number = asking.make(commit)
    assert asking.run(number) == "succeeded"
    assert bench.live("configmap", "a")["data"] == {"key": "git"}
    assert "1 changed" in asking.states(number)[-1][1]


def test_who_asks_gets_a_commit_that_touches_nothing(bench: Bench, asking: Asking) -> None:
    asking.configure(annotations={GENERATE_PATHS: "."})
    bench.push({"a/a.yaml": config_map("a")})
    assert asking.run() == "succeeded"
    commit = bench.push({"README.md": "read me"})
    assert asking.run() == "stays"
    number = asking.make(commit)
    assert asking.run(number) == "succeeded"
    assert asking.states(number)[-1] == asking.status(commit)


def test_a_rollout_that_outlives_the_request_is_told_by_who_sees_it_end(bench: Bench, asking: Asking) -> None:
    commit = bench.push(NEVER)
    number = asking.make(commit)
    assert asking.run(number, seconds=1) == "unfinished"
    assert asking.run(seconds=1, action="reconcile") == "unfinished"
    assert asking.states(number) == [BEGUN]
    make_ready(bench)
    assert asking.run(action="reconcile") == "succeeded"
    assert asking.states(number) == [BEGUN, asking.status(commit)]
    assert asking.status(commit)[0] == "success"


def test_one_that_joins_the_rollout_of_a_push_is_told_its_end(bench: Bench, asking: Asking) -> None:
    asking.configure(timeout=3)
    commit = bench.push(NEVER)
    assert asking.run(seconds=0) == "unfinished"
    number = asking.make(commit)
    assert asking.run(number, seconds=0) == "unfinished"
    later = asking.make(commit)  # whose job is still in the queue
    time.sleep(3)
    assert asking.run(action="reconcile") == "failed"
    end = asking.status(commit)
    assert end[0] == "failure"
    assert (asking.states(number), asking.states(later)) == ([BEGUN, end], [end])
    assert asking.run(later) == "superseded"


def test_a_rollout_that_somebody_has_changed_meanwhile_is_an_end_too(bench: Bench, asking: Asking) -> None:
    commit = bench.push(NEVER)
    number = asking.make(commit)
    assert asking.run(number, seconds=0) == "unfinished"
    bench.kubectl("scale", "deployment", "web", "--replicas=3", "-n", bench.name)
    assert asking.run(action="reconcile") == "out of sync"
    assert asking.states(number) == [BEGUN, asking.status(commit)]
    assert asking.status(commit)[1] == "out of sync before its rollout had ended: 1 to change"


def test_a_rollout_that_a_newer_commit_ends_is_inactive(bench: Bench, asking: Asking) -> None:
    commit = bench.push(NEVER)
    number = asking.make(commit)
    assert asking.run(number, seconds=0) == "unfinished"
    newer = bench.push({"a/web.json": deployment("web")})
    assert asking.run(before=commit, after=newer) == "succeeded"
    assert asking.states(number) == [BEGUN, ("inactive", f"superseded by {newer[:7]}")]
    assert asking.status(commit) == ("failure", f"superseded by {newer[:7]}")


def test_an_ordinary_push_asks_for_no_deployment(bench: Bench, asking: Asking) -> None:
    before = "0" * 40
    for text in "12":
        commit = bench.push({"a/a.yaml": config_map("a", text)})
        bench.world.github.requests.clear()
        assert asking.run(before=before, after=commit) == "succeeded"
        assert not any("deployments" in path for _, path in bench.world.github.requests)
        before = commit


@pytest.mark.parametrize("left", [False, True])
def test_what_github_does_not_take_is_logged_and_changes_nothing(
    bench: Bench, asking: Asking, log: pytest.LogCaptureFixture, left: bool
) -> None:
    number = asking.make(bench.push(NEVER if left else {"a/a.yaml": config_map("a")}))
    if left:
        assert asking.run(number, seconds=0) == "unfinished"
        make_ready(bench)
        with bench.world.github.outage(f"{bench.repository}/deployments", 403):
            assert asking.run(action="reconcile") == "succeeded"
        said = f"the deployments of {bench.clone.head()[:7]} were not told 'success' "
    else:
        bench.world.github.fail(f"{bench.repository}/deployments/{number}/statuses", 200, method="POST", body={"id": 1})
        bench.world.github.fail(f"{bench.repository}/deployments/{number}/statuses", 422, method="POST")
        assert asking.run(number) == "succeeded"
        said = f"deployment {number} could not be told 'success' "
    assert [message for message, _ in lines(log, "WARNING") if message.startswith(said)]
