"""One job, in this process: GitHub, Secret Manager and the cluster are the world's."""

import gc
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest
import yaml

from deployer.application import Application
from deployer.cluster import inventory_store
from deployer.cluster.connection import Cluster
from deployer.cluster_document import ClusterDocument
from deployer.configuration import Placement
from deployer.errors import (
    ClusterError,
    ConfigurationError,
    DeployerError,
    RenderError,
    SecretError,
    SourceError,
)
from deployer.settings import Settings
from deployer.sync.deploy import deploy
from deployer.sync.how import How
from deployer.sync.result import Step
from tests.sync.deploying import STAGING, application, asked
from tests.sync.helpers import ignore
from tests.world import Bench, config_map, deployment


@pytest.fixture
def secret(bench: Bench) -> str:
    """The name of a secret for one test."""
    return f"projects/local/secrets/{bench.name}-kubeconfig"


def test_the_commit_learns_what_became_of_it(bench: Bench, settings: Settings) -> None:
    commit = bench.push({"a.yaml": config_map("a"), "web.yaml": deployment("web")})
    steps: list[str] = []
    deployed = deploy(Placement(application(bench), STAGING), settings, How(), lambda step: steps.append(step.message))
    assert bench.statuses(commit) == [("pending", "deploying to staging"), ("success", deployed.message)]
    assert deployed.message == f"2 objects in staging: 2 created, healthy in {deployed.seconds:.1f} s"
    assert (deployed.application, deployed.cluster, deployed.revision) == (bench.name, "staging", commit)
    assert deployed.result.outcome == "succeeded"
    assert steps[0] == f"reading {bench.repository} at {commit[:7]}"
    before = {"resolve", "fetch", "render", "connect"}
    durations = dict(deployed.result.durations)
    assert set(durations) == before | {"discovery", "live", "plan", "dry-run", "apply", "definitions", "wait"}
    beside = ("connect", "discovery", "live")  # which happen while GitHub is asked
    one_after_the_other = sum(seconds for step, seconds in durations.items() if step not in beside)
    assert one_after_the_other <= deployed.seconds
    assert bench.live("configmap", "a")["data"] == {"key": "1"}


def test_no_round_trip_more_than_needed(bench: Bench, settings: Settings) -> None:
    bench.push({"a.yaml": config_map("a"), "b.yaml": config_map("b"), "README.md": "read me"})
    bench.world.github.requests.clear()
    deployed = deploy(Placement(application(bench), STAGING), settings, How(), ignore)
    # The ref, the tree, all manifests; two statuses, of which the last is sent when all is counted.
    told = asked(bench)
    assert sorted(told) == ["GET ref", "GET trees", "POST graphql", "POST statuses", "POST statuses"]
    # Discovery is two; inventory, list and namespace are one each; that and each object are tried and applied.
    # The Lease is taken and given back; the inventory is read again, widened and closed, and health recorded.
    assert deployed.requests == {"github": 4, "cluster": 2 + 2 + 1 + 3 * 2 + 2 + 4}

    bench.push({"b.yaml": config_map("b", "2")})
    bench.world.github.requests.clear()
    deployed = deploy(Placement(application(bench), STAGING), settings, How(), ignore)
    # What was read once is not read again; and the ref is looked at once more before another commit is overwritten.
    assert sorted(asked(bench)) == ["GET blobs", "GET ref", "GET ref", "GET trees", "POST statuses", "POST statuses"]
    assert deployed.requests == {"github": 5, "cluster": 2 + 2 + 1 + 1 + 2 + 4}, (
        "what is as it should be is neither tried nor applied"
    )


def test_the_commit_learns_what_holds_it_up_and_that_it_failed(bench: Bench, settings: Settings) -> None:
    commit = bench.push({"web.yaml": deployment("web", "nginx:does-not-exist")})
    deployed = deploy(Placement(application(bench, timeout=2.5), STAGING), settings, How(), ignore)
    assert deployed.result.outcome == "failed"
    states = bench.statuses(commit)
    assert states[0] == ("pending", "deploying to staging")
    assert states[1][0] == "pending"
    assert states[1][1].startswith("Deployment/web: ")
    assert states[-1][0] == "failure"
    assert states[-1][1].startswith("1 of 1 objects not healthy after 2.5 s: Deployment/web: ")


def test_what_the_cluster_refuses_is_a_failure(bench: Bench, settings: Settings) -> None:
    commit = bench.push({"a.yaml": config_map("not_a_name")})
    assert deploy(Placement(application(bench), STAGING), settings, How(), ignore).result.outcome == "failed"
    state, description = bench.statuses(commit)[-1]
    assert state == "failure"
    assert description.startswith("ConfigMap/not_a_name: ")


