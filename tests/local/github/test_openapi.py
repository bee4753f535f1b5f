"""Every answer and every webhook of the local GitHub, held against GitHub's own description of them."""

import dataclasses
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from local.github import Delivery, GitHub
from local.github.hook import Kind
from tests.local.github import openapi
from tests.local.github.helpers import SECRET, TOKEN, Answer, Clone, Receiver, ask

READER, STRANGER = "github_pat_reader", "nobody's"

WEB = "/repos/{owner}/{repo}"
HOOKS = f"{WEB}/hooks"
HOOK = f"{HOOKS}/{{hook_id}}"
ORG_HOOKS = "/orgs/{org}/hooks"
ORG_HOOK = f"{ORG_HOOKS}/{{hook_id}}"
MISSING = "0" * 40


class Case(NamedTuple):
    """A request: a route of the description, what stands in its path, and the status that it is answered with."""

    route: str
    status: int = 200
    names: Mapping[str, object] = {}
    token: str = TOKEN
    body: object = None
    query: str = ""


SHOWN = [
    Case("/rate_limit"),
    Case(WEB),
    Case(f"{WEB}/git/ref/{{ref}}", names={"ref": "heads/main"}),
    Case(f"{WEB}/git/ref/{{ref}}", names={"ref": "tags/v1"}),
    Case(f"{WEB}/git/tags/{{tag_sha}}"),
    Case(f"{WEB}/git/commits/{{commit_sha}}"),
    Case(f"{WEB}/git/trees/{{tree_sha}}"),
    Case(f"{WEB}/git/trees/{{tree_sha}}", query="?recursive=1"),
    Case(f"{WEB}/git/blobs/{{file_sha}}"),
    Case(f"{WEB}/commits/{{ref}}"),
    Case(f"{WEB}/commits/{{ref}}", names={"ref": "v1"}),
    Case(f"{WEB}/compare/{{basehead}}"),
    Case(f"{WEB}/compare/{{basehead}}", names={"basehead": "main...v1"}),
    Case(f"{WEB}/statuses/{{sha}}", 201, body={"state": "success", "description": "synced", "target_url": "http://x/"}),
    Case(f"{WEB}/statuses/{{sha}}", 201, body={"state": "pending", "context": "least"}),
    Case(f"{WEB}/commits/{{ref}}/status"),
    Case(f"{WEB}/commits/{{ref}}/status", names={"ref": "v1"}),  # has none
    Case(f"{WEB}/commits/{{ref}}/statuses"),
    Case(HOOKS),
    Case(HOOK),
    Case(f"{HOOK}/config"),
    Case(f"{HOOK}/deliveries"),
    Case(f"{HOOK}/deliveries/{{delivery_id}}"),
    Case(f"{HOOK}/deliveries/{{delivery_id}}/attempts", 202, body={}),
    Case(f"{HOOK}/pings", 204, body={}),
    Case(ORG_HOOKS),  # an empty list
]
REFUSED = [
    Case(WEB, 401, token=""),
    Case(f"{WEB}/git/ref/{{ref}}", 401, token=STRANGER),
    Case(f"{WEB}/git/blobs/{{file_sha}}", 401, token=STRANGER),
    Case(f"{WEB}/statuses/{{sha}}", 401, token=STRANGER, body={}),
    Case(f"{WEB}/statuses/{{sha}}", 403, token=READER, body={"state": "success"}),
    Case(HOOKS, 403, token=READER),
    Case(WEB, 404, {"repo": "none"}),
    Case(f"{WEB}/git/ref/{{ref}}", 404, {"ref": "heads/none"}),
    Case(f"{WEB}/git/tags/{{tag_sha}}", 404, {"tag_sha": MISSING}),
    Case(f"{WEB}/git/commits/{{commit_sha}}", 404, {"commit_sha": MISSING}),
    Case(f"{WEB}/git/trees/{{tree_sha}}", 404, {"tree_sha": MISSING}),
    Case(f"{WEB}/git/blobs/{{file_sha}}", 404, {"file_sha": MISSING}),
    Case(f"{WEB}/commits/{{ref}}/status", 404, {"ref": "none"}),
    Case(f"{WEB}/compare/{{basehead}}", 404, {"basehead": "main...none"}),
    Case(f"{WEB}/statuses/{{sha}}", 404, {"repo": "none"}, body={"state": "success"}),
    Case(HOOKS, 404, {"repo": "none"}),
    Case(HOOK, 404, {"hook_id": 1}),
    Case(ORG_HOOKS, 404, {"org": "none"}),
    Case(ORG_HOOK, 404),
    Case(f"{WEB}/git/ref/{{ref}}", 409, {"repo": "empty", "ref": "heads/main"}),
    Case(f"{WEB}/git/trees/{{tree_sha}}", 409, {"repo": "empty"}),
    Case(f"{WEB}/git/blobs/{{file_sha}}", 409, {"repo": "empty"}),
    Case(f"{WEB}/commits/{{ref}}", 409, {"repo": "empty"}),
    Case(f"{WEB}/commits/{{ref}}", 422, {"ref": "none"}),
    Case(f"{WEB}/git/blobs/{{file_sha}}", 422, {"file_sha": "short"}),
    Case(f"{WEB}/statuses/{{sha}}", 422, body={"state": "done"}),
    Case(f"{HOOK}/deliveries", 400, query="?cursor=odd"),
]
OF_ORGANISATION = [
    Case(HOOKS),  # an empty list
    Case(ORG_HOOKS),
    Case(ORG_HOOK),
    Case(f"{ORG_HOOK}/config"),
    Case(f"{ORG_HOOK}/deliveries"),
    Case(f"{ORG_HOOK}/deliveries/{{delivery_id}}"),
    Case(f"{ORG_HOOK}/deliveries/{{delivery_id}}/attempts", 202, body={}),
    Case(f"{ORG_HOOK}/pings", 204, body={}),
]


