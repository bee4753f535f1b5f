"""How all applications stand, and which of them the schedule is to look at now."""

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from deployer.annotations import GENERATE_PATHS
from deployer.application import Application
from deployer.cluster.connection import Cluster
from deployer.cluster.history import Entry
from deployer.cluster.hold import Hold
from deployer.cluster.inventory import empty
from deployer.cluster.operation import Operation
from deployer.github.client import GitHub
from deployer.job import Job
from deployer.queue import jobs
from deployer.queue.survey import ROUNDS, Survey, due, moved, resolve_all, survey
from deployer.retry_policy import RetryPolicy
from deployer.settings import Settings
from deployer.sync.connections import open_github
from tests.cluster.helpers import narrow_kubeconfig
from tests.queue.helpers import cluster_at, configuration_of, configure, dead, lines
from tests.sync.standing import COMMIT, EARLIER, NOW, ago, application, entry
from tests.world import Bench, config_map

HISTORY = (
    '[{"revision": "REVISION", "when": "2026-01-01T00:00:00Z", "why": "a push", "who": "ada", "result": "succeeded",'
    ' "counts": {}, "durations": {}, "error": "", "heals": 0, "id": 1}]'
)
UNKNOWN = "how it stands is not known"
MOVED = "main has moved"
AGAIN = "its last sync failed"
FRESH = "it has just been synced"


def found(*history: Entry, commit: str = COMMIT, untouched: bool = False, **inventory: Any) -> Survey:
    """How the application `shop` stands."""
    known = replace(empty("shop", "web"), history=history, **inventory)
    return Survey({application().source.ref: commit}, {"shop": known}, frozenset(["shop"] if untouched else []))


def turn_of(shop: Application) -> int:
    """The call of the schedule in which it has its turn: one of all."""
    quiet = found(entry())
    (turn,) = [turn for turn in range(ROUNDS) if due(shop, quiet, NOW, turn)]
    assert due(shop, quiet, NOW, turn) == "the schedule"
    return turn


OPERATION = Operation(COMMIT, ago(5000), "another process", "a push")
HOLD = Hold(EARLIER, COMMIT, ago(5000), "ada", "deployer rollback")
SUPERSEDED = entry("failed", fault="overtaken")


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        (found(entry()), ""),
        (found(), MOVED),
        (found(entry(revision=EARLIER)), MOVED),
        (found(entry("unfinished", EARLIER)), MOVED),
        (found(entry(revision=EARLIER), untouched=True), ""),
        (found(entry("unfinished", EARLIER), untouched=True), "its rollout goes on"),
        (found(entry("failed", EARLIER), untouched=True), AGAIN),
        (found(entry(revision=EARLIER), hold=HOLD), ""),
        (found(entry(revision=EARLIER), hold=replace(HOLD, instead_of=EARLIER)), MOVED),
        (found(entry("unfinished")), "its rollout goes on"),
        (found(entry(), operation=OPERATION), "a sync is under way"),
        (found(entry(revision=EARLIER), operation=OPERATION), "a sync is under way"),
        (found(entry("failed", seconds=4)), FRESH),
        (found(entry("failed", seconds=5)), AGAIN),
        (found(replace(entry("failed", seconds=79), tries=5)), FRESH),
        (found(replace(entry("failed", seconds=80), tries=5)), AGAIN),
        (found(replace(entry("failed"), tries=6)), ""),
        (found(SUPERSEDED), AGAIN),
        (found(SUPERSEDED, entry("failed"), entry("failed")), AGAIN),
        (found(entry(seconds=-(10**6))), ""),
        (found(entry(seconds=1)), FRESH),
        (found(entry(seconds=-1)), FRESH),
        # Without a commit, whoever looks finds out no more.
        (found(entry("unfinished"), commit=""), ""),
        (found(entry(revision=EARLIER), operation=OPERATION, commit=""), ""),
        (Survey(), ""),
        (replace(found(), inventories={}), UNKNOWN),
    ],
)
def test_which_application_is_to_be_looked_at_now(given: Survey, reason: str) -> None:
    shop = application()
    mine = turn_of(shop)
    assert {due(shop, given, NOW, turn) for turn in range(ROUNDS) if turn != mine} == {reason}
    assert due(shop, given, NOW, mine) == (reason or "the schedule")


def test_a_manual_application_waits_for_its_turn_or_for_what_is_under_way() -> None:
    manual = application(automated=False)
    other = (turn_of(manual) + 1) % ROUNDS
    assert due(manual, found(entry(revision=EARLIER)), NOW, other) == ""
    assert due(manual, found(entry("failed")), NOW, other) == ""
    assert due(manual, found(entry("unfinished")), NOW, other) == "its rollout goes on"
    assert due(manual, found(entry("unfinished", EARLIER)), NOW, other) == "its rollout goes on"
    assert due(manual, found(operation=OPERATION), NOW, other) == "a sync is under way"