def failed(
    bench: Bench,
    settings: Settings,
    error: type[DeployerError],
    given: Application,
    destination: ClusterDocument = STAGING,
) -> tuple[str, str]:
    """A deployment that comes to nothing; returns the last status of the bench's commit."""
    with pytest.raises(error) as caught:
        deploy(Placement(given, destination), settings, How(), ignore)
    state, description = bench.statuses(bench.clone.head())[-1]
    assert description.removesuffix("…") in str(caught.value)
    return state, description


def test_files_that_are_no_manifests_are_a_failure(bench: Bench, settings: Settings) -> None:
    bench.push({"a.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {}\n"})
    state, description = failed(bench, settings, RenderError, application(bench))
    assert state == "failure"
    assert "a.yaml" in description


def test_a_source_without_manifests_is_a_failure(bench: Bench, settings: Settings) -> None:
    commit = bench.push({"README.md": "read me", "below/a.yaml": config_map("a")})
    where = f"{bench.repository} at {commit[:7]}"
    said = f"there are no manifests at . in {where}: check `path`, and `directory.recurse` for folders below"
    assert failed(bench, settings, RenderError, application(bench)) == ("failure", said)


def test_a_path_that_github_does_not_have_is_an_error(bench: Bench, settings: Settings) -> None:
    bench.push({"a.yaml": config_map("a")})
    assert failed(bench, settings, SourceError, application(bench, path="k8s"))[0] == "error"


def test_a_secret_that_is_not_there_is_an_error(bench: Bench, settings: Settings, secret: str) -> None:
    bench.push({"a.yaml": config_map("a")})
    gone = replace(STAGING, kubeconfig_secret=secret)
    state, description = failed(bench, settings, SecretError, application(bench), gone)
    assert state == "error"
    assert f"secret {secret} does not exist" in description


@pytest.mark.parametrize("server", ["https://127.0.0.1:1", "http://127.0.0.1:1"])
def test_a_cluster_that_cannot_be_reached_is_an_error(
    bench: Bench, settings: Settings, secret: str, server: str
) -> None:
    bench.push({"a.yaml": config_map("a")})
    config = yaml.safe_load(bench.world.clusters["staging"].deployer_kubeconfig)
    config["clusters"][0]["cluster"]["server"] = server
    bench.world.secret_manager.put(secret, yaml.safe_dump(config).encode())
    away = replace(STAGING, kubeconfig_secret=secret)
    assert failed(bench, settings, ClusterError, application(bench), away)[0] == "error"


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
@pytest.mark.parametrize("at", ["reading", "waiting"])
def test_no_commit_stays_pending_when_the_unforeseen_happens(
    bench: Bench, settings: Settings, error: type[BaseException], at: str
) -> None:
    def progress(step: Step) -> None:
        if step.message.startswith(at):
            raise error("s3cret detail")

    commit = bench.push({"web.yaml": deployment("web", "nginx:never")})
    turn = threading.Lock()
    with pytest.raises(error):
        deploy(Placement(application(bench), STAGING), settings, How(), progress, turn)
    said = "the deployer was stopped, or failed in a way it should not; its log says more"
    assert bench.statuses(commit)[-1] == ("error", said)
    assert not turn.locked()


def test_a_repository_of_another_host_is_not_asked_for(bench: Bench, settings: Settings) -> None:
    bench.push({"a.yaml": config_map("a")})
    bench.world.github.requests.clear()
    elsewhere = application(bench, url=f"https://github.com/{bench.repository}.git")
    with pytest.raises(ConfigurationError) as caught:
        deploy(Placement(elsewhere, STAGING), settings, How(), ignore)
    host = bench.world.github.git_url.removeprefix("http://")
    said = f"test.yaml: spec.source.repoURL is at github.com, but this deployer reads {host}"
    assert str(caught.value).startswith(said)
    assert asked(bench) == [], "the token is for another host"


def test_without_a_token_nothing_is_asked_for(bench: Bench, settings: Settings) -> None:
    bench.push({"a.yaml": config_map("a")})
    bench.world.github.requests.clear()
    with pytest.raises(ConfigurationError, match="DEPLOYER_GITHUB_TOKEN is not set"):
        deploy(Placement(application(bench), STAGING), replace(settings, github_token=""), How(), ignore)
    assert asked(bench) == []


