"""A CI job asks for a deployment with a token of GitHub's, and waits for what becomes of it."""

import json
import os
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.end_to_end.ci import Ci
from tests.end_to_end.reconciling import history, no_deliveries, push_unheard
from tests.world import Bench, config_map, deployment

SCRIPT = Path(__file__).parents[2] / "examples" / "ci" / "deploy.sh"
MISSING = [program for program in ("bash", "curl", "jq") if not shutil.which(program)]

pytestmark = pytest.mark.skipif(bool(MISSING), reason=f"the script needs {', '.join(MISSING)}, which is not installed")


@pytest.fixture
def ci(bench: Bench) -> Ci:
    return Ci(bench)


def asking(bench: Bench, ci: Ci, commit: str, timeout: float = 60) -> subprocess.Popen[str]:
    """Begin to ask for a commit, as a job of CI does: all that it has is its token."""
    return subprocess.Popen(
        [SCRIPT, bench.name, commit],
        env={
            "PATH": os.environ["PATH"],
            "GITHUB_TOKEN": ci.token,
            "GITHUB_REPOSITORY": bench.repository,
            "GITHUB_API_URL": bench.world.github.api_url,
            "DEPLOY_TIMEOUT": str(timeout),
            "DEPLOY_PAUSE": "0.2",
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def ask(
    bench: Bench, ci: Ci, commit: str, meanwhile: Callable[[], object] = lambda: time.sleep(0.1)
) -> tuple[int, list[str]]:
    """Ask for a commit, and wait; returns the job's exit status, and what it said."""
    with asking(bench, ci, commit) as job:
        while job.poll() is None:
            meanwhile()
        assert job.stdout
        said = job.stdout.read().splitlines()
    return job.returncode, said


def states(bench: Bench, ci: Ci, number: int = 0) -> list[str]:
    """The states that a Deployment has had, the oldest first; of the newest one, unless its number is given."""
    number = number or ci.ask("/deployments")[0]["id"]
    return [one["state"] for one in ci.ask(f"/deployments/{number}/statuses")][::-1]


def test_a_job_has_an_application_deployed_that_waits_for_it(bench: Bench, ci: Ci) -> None:
    bench.configure(automated=False)
    commit = bench.push({"a.yaml": config_map("a")})
    assert bench.world.github.wait_for_delivery(commit).succeeded
    assert bench.versions("configmaps") == {}
    code, said = ask(bench, ci, commit)
    assert code == 0, said
    assert said[0].endswith(f"asks for {bench.name} at {commit[:7]}")
    assert said[-1].startswith("deploy: success: 1 object in staging: 1 created, healthy in ")
    assert states(bench, ci) == ["in_progress", "success"]
    assert bench.statuses(commit)[-1] == ("success", said[-1].removeprefix("deploy: success: "))
    number = ci.ask("/deployments")[0]["id"]
    assert history(bench)[0]["why"] == f"deployment {number} of {bench.repository}"


def test_a_job_is_told_how_it_went_where_the_push_was_quicker(bench: Bench, ci: Ci) -> None:
    bench.configure()
    commit = bench.push({"a.yaml": config_map("a")})
    assert bench.settled(commit)[0] == "success"
    bench.logged(commit)
    code, said = ask(bench, ci, commit)
    assert (code, states(bench, ci)) == (0, ["in_progress", "success"]), said
    assert len(history(bench)) == 1


def test_a_push_that_was_lost_is_made_good_by_the_job(bench: Bench, ci: Ci) -> None:
    bench.configure()
    commit = push_unheard(bench, {"a.yaml": config_map("a")})
    assert ask(bench, ci, commit)[0] == 0
    assert bench.statuses(commit)[-1][0] == "success"


@pytest.mark.parametrize("automated", [True, False])
def test_a_rollout_that_fails_fails_the_job_and_says_why(bench: Bench, ci: Ci, *, automated: bool) -> None:
    bench.configure(automated=automated)
    commit = push_unheard(bench, {"web.json": deployment("web", "INVALID//image")})
    code, said = ask(bench, ci, commit)
    assert code == 1
    assert said[-1].startswith("deploy: failure: Deployment/web: ")
    assert "InvalidImageName" in said[-1]
    assert bench.statuses(commit)[-1][0] == "failure"
    assert states(bench, ci) == ["in_progress", "failure"]


def test_what_cannot_be_rendered_fails_the_job_and_says_where(bench: Bench, ci: Ci) -> None:
    bench.configure()
    commit = push_unheard(bench, {"a.yaml": config_map("[")})
    code, said = ask(bench, ci, commit)
    assert code == 1
    assert "a.yaml" in said[-1]
    assert said[-1].startswith("deploy: failure: ")


def test_a_rollout_that_outlives_the_request_is_ended_by_reconcile(bench: Bench, ci: Ci) -> None:
    bench.configure(automated=False)
    commit = push_unheard(bench, {"web.json": deployment("web", "nginx:slow")})  # 20 s, and a request has 8

    def reconcile() -> None:
        time.sleep(1)
        bench.reconcile()

    code, said = ask(bench, ci, commit, reconcile)
    assert code == 0, said
    assert said[-1].startswith("deploy: success: 1 object in staging: ")
    assert states(bench, ci) == ["in_progress", "success"]
    assert bench.statuses(commit)[-1][0] == "success"


@pytest.mark.parametrize("automated", [True, False])
def test_a_rollout_that_outlives_the_request_and_fails_is_ended_by_reconcile(
    bench: Bench, ci: Ci, *, automated: bool
) -> None:
    bench.configure(timeout=12, automated=automated)
    commit = push_unheard(bench, {"web.json": deployment("web", "nginx:never")})
    code, said = ask(bench, ci, commit, bench.reconcile)
    assert code == 1, said
    assert "not healthy after 12 s" in said[-1]
    assert states(bench, ci) == ["in_progress", "failure"]


def test_a_commit_that_the_branch_has_left_behind_is_superseded(bench: Bench, ci: Ci) -> None:
    bench.configure()
    older = bench.push({"a.yaml": config_map("a", "1")})
    assert bench.settled(older)[0] == "success"
    newer = bench.push({"a.yaml": config_map("a", "2")})
    assert bench.settled(newer)[0] == "success"
    before = bench.versions()
    code, said = ask(bench, ci, older)
    assert (code, said[-1]) == (0, f"deploy: inactive: superseded by {newer[:7]}")
    assert bench.versions() == before


def test_the_job_of_an_older_commit_deploys_neither_it_nor_the_newer_one(bench: Bench, ci: Ci) -> None:
    bench.configure(automated=False)
    older = bench.push({"a.yaml": config_map("a", "1")})
    newer = bench.push({"a.yaml": config_map("a", "2")})
    code, said = ask(bench, ci, older)
    assert (code, said[-1]) == (0, f"deploy: inactive: superseded by {newer[:7]}")
    assert bench.versions("configmaps") == {}


def test_a_job_whose_rollout_is_overtaken_is_told_so(bench: Bench, ci: Ci) -> None:
    bench.configure()
    older = push_unheard(bench, {"web.json": deployment("web", "nginx:never")})
    with asking(bench, ci, older) as job:
        deadline = time.monotonic() + 30
        while "waiting" not in str(bench.statuses(older)) and "rolling out" not in str(bench.statuses(older)):
            assert time.monotonic() < deadline
            time.sleep(0.1)
        newer = bench.push({"web.json": deployment("web", "nginx:1.29.3")})
        assert bench.settled(newer, meanwhile=bench.reconcile)[0] == "success"
        assert job.wait(30) == 0
        assert job.stdout
        assert job.stdout.read().splitlines()[-1] == f"deploy: inactive: superseded by {newer[:7]}"
    assert bench.settled(older) == ("failure", f"superseded by {newer[:7]}")


def test_a_commit_of_another_branch_or_of_a_fork_is_refused(bench: Bench, ci: Ci) -> None:
    bench.configure()
    live = bench.push({"a.yaml": config_map("a", "1")})
    assert bench.settled(live)[0] == "success"
    bench.clone.git("checkout", "-q", "-b", "feature")
    other = bench.clone.commit("on another branch", {"a.yaml": config_map("a", "bad")})
    bench.clone.push("feature")
    before = bench.versions()
    code, said = ask(bench, ci, other)
    assert (code, said[-1]) == (1, f"deploy: error: {other[:7]} is no commit of main")

    bench.world.github.fork(bench.repository, "mallory")
    url = bench.clone.url
    bench.clone.git("remote", "set-url", "origin", url.replace("/acme/", "/mallory/"))
    forked = bench.clone.commit("in a fork", {"a.yaml": config_map("a", "worse")})
    bench.clone.push("feature")
    code, said = ask(bench, ci, forked)
    assert (code, said[-1]) == (1, f"deploy: error: {forked[:7]} is no commit of main")
    assert bench.versions() == before
    assert bench.statuses(other) == []


def test_a_deployment_that_is_delivered_again_does_nothing(bench: Bench, ci: Ci) -> None:
    bench.configure(automated=False)
    commit = bench.push({"a.yaml": config_map("a", "1")})
    assert ask(bench, ci, commit)[0] == 0
    (delivery,) = bench.deliveries("deployment")
    number = ci.ask("/deployments")[0]["id"]
    bench.kubectl("patch", "configmap", "a", "-n", bench.name, "--type=merge", "-p", '{"data": {"key": "hand"}}')
    for _ in range(2):
        status, answer = bench.send(delivery.payload, "deployment")
        assert (status, answer["applications"][0]["outcome"]) == (200, "superseded")
        bench.push({"a.yaml": config_map("a", "2")})
    assert bench.live("configmap", "a")["data"] == {"key": "hand"}
    assert states(bench, ci, number) == ["in_progress", "success"]
    assert len(history(bench)) == 1


def test_a_lost_event_leaves_the_job_waiting_and_the_next_one_goes_well(bench: Bench, ci: Ci) -> None:
    bench.configure(automated=False)
    commit = bench.push({"a.yaml": config_map("a")})
    with no_deliveries(bench.world), asking(bench, ci, commit, timeout=2) as job:
        assert job.wait(30) == 3
        assert job.stdout
        assert "nobody has taken up Deployment" in job.stdout.read()
    assert ask(bench, ci, commit)[0] == 0


def test_a_job_may_not_pass_by_required_checks(bench: Bench, ci: Ci) -> None:
    bench.configure(automated=False, require_checks="build")
    commit = bench.push({"a.yaml": config_map("a")})
    code, said = ask(bench, ci, commit)
    assert (code, "waiting for build" in said[-1]) == (1, True), said
    assert bench.versions("configmaps") == {}
    ci.check(commit)
    assert ask(bench, ci, commit)[0] == 0


def test_an_environment_that_is_no_application_starts_nothing(bench: Bench, ci: Ci) -> None:
    bench.configure(automated=False)
    commit = bench.push({"a.yaml": config_map("a")})
    with bench.delivered("deployment") as deliveries:
        ci.ask("/deployments", {"ref": commit, "environment": "production", "required_contexts": []})
    assert f"names no application of it; there are {bench.name}" in json.loads(deliveries[0].body)["ignored"]
    assert states(bench, ci) == []