def test_what_has_one_status_with_others_need_not_be_looked_at_for_it() -> None:
    shop = application()
    other = (turn_of(shop) + 1) % ROUNDS
    assert due(shop, found(entry(seconds=1)), NOW, other, shared=True) == ""
    assert due(shop, found(entry("unfinished", seconds=1)), NOW, other, shared=True) == "its rollout goes on"


def test_how_often_a_failure_is_tried_again_is_the_applications_to_say() -> None:
    other = (turn_of(application()) + 1) % ROUNDS
    failed = found(replace(entry("failed", seconds=10**6), tries=90))
    for limit, reason in ((-1, AGAIN), (89, ""), (90, AGAIN)):
        shop = replace(application(), retry=RetryPolicy(limit=limit))
        assert due(shop, failed, NOW, other) == reason


def test_the_turns_of_many_applications_are_spread() -> None:
    quiet = [replace(application(), name=f"shop-{number}") for number in range(200)]
    stand = Survey({quiet[0].source.ref: COMMIT}, {one.name: found(entry()).inventories["shop"] for one in quiet})
    turns = [sum(bool(due(one, stand, NOW, turn)) for one in quiet) for turn in range(ROUNDS)]
    assert sum(turns) == 200, "each has its turn once"
    assert min(turns) > 20


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (found(entry()), False),
        (found(entry("failed")), False),
        (found(), True),
        (found(entry(revision=EARLIER)), True),
        (found(entry(revision=EARLIER), untouched=True), False),
        (found(entry(revision=EARLIER), hold=HOLD), False),
        (found(entry(revision=EARLIER), commit=""), False),
        (Survey(), False),
    ],
)
def test_whether_a_ref_has_moved_since_the_last_sync(given: Survey, expected: bool) -> None:
    assert moved(application(), given) is expected


@pytest.fixture
def github(settings: Settings) -> Iterator[GitHub]:
    with open_github(settings) as github:
        yield github


def sync(bench: Bench, settings: Settings, path: str, **options: Any) -> str:
    """Configure and sync an application; returns its name."""
    name = configure(bench, settings, path, **options)
    placement = configuration_of(settings).placement(name)
    assert jobs.run(Job(name, "test", "sync"), placement, settings, float("inf")).outcome == "succeeded"
    return name


def look(settings: Settings, github: GitHub) -> Survey:
    return survey(configuration_of(settings), settings, github)


def test_inventories_and_commits_are_what_the_clusters_and_github_say(
    bench: Bench, settings: Settings, github: GitHub
) -> None:
    commit = bench.push({f"{path}/x.yaml": config_map(path) for path in ("a", "b")})
    there, new = sync(bench, settings, "a"), configure(bench, settings, "b")
    elsewhere = configure(bench, settings, "c", cluster="production")
    bench.world.github.requests.clear()
    stand = look(settings, github)
    assert set(stand.inventories) == {there, new, elsewhere}
    assert [one.revision for one in stand.inventories[there].history] == [commit]
    assert stand.inventories[new] == empty(new, bench.name)
    assert set(stand.commits.values()) == {commit}
    assert stand.commit(configuration_of(settings).application(new)) == commit
    refs = [path for _, path in bench.world.github.requests if bench.repository in path]
    assert len(refs) == 1, "three applications of one ref take one request"
    assert look(settings, github).untouched == frozenset()


def test_only_those_that_are_wanted_are_asked_for(bench: Bench, settings: Settings, github: GitHub) -> None:
    bench.push({"a/x.yaml": config_map("a")})
    name = configure(bench, settings, "a")
    dead(bench, settings)
    configure(bench, settings, "b", cluster="dead", target_revision="nowhere")
    stand = survey(configuration_of(settings), settings, github, [name])
    assert (set(stand.inventories), len(stand.commits)) == ({name}, 1)


def test_a_cluster_that_is_down_and_a_ref_that_is_gone_leave_the_others(
    bench: Bench, settings: Settings, github: GitHub, log: pytest.LogCaptureFixture
) -> None:
    commit = bench.push({"a/x.yaml": config_map("a")})
    dead(bench, settings)
    down = configure(bench, settings, "down", cluster="dead")
    gone = configure(bench, settings, "gone", target_revision="nowhere")
    there = sync(bench, settings, "a")
    log.clear()
    stand, configuration = look(settings, github), configuration_of(settings)
    assert set(stand.inventories) == {there, gone}
    assert [stand.commit(configuration.application(name)) for name in (there, down, gone)] == [commit, commit, ""]
    warnings = sorted(message for message, _ in lines(log, "WARNING"))
    assert len(warnings) == 2
    assert "has no branch or tag nowhere" in warnings[0]
    assert warnings[1].startswith("cluster dead cannot be reached for ")
    assert due(configuration.application(down), stand, NOW, 0) == UNKNOWN


