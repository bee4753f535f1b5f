"""The deliveries that start something besides a push: checks that end, and Deployments."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deployer.repository import Repository
from deployer.webhook import Event, Ignored, Rejected, read_delivery
from local.github import GitHub as LocalGitHub
from local.github.hook import Hook
from tests.local.github.helpers import APP_TOKEN, TOKEN, Clone, Receiver, ask
from tests.test_webhook import AFTER, GUID, JSON, PUSH, SECRET, deliver

SUITE = {"id": 5, "head_branch": "feature/x", "head_sha": AFTER, "status": "completed", "conclusion": "success"}
CHECK_RUN: dict[str, Any] = {
    "action": "completed",
    "check_run": {"id": 4, "name": "build", "head_sha": AFTER, "check_suite": SUITE},
}
CHECK_SUITE: dict[str, Any] = {"action": "completed", "check_suite": {**SUITE, "app": {"slug": "github-actions"}}}
WORKFLOW_RUN: dict[str, Any] = {
    "action": "completed",
    "workflow_run": {**SUITE, "name": "CI"},
    "workflow": {"name": "CI"},
}
STATUS: dict[str, Any] = {
    "sha": AFTER,
    "context": "ci/build",
    "state": "success",
    "branches": [{"name": "main"}, {"name": "v1"}],
}
DEPLOYMENT: dict[str, Any] = {
    "action": "created",
    "deployment": {"id": 12, "sha": AFTER, "ref": "main", "task": "deploy", "environment": "shop"},
}
OTHERS: dict[str, dict[str, Any]] = {
    kind: {**payload, "repository": PUSH["repository"], "installation": {"id": 7}}
    for kind, payload in {
        "check_run": CHECK_RUN,
        "check_suite": CHECK_SUITE,
        "workflow_run": WORKFLOW_RUN,
        "status": STATUS,
        "deployment": DEPLOYMENT,
    }.items()
}


def changed(kind: str, path: str, value: object) -> dict[str, Any]:
    """A payload in which one thing is another, or is not there (`...`); the path names its keys, with dots."""
    payload: dict[str, Any] = json.loads(json.dumps(OTHERS[kind]))
    *way, last = path.split(".")
    inner = payload
    for key in way:
        inner = inner[key]
    if value is ...:
        del inner[last]
    else:
        inner[last] = value
    return payload


@pytest.mark.parametrize(
    ("kind", "ref", "more"),
    [
        ("check_run", "refs/heads/feature/x", {"check": "build"}),
        ("check_suite", "refs/heads/feature/x", {}),
        ("workflow_run", "refs/heads/feature/x", {}),
        ("status", "refs/heads/main", {"check": "ci/build"}),
        ("deployment", "", {"deployment": 12, "environment": "shop"}),
    ],
)
def test_what_else_starts_something(kind: str, ref: str, more: dict[str, Any]) -> None:
    web = Repository("github.com", "acme/web")
    assert deliver(OTHERS[kind], kind) == Event(kind, web, ref, "", AFTER, "main", 7, GUID, **more)


@pytest.mark.parametrize(
    ("kind", "path", "value"),
    [
        ("check_run", "check_run.check_suite.head_branch", None),
        ("check_run", "check_run.check_suite", ...),
        ("check_suite", "check_suite.head_branch", None),
        ("workflow_run", "workflow_run.head_branch", ...),
        ("status", "branches", []),
        ("status", "branches", ...),
    ],
)
def test_a_check_need_not_be_of_a_branch(kind: str, path: str, value: object) -> None:
    event = deliver(changed(kind, path, value), kind)
    assert isinstance(event, Event)
    assert (event.ref, event.after) == ("", AFTER)


@pytest.mark.parametrize(
    ("kind", "path", "value", "reason"),
    [
        ("check_run", "check_run.name", "deployer/shop", "the check deployer/shop is our own, which starts nothing"),
        ("check_run", "check_run.name", "deployer", "the check deployer is our own, which starts nothing"),
        ("check_suite", "check_suite.app.slug", "deployer", "these checks are our own, which start nothing"),
        ("status", "context", "deployer/shop", "the status deployer/shop is our own, which starts nothing"),
        ("status", "context", "Deployer/Shop", "the status Deployer/Shop is our own, which starts nothing"),
        ("deployment", "deployment.task", "deployer", "deployment 12 is our own, which starts nothing"),
        ("status", "state", "pending", "the status ci/build is pending, which starts nothing"),
        ("check_run", "action", "created", "check_run events start nothing when created, only when completed"),
        ("check_run", "action", "rerequested", "check_run events start nothing when rerequested, only when completed"),
        ("check_suite", "action", "requested", "check_suite events start nothing when requested, only when completed"),
        (
            "workflow_run",
            "action",
            "requested",
            "workflow_run events start nothing when requested, only when completed",
        ),
        ("deployment", "action", "deleted", "deployment events start nothing when deleted, only when created"),
    ],
)
def test_what_is_our_own_or_not_over_starts_nothing(kind: str, path: str, value: object, reason: str) -> None:
    assert deliver(changed(kind, path, value), kind) == Ignored(reason)


@pytest.mark.parametrize("name", ["deployers", "my/deployer", "deploy", "deployer-tests"])
def test_what_only_sounds_like_ours(name: str) -> None:
    for kind, path in (("status", "context"), ("check_run", "check_run.name")):
        event = deliver(changed(kind, path, name), kind)
        assert isinstance(event, Event)
        assert event.check == name


@pytest.mark.parametrize("state", ["success", "failure", "error"])
def test_a_status_is_told_of_whatever_it_says(state: str) -> None:
    assert isinstance(deliver(changed("status", "state", state), "status"), Event)


WRONG_SHAPES = [
    ("check_run", "action", ..., "action is missing, or not a text"),
    ("check_run", "check_run", ..., "check_run is missing, or not an object"),
    ("check_run", "check_run", [], "check_run is missing, or not an object"),
    ("check_run", "check_run.name", None, "check_run.name is missing, or not a text"),
    ("check_run", "check_run.name", "", "check_run.name is empty, too long, or more than one line"),
    ("check_run", "check_run.name", "a\nb", "check_run.name is empty, too long, or more than one line"),
    ("check_run", "check_run.name", "\ud800", "check_run.name is empty, too long, or more than one line"),
    ("check_run", "check_run.name", "x" * 1025, "check_run.name is empty, too long, or more than one line"),
    ("check_run", "check_run.head_sha", "main", "check_run.head_sha is not a commit of 40 hexadecimal digits"),
    ("check_run", "check_run.check_suite.head_branch", "a b", "check_run.check_suite.head_branch is no branch"),
    ("check_suite", "check_suite.head_branch", 1, "check_suite.head_branch is no branch"),
    ("check_suite", "check_suite.head_sha", ..., "check_suite.head_sha is missing, or not a text"),
    ("workflow_run", "workflow_run", "x", "workflow_run is missing, or not an object"),
    ("workflow_run", "workflow_run.head_sha", 1, "workflow_run.head_sha is missing, or not a text"),
    ("status", "context", 1, "context is missing, or not a text"),
    ("status", "state", ..., "state is missing, or not a text"),
    ("status", "sha", "x", "sha is not a commit of 40 hexadecimal digits"),
    ("status", "branches", [{"name": ".."}], "branches[0].name is no branch"),
    ("deployment", "deployment", None, "deployment is missing, or not an object"),
    ("deployment", "deployment.id", "12", "deployment.id is not the number of a deployment"),
    ("deployment", "deployment.id", 2**63, "deployment.id is not the number of a deployment"),
    ("deployment", "deployment.task", ..., "deployment.task is missing, or not a text"),
    ("deployment", "deployment.sha", "main", "deployment.sha is not a commit of 40 hexadecimal digits"),
    ("deployment", "deployment.environment", [], "deployment.environment is missing, or not a text"),
    *((kind, "repository", ..., "repository is missing, or not an object") for kind in OTHERS),
    *((kind, "installation", {}, "installation.id is not the number of an installation") for kind in OTHERS),
]


@pytest.mark.parametrize(("kind", "path", "value", "reason"), WRONG_SHAPES)
def test_other_events_of_the_wrong_shape(kind: str, path: str, value: object, reason: str) -> None:
    assert deliver(changed(kind, path, value), kind) == Rejected(400, reason)


@st.composite
def nearly_another(draw: st.DrawFn) -> tuple[str, dict[str, Any]]:
    """An event that is no push, of which one value is anything at all."""
    kind = draw(st.sampled_from(sorted(OTHERS)))
    paths = [path for one, path, *_ in WRONG_SHAPES if one == kind]
    return kind, changed(kind, draw(st.sampled_from(paths)), draw(JSON))


@given(sent=nearly_another())
def test_any_signed_json_of_another_event_gets_an_answer(sent: tuple[str, dict[str, Any]]) -> None:
    kind, payload = sent
    said = deliver(payload, kind)
    assert not isinstance(said, Rejected) or said.status == 400
    if isinstance(said, Event):
        assert f"{said.check} {said.environment} {said.ref}".encode()


def test_what_a_github_sends(tmp_path: Path) -> None:
    with (
        Receiver() as receiver,
        LocalGitHub(tmp_path / "github", token=TOKEN, webhook_url=None, webhook_secret="") as server,
    ):
        clone = Clone(tmp_path / "clone", f"{server.git_url}/acme/web.git")
        commit = clone.commit("first", {"a": "1"})
        clone.push("main")
        server.webhook = Hook(receiver.url, SECRET.decode(), events=("*",))
        server.tokens.add(APP_TOKEN, permissions={"checks": "write", "contents": "read"})
        check = {"name": "build", "head_sha": commit, "conclusion": "success"}
        ask(server, "/repos/acme/web/check-runs", check, Authorization=f"Bearer {APP_TOKEN}")
        for context in ("ci/test", "deployer/shop"):
            ask(server, f"/repos/acme/web/statuses/{commit}", {"state": "success", "context": context})
        wish = {"ref": "main", "environment": "shop", "auto_merge": False, "required_contexts": []}
        number = ask(server, "/repos/acme/web/deployments", wish).json()["id"]
        server.workflow_run("acme/web", commit)
        server.workflow_run("acme/web", commit, conclusion=None)
        web = Repository(server.git_url.removeprefix("http://"), "acme/web")
    # Leaving the GitHub has waited for its deliveries.
    read = [read_delivery(one.headers, one.body, [SECRET]) for one in receiver.received]

    def event(kind: str, **more: Any) -> Event:
        return Event(
            kind,
            web,
            **{"ref": "refs/heads/main", **more},
            before="",
            after=commit,
            default_branch="main",
            installation=None,
            delivery="",
        )

    events = [replace(one, delivery="") for one in read if isinstance(one, Event)]
    assert sorted(events, key=lambda one: one.kind) == [
        event("check_run", check="build"),
        event("check_suite"),
        event("deployment", ref="", deployment=number, environment="shop"),
        event("status", check="ci/test"),
        event("workflow_run"),
    ]
    assert sorted(one.reason for one in read if isinstance(one, Ignored)) == [
        "check_run events start nothing when created, only when completed",
        "the status deployer/shop is our own, which starts nothing",
        "workflow_run events start nothing when in_progress, only when completed",
    ]
    assert len(read) == 8