def test_a_ref_that_is_not_there_has_no_commit_to_tell(bench: Bench, settings: Settings) -> None:
    commit = bench.push({"a.yaml": config_map("a")})
    turn = threading.Lock()
    with pytest.raises(SourceError, match="has no branch or tag other"):
        deploy(Placement(application(bench, targetRevision="other"), STAGING), settings, How(), ignore, turn)
    assert bench.statuses(commit) == []
    assert not turn.locked()


def test_a_dry_run_tells_nobody_and_changes_nothing(bench: Bench, settings: Settings) -> None:
    commit = bench.push({"a.yaml": config_map("a")})
    deployed = deploy(Placement(application(bench), STAGING), settings, How(dry_run=True), ignore)
    assert [one.action for one in deployed.result.objects] == ["created"]
    assert deployed.result.outcome == "unfinished"
    assert deployed.revision == commit
    assert bench.statuses(commit) == []
    assert bench.versions("configmaps") == {}


def test_the_time_to_wait_may_be_another(bench: Bench, settings: Settings) -> None:
    commit = bench.push({"web.yaml": deployment("web", "nginx:never")})
    deployed = deploy(Placement(application(bench), STAGING), settings, How(before="0" * 40, timeout=0), ignore)
    assert deployed.result.outcome == "unfinished"
    # Nobody comes back to a pending status; the words say that nobody waited.
    assert bench.statuses(commit)[-1] == ("success", "1 object in staging: 1 created, health not waited for")


def test_an_empty_source_is_deployed_where_that_is_allowed(bench: Bench, settings: Settings) -> None:
    bench.push({"a.yaml": config_map("a")})
    given = replace(application(bench), prune=True)
    deploy(Placement(given, STAGING), settings, How(), ignore)
    bench.clone.git("rm", "-q", "a.yaml")
    bench.push({"README.md": "empty"})
    failed(bench, settings, RenderError, given)
    assert bench.live("configmap", "a")["data"] == {"key": "1"}
    deployed = deploy(Placement(replace(given, allow_empty=True), STAGING), settings, How(), ignore)
    assert [(str(one.key), one.action) for one in deployed.result.objects] == [("ConfigMap/a", "pruned")]


def test_what_left_git_stays_where_the_application_says_so(bench: Bench, settings: Settings) -> None:
    bench.push({"a.yaml": config_map("a"), "b.yaml": config_map("b")})
    given = replace(application(bench), prune=True, prune_option="false")
    deploy(Placement(given, STAGING), settings, How(), ignore)
    bench.clone.git("rm", "-q", "b.yaml")
    bench.push({"README.md": "without b"})
    kept = deploy(Placement(given, STAGING), settings, How(), ignore).result.objects[-1]
    assert (str(kept.key), kept.action) == ("ConfigMap/b", "skipped")
    assert kept.message == "left Git; not pruned: the application says Prune=false"


def test_the_last_sync_is_known_however_short_the_history_is(
    bench: Bench, settings: Settings, staging: Cluster
) -> None:
    bench.push({"a.yaml": config_map("a")})
    short = replace(application(bench), revision_history_limit=0)
    deploy(Placement(short, STAGING), settings, How(), ignore)
    assert len(inventory_store.read(staging, bench.name, bench.name).history) == 1, (
        "or a reconcile would deploy it again"
    )


def test_what_was_found_out_of_another_commit_does_not_count(
    bench: Bench, settings: Settings, staging: Cluster
) -> None:
    """A fix that is pushed between the look at a commit and the job has all its time, and is told."""
    commit = bench.push({"a.yaml": config_map("a")})
    stale = How(revision="1" * 40, why="its rollout goes on", told="pending", waited=3600, heals=7)
    deployed = deploy(Placement(application(bench), STAGING), settings, stale, ignore)
    assert deployed.result.outcome == "succeeded"
    assert [state for state, _ in bench.statuses(commit)] == ["pending", "success"]
    last = inventory_store.read(staging, bench.name, bench.name).history[0]
    assert (last.why, last.heals) == ("the ref has moved", 0)


def test_a_lost_inventory_is_made_anew_by_a_sync_that_changes_nothing(
    bench: Bench, settings: Settings, staging: Cluster
) -> None:
    commit = bench.push({"a.yaml": config_map("a")})
    deploy(Placement(application(bench), STAGING), settings, How(), ignore)
    staging.request("DELETE", f"/api/v1/namespaces/{bench.name}/configmaps/deployer-{bench.name}")
    again = deploy(Placement(application(bench), STAGING), settings, How(), ignore)
    assert {one.action for one in again.result.objects} == {"unchanged"}
    assert [one.revision for one in inventory_store.read(staging, bench.name, bench.name).history] == [commit]


