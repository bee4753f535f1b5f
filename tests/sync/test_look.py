"""How an application stands, in this process: GitHub, Secret Manager and the cluster are the world's."""

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from deployer.application import Application, parse_application
from deployer.cluster import inventory_store
from deployer.cluster.connection import Cluster
from deployer.cluster.objects import get
from deployer.configuration import Placement
from deployer.errors import ConfigurationError, DeployerError, RenderError, SecretError, SourceError
from deployer.settings import Settings
from deployer.sync.deploy import deploy
from deployer.sync.how import How
from deployer.sync.look import Seen, look
from tests.sync.deploying import STAGING
from tests.sync.helpers import ignore
from tests.sync.planning import KINDS
from tests.world import Bench, config_map


def placement(bench: Bench, target_revision: str = "main") -> Placement:
    return Placement(application(bench, target_revision), STAGING)


def application(bench: Bench, target_revision: str) -> Application:
    document = {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Application",
        "metadata": {"name": bench.name, "annotations": {"deployer/timeout": "30"}},
        "spec": {
            "source": {"repoURL": bench.clone.url, "targetRevision": target_revision, "path": "."},
            "destination": {"name": "staging", "namespace": bench.name},
            "syncPolicy": {"automated": {"prune": True}, "syncOptions": ["CreateNamespace=true"]},
        },
    }
    return parse_application(document, "test.yaml")


def actions(seen: Seen) -> dict[str, str]:
    assert seen.planned
    return {str(one.key): one.action for one in seen.planned.result.objects}


def test_what_was_never_deployed(bench: Bench, settings: Settings, staging: Cluster) -> None:
    commit = bench.push({"a.yaml": config_map("a")})
    seen = look(placement(bench), settings)
    assert (seen.revision, seen.told, seen.state, seen.last, seen.problem) == (commit, (), None, None, None)
    assert actions(seen) == {"ConfigMap/a": "created"}
    assert get(staging, KINDS["Namespace"], "", bench.name) is None, "not even its namespace is made"


def test_a_look_writes_nothing(bench: Bench, settings: Settings, staging: Cluster) -> None:
    bench.push({"a.yaml": config_map("a"), "b.yaml": config_map("b"), "gone.yaml": config_map("gone")})
    deploy(placement(bench), settings, How(why="a push"), ignore)
    bench.clone.git("rm", "-q", "gone.yaml")
    commit = bench.push({"a.yaml": config_map("a", "2"), "c.yaml": config_map("c")})
    versions = bench.versions("configmaps")
    inventory = inventory_store.read(staging, bench.name, bench.name)
    bench.world.github.requests.clear()
    seen = look(placement(bench), settings)
    assert actions(seen) == {
        "ConfigMap/a": "updated",
        "ConfigMap/b": "unchanged",
        "ConfigMap/c": "created",
        "ConfigMap/gone": "pruned",
    }
    asked = [verb for verb, path in bench.world.github.requests if bench.repository in path]
    assert set(asked) == {"GET"}
    assert bench.statuses(commit) == []
    assert bench.versions("configmaps") == versions
    assert inventory_store.read(staging, bench.name, bench.name).resource_version == inventory.resource_version
    assert bench.kubectl("get", "leases", "-n", bench.name, "-o", "name") == ""


def test_what_was_done_and_told_is_known(bench: Bench, settings: Settings) -> None:
    bench.push({"a.yaml": config_map("a", "0")})
    deploy(placement(bench), settings, How(why="an earlier push"), ignore)
    commit = bench.push({"a.yaml": config_map("a")})
    deployed = deploy(placement(bench), settings, How(why="a push", who="somebody"), ignore)
    seen = look(placement(bench), settings)
    assert [(one.state, one.description) for one in seen.told] == [
        ("success", deployed.message),
        ("pending", "deploying to staging"),
    ]
    assert seen.state == "success"
    assert seen.last
    assert (seen.last.revision, seen.last.result, seen.last.why) == (commit, "succeeded", "a push")
    assert seen.planned
    assert (seen.planned.result.health, seen.planned.result.outcome) == ("Healthy", "unfinished")


def test_what_another_application_has_told_the_commit_is_not_its_own(bench: Bench, settings: Settings) -> None:
    bench.push({"a.yaml": config_map("a")})
    deploy(placement(bench), settings, How(), ignore)
    other = replace(application(bench, "main"), name=f"{bench.name}-other")
    assert look(Placement(other, STAGING), settings).told == ()


def problem(bench: Bench, settings: Settings, where: Placement) -> DeployerError:
    """Why an application that was deployed cannot be planned any more."""
    seen = look(where, settings)
    assert (seen.revision, seen.planned) == (bench.clone.head(), None)
    assert [one.state for one in seen.told] == ["success", "pending"], "what was told is known all the same"
    assert seen.problem
    return seen.problem