@pytest.fixture(scope="module")
def description() -> openapi.Description:
    found = openapi.load()
    if not found:
        pytest.skip("npm, which brings GitHub's own description of its API, is not installed")
    return found


class Filled:
    """A GitHub with a branch, a tag, an empty repository, and deliveries; `names` are what stands in paths."""

    def __init__(self, github: GitHub, receiver: Receiver, folder: Path) -> None:
        self.github, self.receiver = github, receiver
        github.tokens.add(READER, permissions={"contents": "read"})
        Clone(folder / "empty", f"{github.git_url}/acme/empty.git").git("push", "origin", ":refs/heads/x", check=False)
        clone = Clone(folder / "clone", f"{github.git_url}/acme/web.git")
        first = clone.commit("first", {"a.yaml": "kind: Pod\n", "old/b.yaml": "kind: Job\n"})
        clone.git("tag", "-a", "-m", "the release", "v1")
        clone.git("update-index", "--add", "--cacheinfo", f"160000,{first},vendored")
        clone.git("rm", "-q", "old/b.yaml")
        (clone.folder / "vendored").mkdir()
        second = clone.commit("second", {"a.yaml": "kind: Secret\n", "new.yaml": "kind: Pod\n"})
        clone.push("main", "v1")
        self.names: dict[str, object] = {
            "owner": "acme",
            "org": "acme",
            "repo": "web",
            "ref": "main",
            "basehead": f"{first}...main",
            "sha": second,
            "commit_sha": second,
            "tree_sha": second,
            "tag_sha": clone.git("rev-parse", "v1"),
            "file_sha": clone.git("rev-parse", "HEAD:a.yaml"),
            "delivery_id": github.wait_for_delivery(second).number,
        }
        self.names["hook_id"] = github.deliveries[0].hook

    def ask(self, case: Case) -> Answer:
        path = case.route.format(**{**self.names, **case.names})
        return ask(
            self.github, path + case.query, case.body, Authorization=f"Bearer {case.token}" if case.token else ""
        )


def _filled(folder: Path, kind: Kind) -> Iterator[Filled]:
    with (
        Receiver() as receiver,
        GitHub(folder / "github", token=TOKEN, webhook_url=receiver.url, webhook_secret=SECRET) as github,
    ):
        assert github.webhook
        github.webhook = dataclasses.replace(github.webhook, kind=kind)
        yield Filled(github, receiver, folder)


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Filled]:
    yield from _filled(tmp_path_factory.mktemp("filled"), "repository")


@pytest.fixture(scope="module")
def of_organisation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Filled]:
    yield from _filled(tmp_path_factory.mktemp("organisation"), "organization")


def check(description: openapi.Description, filled: Filled, case: Case) -> None:
    answer = filled.ask(case)
    assert answer.status == case.status, answer.body
    method = "GET" if case.body is None else "POST"
    if description.has_body(method, case.route, case.status):
        assert description.answer_problems(method, case.route, case.status, answer.json()) == []
    else:
        assert answer.body == b""


def name(case: Case) -> str:
    return f"{case.status} {case.route}{case.query} {' '.join(map(str, case.names.values()))}"


@pytest.mark.parametrize("case", SHOWN + REFUSED, ids=name)
def test_an_answer_is_as_described(description: openapi.Description, filled: Filled, case: Case) -> None:
    check(description, filled, case)