def test_a_repository_of_another_host_is_not_taken_for_the_one_of_that_name_here(
    bench: Bench, settings: Settings, github: GitHub
) -> None:
    bench.push({"a/x.yaml": config_map("a")})
    name = configure(bench, settings, "a", url=f"https://github.com/{bench.repository}.git")
    stand, configuration = look(settings, github), configuration_of(settings)
    assert stand.commit(configuration.application(name)) == ""
    assert resolve_all(configuration.applications, settings) == {}
    job = Job(name, "the schedule", "reconcile")
    assert jobs.run(job, configuration.placement(name), settings, float("inf")).outcome == "failed"


def test_an_account_that_may_not_look_everywhere_looks_where_its_applications_are(
    bench: Bench, settings: Settings, github: GitHub, staging: Cluster, log: pytest.LogCaptureFixture
) -> None:
    bench.push({f"{path}/x.yaml": config_map(path) for path in ("a", "b")})
    there = sync(bench, settings, "a")
    rules = [{"apiGroups": [""], "resources": ["configmaps"], "verbs": ["list"]}]
    narrow = narrow_kubeconfig(bench.world.clusters["staging"], staging, bench.name, rules)
    cluster_at(bench, settings, "staging", narrow)
    new = configure(bench, settings, "b")
    assert set(look(settings, github).inventories) == {there, new}, "what is not there is empty"
    assert lines(log, "WARNING") == []

    elsewhere = configure(bench, settings, "c")
    assert settings.config
    file = settings.config / f"{elsewhere}.yaml"
    file.write_text(file.read_text().replace(f'"namespace": "{bench.name}"', '"namespace": "somewhere-else"'))
    assert set(look(settings, github).inventories) == {there}, "what was not found may be where it may not look"
    ((warning, _),) = lines(log, "WARNING")
    assert warning.startswith("inventories in namespace somewhere-else stay unknown: ")


def test_what_a_commit_does_not_touch_is_known(bench: Bench, settings: Settings, github: GitHub) -> None:
    watching = {GENERATE_PATHS: "."}
    bench.push({f"{path}/x.yaml": config_map(path) for path in ("a", "b", "c", "d")})
    a, b = (sync(bench, settings, path, annotations=watching) for path in ("a", "b"))
    every, never = sync(bench, settings, "c"), configure(bench, settings, "d", annotations=watching)
    assert look(settings, github).untouched == frozenset(), "they are where they belong"
    commit = bench.push({"a/x.yaml": config_map("a", "2")})
    stand, configuration = look(settings, github), configuration_of(settings)
    assert stand.untouched == {b}
    assert {name for name in (a, b, every, never) if moved(configuration.application(name), stand)} == {a, every, never}

    # What failed before it had written anything is not what the application has.
    bench.push({"b/x.yaml": "no manifest: ["})
    placement = configuration.placement(b)
    assert jobs.run(Job(b, "test", "push"), placement, settings, float("inf")).outcome == "failed"
    bench.push({"README.md": "read me"})
    assert b not in look(settings, github).untouched
    bench.push({"b/x.yaml": config_map("b")})
    assert look(settings, github).untouched == {b}, "as it was"
    assert commit != bench.clone.head()


def test_a_history_that_names_no_commit_is_not_compared_with_one(
    bench: Bench, settings: Settings, github: GitHub
) -> None:
    bench.push({"a/x.yaml": config_map("a")})
    name = sync(bench, settings, "a", annotations={GENERATE_PATHS: "."})
    text = json.dumps({"data": {"history": HISTORY.replace("REVISION", "../../../../acme/other/git/trees/main")}})
    bench.kubectl("patch", "configmap", f"deployer-{name}", "-n", bench.name, "--type=merge", "-p", text)
    bench.world.github.requests.clear()
    stand = look(settings, github)
    assert stand.inventories[name].history[0].revision.startswith("../")
    assert stand.untouched == frozenset()
    assert not any("trees" in path or "other" in path for _, path in bench.world.github.requests)


def test_every_ref_is_resolved_once(bench: Bench, settings: Settings) -> None:
    commit = bench.push({"a/x.yaml": config_map("a")})
    for path in ("a", "b"):
        configure(bench, settings, path)
    configure(bench, settings, "c", target_revision="HEAD")
    configure(bench, settings, "d", target_revision="nowhere")
    configuration = configuration_of(settings)
    assert set(resolve_all(configuration.applications, settings).values()) == {commit}
    assert len(resolve_all(configuration.applications, settings)) == 2
    assert resolve_all(configuration.applications, replace(settings, github_token="")) == {}, (
        "which its jobs will tell of"
    )
