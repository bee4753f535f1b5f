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
from tests.local.github.helpers import APP_TOKEN, SECRET, TOKEN, Answer, Clone, Receiver, app_jwt, ask_once, signing_key

READER, STRANGER = "github_pat_reader", "nobody's"
AN_APP = "the App itself"  # for which its JWT stands

WEB = "/repos/{owner}/{repo}"
HOOKS = f"{WEB}/hooks"
HOOK = f"{HOOKS}/{{hook_id}}"
ORG_HOOKS = "/orgs/{org}/hooks"
ORG_HOOK = f"{ORG_HOOKS}/{{hook_id}}"
RUNS = f"{WEB}/check-runs"
RUN = f"{RUNS}/{{check_run_id}}"
DEPLOYMENTS = f"{WEB}/deployments"
DEPLOYMENT = f"{DEPLOYMENTS}/{{deployment_id}}"
INSTALLATION = "/app/installations/{installation_id}"
TOKENS = f"{INSTALLATION}/access_tokens"
MISSING = "0" * 40


class Case(NamedTuple):
    """A request: a route of the description, what stands in its path, and the status that it is answered with.

    With a body it is a POST, unless `verb` says more.
    """

    route: str
    status: int = 200
    names: Mapping[str, object] = {}
    token: str = TOKEN
    body: object = None
    query: str = ""
    verb: str = ""

    @property
    def method(self) -> str:
        return self.verb or ("GET" if self.body is None else "POST")


CHECK = {"name": "build", "head_sha": MISSING, "output": {"title": "Built", "summary": "well"}}