def test_no_connection_to_the_cluster_stays_open_where_the_files_are_no_good(bench: Bench, settings: Settings) -> None:
    bench.push({"a.yaml": "not: [valid\napiVersion: kind: metadata:"})
    here = Path("/proc/self/fd")
    opened = []
    for _ in range(4):
        with pytest.raises(RenderError):
            deploy(Placement(application(bench), STAGING), settings, How(dry_run=True), ignore)
        opened.append(len(list(here.iterdir())))
    assert opened[-1] <= opened[0]


def test_a_return_by_itself_tells_all_who_waited(bench: Bench, settings: Settings) -> None:
    given = replace(application(bench, timeout=2), rollback=True)
    placement = Placement(given, STAGING)
    good = bench.push({"web.yaml": deployment("web")})
    assert deploy(placement, settings, How(), ignore).result.outcome == "succeeded"
    left = bench.push({"web.yaml": deployment("web", "nginx:slow")})
    assert deploy(placement, settings, How(until=time.monotonic()), ignore).result.outcome == "unfinished"
    assert bench.statuses(left)[-1][0] == "pending"
    bad = bench.push({"web.yaml": deployment("web", "INVALID//image")})
    deployed = deploy(placement, settings, How(), ignore)
    assert (deployed.result.outcome, deployed.revision, deployed.state) == ("failed", good, "failure")
    assert deployed.before
    assert [one.revision for one in deployed.before.history] == [left, good], "as it was before all of that"
    state, description = bench.statuses(bad)[-1]
    assert state == "failure"
    assert description.startswith(f"rolled back to {good[:7]}: its rollout failed: ")
    assert bench.statuses(left)[-1] == ("failure", f"superseded by {bad[:7]}")
    assert bench.statuses(good)[-1][0] == "success"


def test_a_return_by_itself_that_leads_nowhere_says_so(bench: Bench, settings: Settings) -> None:
    given = replace(application(bench, timeout=2), rollback=True)
    gone = bench.push({"web.yaml": deployment("web")})
    assert deploy(Placement(given, STAGING), settings, How(), ignore).result.outcome == "succeeded"
    bench.clone.git("checkout", "-q", "--orphan", "another")
    bad = bench.clone.commit("begin anew", {"web.yaml": deployment("web", "INVALID//image")})
    bench.clone.push("--force", "HEAD:main")
    deployed = deploy(Placement(given, STAGING), settings, How(), ignore)
    assert (deployed.result.outcome, deployed.revision) == ("failed", bad)
    assert f"; not rolled back: {bench.name} cannot be held at {gone[:7]}: " in deployed.message


def test_the_connection_is_closed_whatever_goes_wrong(
    bench: Bench, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A socket that nobody closes is a warning, and so an error, once it is collected."""
    monkeypatch.setattr("deployer.retry._FIRST", 0.01)  # a number, no behaviour
    bench.push({"web.yaml": deployment("web", "nginx:never")})
    placement = Placement(application(bench), STAGING)

    def stop(step: Step) -> None:
        if step.message.startswith("waiting ["):
            raise KeyboardInterrupt

    before = len(threads())
    cases: tuple[tuple[type[BaseException], Callable[[], object]], ...] = (
        (SourceError, lambda: deploy(placement_of(bench, "nowhere"), settings, How(), ignore)),
        (KeyboardInterrupt, lambda: deploy(placement, settings, How(), stop)),
        (AttributeError, lambda: deploy(placement, replace(settings, limits=cast(Any, None)), How(), ignore)),
    )
    for error, act in cases:
        with pytest.raises(error):
            act()
        gc.collect()
        assert threads_end(before)
    with bench.world.github.down(), pytest.raises(SourceError):
        deploy(placement, settings, How(), ignore)
    gc.collect()
    assert threads_end(before)


def threads() -> list[threading.Thread]:
    """Those of this process without the world's, which has pools that grow."""
    return [one for one in threading.enumerate() if not one.name.startswith(("secret-manager_", "webhook_"))]


def threads_end(before: int) -> bool:
    """Whether soon there are no more threads than before: the local GitHub has one for each connection, too."""
    deadline = time.monotonic() + 5
    while len(threads()) > before and time.monotonic() < deadline:
        time.sleep(0.01)
    return len(threads()) <= before


def placement_of(bench: Bench, target_revision: str) -> Placement:
    return Placement(application(bench, targetRevision=target_revision), STAGING)
