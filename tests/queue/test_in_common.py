"""One status for many applications of a ref."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from deployer.annotations import REQUIRE_CHECKS, REQUIRE_VERIFIED
from deployer.application import Application, parse_application
from deployer.cluster.history import Entry
from deployer.cluster.hold import Hold
from deployer.cluster.inventory import Inventory, empty
from deployer.cluster.operation import Operation
from deployer.configuration import TOGETHER, Configuration
from deployer.github.statuses import State
from deployer.ours import OURS
from deployer.queue import inline
from deployer.queue.in_common import standing, tell_left_behind, tell_together
from deployer.queue.survey import Survey
from deployer.repository import parse_repository
from deployer.settings import Settings
from deployer.sync.gate import OPEN, Gate
from deployer.webhook import Event
from local.github import GitHub as LocalGitHub
from tests.local.github.helpers import SECRET, TOKEN, Clone
from tests.queue.helpers import configure, lines, told
from tests.sync.standing import COMMIT, EARLIER, ago, entry
from tests.world import Bench, config_map

MANY = TOGETHER + 1


def application(
    name: str, url: str = "https://github.com/acme/web.git", checks: str = "", verified: str = ""
) -> Application:
    return parse_application(
        {
            "apiVersion": "argoproj.io/v1alpha1",
            "kind": "Application",
            "metadata": {"name": name, "annotations": {REQUIRE_CHECKS: checks, REQUIRE_VERIFIED: verified}},
            "spec": {
                "source": {"repoURL": url, "targetRevision": "main", "path": name},
                "destination": {"name": "staging", "namespace": "web"},
                "syncPolicy": {"automated": {}},
            },
        },
        "test.yaml",
    )


SHOP = application("shop")
OPERATION = Operation(COMMIT, ago(5), "another process", "a push")
HOLD = Hold(EARLIER, COMMIT, ago(5), "ada", "deployer rollback")
FAILED = replace(entry("failed"), error="a: no")
RED, YELLOW = Gate("failed", "not deployed: build failed"), Gate("waiting", "waiting for build")


def stand(*history: Entry, untouched: bool = False, **inventory: Any) -> Survey:
    known = replace(empty("shop", "web"), history=history, **inventory)
    return Survey({SHOP.source.ref: COMMIT}, {"shop": known}, frozenset(["shop"] if untouched else []))


@pytest.mark.parametrize(
    ("given", "gate", "expected"),
    [
        (stand(entry()), OPEN, ("success", "")),
        (stand(FAILED), OPEN, ("failure", "a: no")),
        (stand(entry("unfinished")), OPEN, ("pending", "")),
        (stand(entry(revision=EARLIER)), OPEN, ("pending", "")),
        (stand(), OPEN, ("pending", "")),
        (stand(entry(), operation=OPERATION), OPEN, ("pending", "")),
        (stand(entry("failed", fault="overtaken")), OPEN, ("pending", "")),
        (stand(entry(revision=EARLIER), untouched=True), OPEN, ("success", "")),
        (stand(replace(FAILED, revision=EARLIER), untouched=True), OPEN, ("failure", "a: no")),
        (stand(entry("unfinished", EARLIER), untouched=True), OPEN, ("pending", "")),
        (stand(entry(revision=EARLIER)), YELLOW, ("pending", "waiting for build")),
        (stand(entry(revision=EARLIER)), RED, ("failure", "not deployed: build failed")),
        (stand(entry()), RED, ("failure", "not deployed: build failed")),
        (stand(entry(revision=EARLIER), untouched=True), YELLOW, ("pending", "waiting for build")),
        (
            stand(entry(), hold=HOLD),
            OPEN,
            ("failure", "held at 0000000 by ada at 2026-01-02 11:59 UTC (deployer rollback)"),
        ),
        (stand(entry(), hold=replace(HOLD, instead_of=EARLIER)), OPEN, ("success", "")),
        (Survey(), OPEN, ("error", "its cluster cannot be asked")),
    ],
)
def test_how_an_application_stands_with_a_commit(given: Survey, gate: Gate, expected: tuple[State, str]) -> None:
    found = standing(SHOP, COMMIT, given, gate)
    assert (found.application, found.state, found.description) == ("shop", *expected)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[LocalGitHub]:
    with LocalGitHub(tmp_path / "github", token=TOKEN, webhook_url=None, webhook_secret=SECRET) as server:
        yield server


@pytest.fixture
def clone(server: LocalGitHub, tmp_path: Path) -> Clone:
    return Clone(tmp_path / "clone", f"{server.git_url}/acme/web.git")


def push(clone: Clone, text: str) -> str:
    commit = clone.commit(text, {"a": text})
    clone.push("--force", "main")
    return commit


@pytest.fixture
def github_settings(server: LocalGitHub) -> Settings:
    return Settings(github_api_url=server.api_url, github_token=TOKEN)


def configuration(server: LocalGitHub, count: int = MANY, checks: str = "") -> Configuration:
    url = f"{server.git_url}/acme/web.git"
    return Configuration(tuple(application(f"shop-{number:02}", url, checks) for number in range(count)))


def stands(of: Configuration, commit: str, *history: Entry, **others: Entry) -> Survey:
    """All with one history, but for some: `shop_01=entry(…)`."""
    inventories: dict[str, Inventory] = {}
    for one in of.applications:
        mine = others.get(one.name.replace("-", "_"))
        inventories[one.name] = replace(empty(one.name, "web"), history=(mine,) if mine else history)
    return Survey({of.applications[0].source.ref: commit}, inventories)


def said(server: LocalGitHub, commit: str) -> list[tuple[str, str | None]]:
    return [(one.state, one.description) for one in server.statuses.of("acme/web", commit) if one.context == OURS]


def tell(server: LocalGitHub, commit: str, state: str = "pending", description: str = "21 applications") -> None:
    server.statuses.add("acme/web", commit, {"state": state, "context": OURS, "description": description})


def event(server: LocalGitHub, before: str, after: str, ref: str = "refs/heads/main", kind: str = "push") -> Event:
    repository = parse_repository(f"{server.git_url}/acme/web.git")
    return Event(kind, repository, ref, before, after, "main", None, "the-delivery")


def test_a_commit_learns_how_all_stand_and_only_what_is_new(
    server: LocalGitHub, clone: Clone, github_settings: Settings
) -> None:
    commit, all_of_them = push(clone, "1"), configuration(server)
    names = ["shop-00"]
    for _ in range(2):
        tell_together(all_of_them, github_settings, names, stands(all_of_them, commit))
        assert said(server, commit) == [("pending", "21 applications: all under way")]
    failed = replace(entry("failed", commit), error="a: no")
    some = stands(all_of_them, commit, entry(revision=commit), shop_07=failed)
    tell_together(all_of_them, github_settings, names, some)
    assert said(server, commit)[1:] == [("failure", "21 applications: 20 healthy, 1 failed: shop-07: a: no")]


def test_few_applications_have_a_status_each(server: LocalGitHub, clone: Clone, github_settings: Settings) -> None:
    before, commit = push(clone, "1"), push(clone, "2")
    few = configuration(server, TOGETHER)
    tell(server, before)
    server.requests.clear()
    tell_together(few, github_settings, ["shop-00"], stands(few, commit))
    tell_left_behind(event(server, before, commit), few, github_settings, ["shop-00"])
    many = configuration(server)
    tell_together(many, github_settings, ["another"], stands(many, commit))
    tell_left_behind(event(server, before, commit), many, github_settings, ["another"])
    assert server.requests == []


def test_where_the_commit_is_not_known_nobody_is_told(
    server: LocalGitHub, clone: Clone, github_settings: Settings
) -> None:
    push(clone, "1")
    many = configuration(server)
    server.requests.clear()
    tell_together(many, github_settings, ["shop-00"], Survey())
    assert server.requests == []


def test_what_cannot_be_told_is_logged_and_told_the_next_time(
    server: LocalGitHub, clone: Clone, github_settings: Settings, log: pytest.LogCaptureFixture
) -> None:
    before, commit, many = push(clone, "1"), push(clone, "2"), configuration(server)
    tell(server, before)
    with server.outage(status=403):
        tell_together(many, github_settings, ["shop-00"], stands(many, commit, entry(revision=commit)))
        tell_left_behind(event(server, before, commit), many, github_settings, ["shop-00"])
    first, second = (message for message, _ in lines(log, "WARNING"))
    assert first.startswith("a commit was not told how its applications stand together: ")
    assert second.startswith("whether a commit before was told an end is not known: ")
    tell_together(many, github_settings, ["shop-00"], stands(many, commit, entry(revision=commit)))
    assert said(server, commit) == [("success", "21 applications: all healthy")]


def test_required_checks_hold_for_all_and_are_asked_for_once(
    server: LocalGitHub, clone: Clone, github_settings: Settings
) -> None:
    commit, many = push(clone, "1"), configuration(server, checks="build")
    server.statuses.add("acme/web", commit, {"state": "failure", "context": "build"})
    server.requests.clear()
    tell_together(many, github_settings, ["shop-00"], stands(many, commit, shop_01=entry(revision=commit)))
    ((state, description),) = said(server, commit)
    assert state == "failure"
    assert description
    assert description.startswith("21 applications: 1 healthy, 20 failed: shop-00, shop-02, ")
    assert sum("check-runs" in path for _, path in server.requests) == 1
    server.requests.clear()
    tell_together(many, github_settings, ["shop-00"], stands(many, commit, entry(revision=commit)))
    assert not any("check-runs" in path for _, path in server.requests), "who is there waits for none"


def test_of_those_that_a_commit_must_be_signed_for_each_is_told_and_it_is_asked_for_once(
    server: LocalGitHub, clone: Clone, github_settings: Settings
) -> None:
    commit, url = push(clone, "1"), f"{server.git_url}/acme/web.git"
    several = [application(f"shop-{number:02}", url, verified=str(number % 2 == 0).lower()) for number in range(MANY)]
    many = Configuration(tuple(several))
    server.requests.clear()
    tell_together(many, github_settings, ["shop-00"], stands(many, commit))
    ((state, description),) = said(server, commit)
    assert state == "pending"
    assert (description or "").startswith("21 applications: 10 under way, 11 failed: shop-00, shop-02, shop-04, ")
    assert [path for _, path in server.requests if "/git/commits/" in path] == [f"/repos/acme/web/git/commits/{commit}"]


def test_a_commit_that_is_not_signed_is_told_so_where_it_was_deployed_before_it_had_to_be(
    server: LocalGitHub, clone: Clone, github_settings: Settings
) -> None:
    commit, url = push(clone, "1"), f"{server.git_url}/acme/web.git"
    several = [application(f"shop-{number:02}", url, verified=str(number == 7).lower()) for number in range(MANY)]
    many = Configuration(tuple(several))
    tell_together(many, github_settings, ["shop-00"], stands(many, commit, entry(revision=commit)))
    assert said(server, commit) == [
        ("failure", "21 applications: 20 healthy, 1 failed: shop-07: not deployed: not signed")
    ]


def test_a_commit_before_is_told_by_the_first_word_about_a_newer_one(
    server: LocalGitHub, clone: Clone, github_settings: Settings, log: pytest.LogCaptureFixture
) -> None:
    left, done, commit, many = push(clone, "1"), push(clone, "2"), push(clone, "3"), configuration(server)
    tell(server, left)
    tell(server, done, "success", "21 applications: all healthy")
    histories = {
        "shop_01": entry("unfinished", left, seconds=10),
        "shop_02": entry(revision=done),
        "shop_03": entry(revision="../../acme/other"),
        "shop_04": entry(revision="9" * 40),  # gone, as after a forced push
    }
    tell_together(many, github_settings, ["shop-00"], stands(many, commit, **histories))
    assert said(server, left)[1:] == [("failure", f"superseded by {commit[:7]}")]
    assert said(server, done) == [("success", "21 applications: all healthy")]
    assert [message[:40] for message, _ in lines(log, "WARNING")] == ["whether 9999999 was told an end is not k"]

    tell(server, left)  # as if nobody had
    tell_together(many, github_settings, ["shop-00"], stands(many, commit, entry(revision=left)))
    assert said(server, left)[-1][0] == "pending", "later words about it ask nobody"


def test_commits_that_a_push_has_left_behind_are_told(
    server: LocalGitHub, clone: Clone, github_settings: Settings
) -> None:
    first, second, third, many = push(clone, "1"), push(clone, "2"), push(clone, "3"), configuration(server)
    for commit in (first, second, third):
        tell(server, commit)
    end = ("failure", f"superseded by {third[:7]}")
    tell_left_behind(event(server, "0" * 40, first), many, github_settings, ["shop-00"])  # which comes late
    assert [said(server, one)[-1] for one in (first, second, third)] == [end, *[("pending", "21 applications")] * 2]
    tell_left_behind(event(server, second, third), many, github_settings, ["shop-00"])
    assert said(server, second)[-1] == end
    assert said(server, third)[-1][0] == "pending", "it is where the ref points at"


@pytest.mark.parametrize("case", ["check", "tag", "an end", "nothing"])
def test_where_no_commit_waits_none_is_told(
    server: LocalGitHub, clone: Clone, github_settings: Settings, case: str
) -> None:
    before, after = push(clone, "1"), push(clone, "2")
    if case != "nothing":
        tell(server, before, "success" if case == "an end" else "pending")
    known = said(server, before)
    kind, ref = ("status", "refs/heads/main") if case == "check" else ("push", "refs/heads/main")
    given = event(server, before, after, "refs/tags/v1" if case == "tag" else ref, kind)
    tell_left_behind(given, configuration(server), github_settings, ["shop-00"])
    assert said(server, before) == known


def test_many_applications_of_one_push_have_one_status(bench: Bench, settings: Settings) -> None:
    names = [configure(bench, settings, f"a{number}") for number in range(MANY)]
    commit = bench.push({f"a{number}/x.yaml": config_map(f"a{number}") for number in range(MANY)})
    pushed = Event(
        "push", parse_repository(bench.clone.url), "refs/heads/main", "0" * 40, commit, "main", None, "the-delivery"
    )
    answer, status = inline.run(pushed, settings)
    assert (status, {one["outcome"] for one in answer["applications"]}) == (200, {"succeeded"})
    assert told(bench, commit, OURS) == [("success", "21 applications: all healthy")]
    every = bench.world.github.statuses.of(bench.repository, commit)
    assert not {one.context for one in every} & {f"deployer/{name}" for name in names}