SHOWN = [
    Case("/rate_limit"),
    Case(WEB),
    Case(f"{WEB}/git/ref/{{ref}}", names={"ref": "heads/main"}),
    Case(f"{WEB}/git/ref/{{ref}}", names={"ref": "tags/v1"}),
    Case(f"{WEB}/git/matching-refs/{{ref}}", names={"ref": "tags/v"}),
    Case(f"{WEB}/git/matching-refs/{{ref}}", names={"ref": "heads/none"}),  # an empty list
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
    Case(RUNS, 201, token=APP_TOKEN, body=CHECK),
    Case(RUNS, 201, token=APP_TOKEN, body={"name": "lint", "head_sha": MISSING, "conclusion": "neutral"}),
    Case(RUN),
    Case(RUN, token=APP_TOKEN, body={"status": "in_progress"}, verb="PATCH"),
    Case(RUN, token=APP_TOKEN, body={"conclusion": "timed_out"}, verb="PATCH"),
    Case(f"{WEB}/commits/{{ref}}/check-runs"),
    Case(f"{WEB}/commits/{{ref}}/check-runs", names={"ref": "v1"}),  # has none
    Case(f"{WEB}/commits/{{ref}}/check-suites"),
    Case(DEPLOYMENTS, 201, body={"ref": "main", "required_contexts": []}),
    Case(DEPLOYMENTS, 201, body={"ref": "v1", "auto_merge": False, "payload": {"a": 1}, "description": "please"}),
    Case(DEPLOYMENTS, 202, body={"ref": "behind"}),
    Case(DEPLOYMENTS),
    Case(DEPLOYMENTS, query="?environment=none-such"),
    Case(DEPLOYMENT),
    Case(f"{DEPLOYMENT}/statuses", 201, body={"state": "queued"}),
    Case(
        f"{DEPLOYMENT}/statuses", 201, body={"state": "success", "log_url": "http://x/", "environment_url": "http://y/"}
    ),
    Case(f"{DEPLOYMENT}/statuses"),
    Case(f"{DEPLOYMENT}/statuses/{{status_id}}"),
    Case(HOOKS),
    Case(HOOK),
    Case(f"{HOOK}/config"),
    Case(f"{HOOK}/deliveries"),
    Case(f"{HOOK}/deliveries/{{delivery_id}}"),
    Case(f"{HOOK}/deliveries/{{delivery_id}}/attempts", 202, body={}),
    Case(f"{HOOK}/pings", 204, body={}),
    Case(ORG_HOOKS),  # an empty list
    Case(f"{WEB}/git/commits/{{commit_sha}}", names={"commit_sha": "{signed}"}),
    Case(f"{WEB}/commits/{{ref}}", names={"ref": "signed"}),
    Case("/app", token=AN_APP),
    Case("/app/installations", token=AN_APP),
    Case(INSTALLATION, token=AN_APP),
    Case(INSTALLATION, names={"installation_id": "{suspended}"}, token=AN_APP),
    Case(f"{WEB}/installation", token=AN_APP),
    Case("/orgs/{org}/installation", token=AN_APP),
    Case("/users/{username}/installation", token=AN_APP),
    Case(TOKENS, 201, token=AN_APP, body={}),
    Case(TOKENS, 201, token=AN_APP, body={"repositories": ["web"], "permissions": {"contents": "read"}}),
]
REFUSED = [
    Case(WEB, 301, {"repo": "before"}),
    Case(f"{WEB}/installation", 301, {"repo": "before"}, token=AN_APP),
    Case("/app", 401),
    Case(TOKENS, 401, body={}),
    Case(TOKENS, 403, {"installation_id": "{suspended}"}, token=AN_APP, body={}),
    Case(INSTALLATION, 404, {"installation_id": 1}, token=AN_APP),
    Case(f"{WEB}/installation", 404, {"repo": "none"}, token=AN_APP),
    Case("/orgs/{org}/installation", 404, {"org": "none"}, token=AN_APP),
    Case("/users/{username}/installation", 404, {"username": "none"}, token=AN_APP),
    Case(TOKENS, 422, token=AN_APP, body={"repositories": ["none"]}),
    Case(TOKENS, 422, token=AN_APP, body={"permissions": {"issues": "read"}}),
    Case(WEB, 401, token=""),
    Case(f"{WEB}/git/ref/{{ref}}", 401, token=STRANGER),
    Case(f"{WEB}/git/blobs/{{file_sha}}", 401, token=STRANGER),
    Case(f"{WEB}/statuses/{{sha}}", 401, token=STRANGER, body={}),
    Case(f"{WEB}/statuses/{{sha}}", 403, token=READER, body={"state": "success"}),
    Case(HOOKS, 403, token=READER),
    Case(RUNS, 403, body=CHECK),
    Case(f"{WEB}/commits/{{ref}}/check-runs", 403, token=READER),
    Case(DEPLOYMENTS, 403, token=READER, body={"ref": "main"}),
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
    Case(RUN, 404, {"check_run_id": 99}),
    Case(DEPLOYMENT, 404, {"deployment_id": 99}),
    Case(f"{DEPLOYMENT}/statuses", 404, {"deployment_id": 99}),
    Case(f"{DEPLOYMENT}/statuses/{{status_id}}", 404, {"status_id": 99}),
    Case(f"{WEB}/git/matching-refs/{{ref}}", 409, {"repo": "empty", "ref": "tags"}),
    Case(f"{WEB}/git/ref/{{ref}}", 409, {"repo": "empty", "ref": "heads/main"}),
    Case(f"{WEB}/git/trees/{{tree_sha}}", 409, {"repo": "empty"}),
    Case(f"{WEB}/git/blobs/{{file_sha}}", 409, {"repo": "empty"}),
    Case(f"{WEB}/commits/{{ref}}", 409, {"repo": "empty"}),
    Case(f"{WEB}/commits/{{ref}}", 422, {"ref": "none"}),
    Case(f"{WEB}/git/blobs/{{file_sha}}", 422, {"file_sha": "short"}),
    Case(f"{WEB}/statuses/{{sha}}", 422, body={"state": "done"}),
    Case(RUNS, 422, token=APP_TOKEN, body={"name": "build"}),
    Case(RUNS, 422, token=APP_TOKEN, body={**CHECK, "status": "odd"}),
    Case(DEPLOYMENTS, 422, body={"ref": "none"}),
    Case(f"{DEPLOYMENT}/statuses", 422, body={"state": "done"}),
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
        github.tokens.add(APP_TOKEN, permissions={"checks": "write"})
        github.limits.creations.limit = None
        Clone(folder / "empty", f"{github.git_url}/acme/empty.git").git("push", "origin", ":refs/heads/x", check=False)
        clone = Clone(folder / "clone", f"{github.git_url}/acme/web.git")
        first = clone.commit("first", {"a.yaml": "kind: Pod\n", "old/b.yaml": "kind: Job\n"})
        clone.git("tag", "-a", "-m", "the release", "v1")
        clone.git("update-index", "--add", "--cacheinfo", f"160000,{first},vendored")
        clone.git("rm", "-q", "old/b.yaml")
        (clone.folder / "vendored").mkdir()
        second = clone.commit("second", {"a.yaml": "kind: Secret\n", "new.yaml": "kind: Pod\n"})
        clone.git("checkout", "-q", "-b", "behind", first)
        clone.commit("third", {"third.yaml": "kind: Pod\n"})
        clone.push("main", "v1", "behind")
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
            "file_sha": clone.git("rev-parse", "main:a.yaml"),
            "delivery_id": github.wait_for_delivery(second).number,
        }
        self.names["hook_id"] = github.deliveries[0].hook
        run = github.checks.add("acme/web", second, {"name": "test"})
        deployment = github.deployments.add("acme/web", second, {"ref": "main"})
        status = github.deployments.say("acme/web", deployment, {"state": "pending"})
        self.app = github.apps.register("Deployer", permissions={"contents": "read", "statuses": "write"})
        installed, suspended = (github.apps.install(self.app, account) for account in ("acme", "other"))
        github.apps.suspend(suspended)
        key, public_key = signing_key(folder / "key")
        github.signers.add("ada@example.com", public_key)
        clone.git("checkout", "-q", "-b", "signed")
        signed = clone.commit("signed", {}, key)
        clone.push("signed")
        Clone(folder / "before", f"{github.git_url}/acme/before.git").git("push", "origin", ":refs/x", check=False)
        github.rename("acme/before", "acme/after")
        self.names |= {"installation_id": installed.number, "username": "acme"}
        self.chosen = {"{suspended}": suspended.number, "{signed}": signed}
        self.names |= {"check_run_id": run.number, "deployment_id": deployment.number, "status_id": status.number}

    def given(self, case: Case) -> dict[str, object]:
        """Return what a case has in its path, with what is known only by now."""
        return {name: self.chosen.get(str(value), value) for name, value in case.names.items()}

    def ask(self, case: Case) -> Answer:
        path = case.route.format(**{**self.names, **self.given(case)})
        body = case.body
        if isinstance(body, dict) and body.get("head_sha") == MISSING:
            body = {**body, "head_sha": self.names["sha"]}
        token = app_jwt(self.app) if case.token == AN_APP else f"Bearer {case.token}" if case.token else ""
        return ask_once(self.github, path + case.query, body, case.method, Authorization=token)


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
    if description.has_body(case.method, case.route, case.status):
        assert description.answer_problems(case.method, case.route, case.status, answer.json()) == []
    else:
        assert answer.body == b""