@pytest.mark.parametrize("fault", ["no secret", "no path"])
def test_what_cannot_be_planned_is_a_problem_of_its_commit(bench: Bench, settings: Settings, fault: str) -> None:
    bench.push({"a.yaml": config_map("a")})
    good = placement(bench)
    deploy(good, settings, How(), ignore)
    if fault == "no secret":
        gone = f"projects/local/secrets/{bench.name}-kubeconfig"
        where = replace(good, cluster=replace(STAGING, kubeconfig_secret=gone))
        error = problem(bench, settings, where)
        assert isinstance(error, SecretError)
        assert f"secret {gone} does not exist" in str(error)
    else:
        source = replace(good.application.source, path="nowhere")
        error = problem(bench, settings, replace(good, application=replace(good.application, source=source)))
        assert isinstance(error, SourceError)
        assert "has no path 'nowhere'" in str(error)


def test_files_that_are_no_manifests_are_a_problem_of_their_commit(bench: Bench, settings: Settings) -> None:
    commit = bench.push({"a.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {}\n"})
    seen = look(placement(bench), settings)
    assert (seen.revision, seen.planned, seen.told, seen.state) == (commit, None, (), None)
    assert isinstance(seen.problem, RenderError)
    assert "a.yaml" in str(seen.problem)


def test_what_the_cluster_would_refuse_is_part_of_the_plan(bench: Bench, settings: Settings) -> None:
    bench.push({"a.yaml": config_map("a")})
    deploy(placement(bench), settings, How(), ignore)
    bench.push({"b.yaml": config_map("not_a_name"), "c.yaml": config_map("c")})
    seen = look(placement(bench), settings)
    assert actions(seen) == {"ConfigMap/a": "unchanged", "ConfigMap/not_a_name": "failed", "ConfigMap/c": "created"}
    assert seen.planned
    assert seen.planned.result.outcome == "failed"
    assert seen.planned.message.startswith("ConfigMap/not_a_name: ")


@pytest.mark.parametrize("fault", ["no ref", "another host", "no token"])
def test_without_a_commit_there_is_nothing_to_see(bench: Bench, settings: Settings, fault: str) -> None:
    bench.push({"a.yaml": config_map("a")})
    where = placement(bench, "other" if fault == "no ref" else "main")
    if fault == "another host":
        elsewhere = replace(where.application.source.repository, host="github.com")
        source = replace(where.application.source, repository=elsewhere)
        where = replace(where, application=replace(where.application, source=source))
    settings = replace(settings, github_token="") if fault == "no token" else settings
    expected = SourceError if fault == "no ref" else ConfigurationError
    with pytest.raises(expected):
        look(where, settings)


def test_the_push_that_made_somebody_look_is_waited_for(bench: Bench, settings: Settings) -> None:
    before = bench.push({"a.yaml": config_map("a")})
    bench.world.github.requests.clear()
    with ThreadPoolExecutor(1) as pool:
        looking = pool.submit(look, placement(bench), settings, How(before=before))
        deadline = time.monotonic() + 10
        while sum("/git/ref" in path for _, path in bench.world.github.requests) < 2:  # it does not believe the first
            assert time.monotonic() < deadline
            time.sleep(0.01)
        commit = bench.push({"a.yaml": config_map("a", "2")})
    assert looking.result().revision == commit


def test_what_many_have_been_told_together_says_nothing_of_one(bench: Bench, settings: Settings) -> None:
    commit = bench.push({"a.yaml": config_map("a")})
    where = placement(bench)
    deploy(where, settings, How(), ignore)
    bench.world.github.statuses.add(bench.repository, commit, {"state": "failure", "context": "deployer"})
    seen = look(replace(where, together=True), settings)
    assert (seen.revision, seen.told, seen.state) == (commit, (), None)
    assert seen.last


def test_what_a_commit_was_told_before_it_was_superseded_counts_no_more(bench: Bench, settings: Settings) -> None:
    commit = bench.push({"a.yaml": config_map("a")})
    context = f"deployer/{bench.name}"
    for state, description in (("failure", "no"), ("failure", "superseded by 1234567"), ("pending", "deploying")):
        status = {"state": state, "context": context, "description": description}
        bench.world.github.statuses.add(bench.repository, commit, status)
    assert [one.description for one in look(placement(bench), settings).told] == ["deploying"]


def test_the_commit_that_the_schedule_has_seen_need_not_be_asked_for(bench: Bench, settings: Settings) -> None:
    seen_at = bench.push({"a.yaml": config_map("a", "1")})
    bench.push({"a.yaml": config_map("a", "2")})
    bench.world.github.requests.clear()
    assert look(placement(bench), settings, at=seen_at).revision == seen_at
    assert not any("/git/ref" in path for _, path in bench.world.github.requests)