@pytest.mark.parametrize("case", OF_ORGANISATION, ids=name)
def test_an_answer_about_an_organisations_webhook_is_as_described(
    description: openapi.Description, of_organisation: Filled, case: Case
) -> None:
    check(description, of_organisation, case)


@pytest.mark.parametrize("status", [401, 403, 404, 409, 422, 429, 500, 503])
def test_a_failure_on_demand_is_as_described(description: openapi.Description, filled: Filled, status: int) -> None:
    filled.github.fail("/git/ref/", status)
    check(description, filled, Case(f"{WEB}/git/ref/{{ref}}", status))


def test_a_limit_is_as_described(description: openapi.Description, filled: Filled) -> None:
    for window in (filled.github.limits.primary, filled.github.limits.points):
        before, window.limit = window.limit, 0
        check(description, filled, Case(f"{WEB}/git/ref/{{ref}}", 403))
        window.limit = before


def test_every_route_is_held_against_the_description(filled: Filled) -> None:
    routes = filled.github.app.url_map
    served = {(rule.rule, *sorted({"GET", "POST"} & (rule.methods or set()))) for rule in routes.iter_rules()}
    served -= {route for route in served if len(route) == 3}  # what answers 404 to everything else, by any method
    served = {route for route in served if route[0].startswith("/api/v3/") and "/<path:ref>/" not in route[0]}
    older = {("/api/v3/repos/<owner>/<name>/statuses/<path:ref>", "GET")}  # of which GitHub's description is silent

    held = set()
    for case in SHOWN + OF_ORGANISATION:
        path = case.route.format(**{**filled.names, **case.names})
        method = "GET" if case.body is None else "POST"
        rule, _ = routes.bind("127.0.0.1").match(f"/api/v3{path}", method, return_rule=True)
        held.add((rule.rule, method))

    assert served - held == older


@pytest.mark.parametrize("kind", ["filled", "of_organisation"])
def test_webhooks_are_as_described(description: openapi.Description, kind: str, request: pytest.FixtureRequest) -> None:
    filled: Filled = request.getfixturevalue(kind)
    hook = ORG_HOOK if kind == "of_organisation" else HOOK
    filled.ask(Case(f"{hook}/pings", body={}))
    deleted = Clone(request.getfixturevalue("tmp_path") / "clone", f"{filled.github.git_url}/acme/other.git")
    deleted.commit("first", {})
    deleted.push("main", "main:old")
    deleted.push(":old")
    filled.github.wait_for_delivery(MISSING)

    deliveries = _when(filled.github, lambda: {one.event for one in filled.github.deliveries} == {"ping", "push"})

    pushes = [delivery for delivery in deliveries if delivery.event == "push"]
    assert {delivery.payload["ref"] for delivery in pushes} == {"refs/heads/main", "refs/heads/old", "refs/tags/v1"}
    for delivery in deliveries:
        assert description.payload_problems(delivery.event, delivery.payload) == []
        assert description.webhook_headers(delivery.event) <= {header.lower() for header in delivery.headers}


def _when(github: GitHub, condition: Any) -> tuple[Delivery, ...]:
    end = time.monotonic() + 10
    while not condition() and time.monotonic() < end:
        time.sleep(0.01)
    return github.deliveries


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"sha": None}, "$.sha: None is not of type 'string'"),
        ({"tree": [{"path": "a"}]}, "$.tree[0]: 'sha' is a required property"),
        ({"made_up": 1}, "$: Additional properties are not allowed ('made_up' was unexpected)"),
        ({"url": 5}, "$.url: 5 is not of type 'string'"),
    ],
)
def test_the_description_finds_what_is_wrong(
    description: openapi.Description, filled: Filled, change: dict[str, object], problem: str
) -> None:
    tree = filled.ask(Case(f"{WEB}/git/trees/{{tree_sha}}")).json()
    assert problem in description.answer_problems("GET", f"{WEB}/git/trees/{{tree_sha}}", 200, {**tree, **change})


def test_the_description_misses_no_field(description: openapi.Description, filled: Filled) -> None:
    hook = filled.ask(Case(HOOK)).json()
    del hook["last_response"]
    problems = description.answer_problems("GET", HOOK, 200, hook)
    assert problems == ["$: 'last_response' is a required property"]
    (pushed, *_) = (one.payload for one in filled.github.deliveries if one.event == "push")
    without = {field: value for field, value in pushed.items() if field != "head_commit"}
    assert description.payload_problems("push", without) == ["$: 'head_commit' is a required property"]