def name(case: Case) -> str:
    return f"{case.verb} {case.status} {case.route}{case.query} {' '.join(map(str, case.names.values()))}".strip()


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
    limits = filled.github.limits
    for window in (limits.primary, limits.points):
        before, window.limit = window.limit, 0
        check(description, filled, Case(f"{WEB}/git/ref/{{ref}}", 403))
        window.limit = before
    limits.creations_per_hour.limit = 0
    check(description, filled, Case(DEPLOYMENTS, 403, body={"ref": "main"}))
    limits.creations_per_hour.limit = None


def test_every_route_is_held_against_the_description(filled: Filled) -> None:
    routes = filled.github.app.url_map
    verbs = {"GET", "POST", "PATCH"}
    served = {(rule.rule, *sorted(verbs & (rule.methods or set()))) for rule in routes.iter_rules()}
    served -= {route for route in served if len(route) > 2}  # what answers 404 to everything else, by any method
    served = {route for route in served if route[0].startswith("/api/v3/") and "/<path:ref>/" not in route[0]}
    served = {route for route in served if "/repositories/<int:" not in route[0]}  # the same by another address
    older = {("/api/v3/repos/<owner>/<name>/statuses/<path:ref>", "GET")}  # of which GitHub's description is silent

    held = set()
    for case in SHOWN + OF_ORGANISATION:
        path = case.route.format(**{**filled.names, **filled.given(case)})
        rule, _ = routes.bind("127.0.0.1").match(f"/api/v3{path}", case.method, return_rule=True)
        held.add((rule.rule, case.method))

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
    branches = {f"refs/heads/{branch}" for branch in ("main", "behind", "signed", "old")}
    assert {delivery.payload["ref"] for delivery in pushes} == {*branches, "refs/tags/v1"}
    for delivery in deliveries:
        assert description.payload_problems(delivery.event, delivery.payload) == []
        assert description.webhook_headers(delivery.event) <= {header.lower() for header in delivery.headers}


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Filled]:
    for filled in _filled(tmp_path_factory.mktemp("told"), "repository"):
        assert filled.github.webhook
        filled.github.webhook = dataclasses.replace(filled.github.webhook, events=("*",))
        yield filled


def test_what_else_happens_is_told_as_described(description: openapi.Description, told: Filled) -> None:
    github, sha = told.github, str(told.names["sha"])
    _when(github, lambda: len(github.deliveries) == 4)
    for case in (
        Case(f"{WEB}/statuses/{{sha}}", 201, body={"state": "success", "target_url": "http://x/"}),
        Case(f"{WEB}/statuses/{{sha}}", 201, body={"state": "pending", "context": "least"}),
        Case(RUNS, 201, token=APP_TOKEN, body=CHECK),
        Case(RUN, 200, token=APP_TOKEN, body={"conclusion": "skipped"}, verb="PATCH"),
        Case(RUNS, 201, token=APP_TOKEN, body={**CHECK, "conclusion": "success"}),
        Case(DEPLOYMENTS, 201, body={"ref": "v1", "auto_merge": False, "payload": "x"}),
        Case(f"{DEPLOYMENT}/statuses", 201, body={"state": "in_progress"}),
    ):
        assert told.ask(case).status == case.status
    github.workflow_run("acme/web", sha, "build", "failure")
    github.workflow_run("acme/web", sha, "build", None)

    deliveries = _when(github, lambda: len(github.deliveries) == 15)[4:]

    kinds = [f"{one.event}-{one.payload.get('action', '')}".strip("-").replace("_", "-") for one in deliveries]
    assert sorted(kinds) == [
        *["check-run-completed"] * 2,
        *["check-run-created"] * 2,
        "check-suite-completed",
        "deployment-created",
        "deployment-status-created",
        *["status"] * 2,
        "workflow-run-completed",
        "workflow-run-in-progress",
    ]
    for kind, one in zip(kinds, deliveries, strict=True):
        assert description.payload_problems(kind, one.payload) == []
        assert description.webhook_headers(kind) <= {header.lower() for header in one.headers}


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
