from typing import Any

import pytest
from github import Auth, Github

from local.github import GitHub
from local.github.hook import Hook
from tests.local.github.helpers import APP_TOKEN, SECRET, TOKEN, Answer, Clone, Receiver, ask

WEB = "/repos/acme/web"
DEPLOYMENTS = f"{WEB}/deployments"


def deploy(github: GitHub, **fields: object) -> dict[str, Any]:
    answer = ask(github, DEPLOYMENTS, {"ref": "main", **fields})
    assert answer.status == 201, answer.body
    return dict(answer.json())


def say(github: GitHub, number: int, state: str, **fields: object) -> Answer:
    return ask(github, f"{DEPLOYMENTS}/{number}/statuses", {"state": state, **fields})


def states(github: GitHub, number: int) -> list[str]:
    return [one["state"] for one in ask(github, f"{DEPLOYMENTS}/{number}/statuses").json()]


def test_a_deployment_and_what_became_of_it(github: GitHub, first: str, receiver: Receiver) -> None:
    github.webhook = Hook(receiver.url, SECRET, events=("deployment", "deployment_status"))
    made = deploy(github, environment="staging", payload={"app": "web"}, description="please", required_contexts=[])
    (wish,) = receiver.wait(1)
    answer = say(github, made["id"], "success", description="live", environment_url="https://web.example")
    _, told = receiver.wait(2)

    assert (made["sha"], made["ref"], made["task"], made["payload"]) == (first, "main", "deploy", {"app": "web"})
    assert (made["environment"], made["production_environment"]) == ("staging", False)
    assert (wish["action"], wish["deployment"], wish["workflow_run"]) == ("created", made, None)
    assert (answer.status, answer.json()["environment_url"]) == (201, "https://web.example")
    assert (told["deployment_status"], told["deployment"]["id"]) == (answer.json(), made["id"])
    assert receiver.events() == [("deployment", "created"), ("deployment_status", "created")]
    assert ask(github, answer.json()["url"].removeprefix(github.api_url)).json() == answer.json()
    assert ask(github, f"{DEPLOYMENTS}/{made['id']}").json() == told["deployment"]


def test_pygithub_waits_for_a_deployment(github: GitHub, first: str) -> None:
    with Github(
        auth=Auth.Token(TOKEN),
        base_url=github.api_url,
        lazy=True,
        seconds_between_requests=None,
        seconds_between_writes=None,
    ) as client:
        repository = client.get_repo("acme/web")
        made = repository.create_deployment(first, auto_merge=False, required_contexts=[], environment="staging")
        for state in ("queued", "in_progress", "failure"):
            made.create_status(state, description=f"{state} ✓")
        found = [one.state for one in repository.get_deployment(made.id).get_statuses()]
    assert found == ["failure", "in_progress", "queued"]


def test_deployments_are_found_by_what_they_are_of(github: GitHub, first: str) -> None:
    numbers = [
        deploy(github)["id"],
        deploy(github, ref=first, environment="staging")["id"],
        deploy(github, task="migrate", environment="staging")["id"],
    ]

    def found(query: str) -> list[int]:
        return [numbers.index(one["id"]) for one in ask(github, f"{DEPLOYMENTS}?{query}").json()]

    assert found("") == [2, 1, 0]
    assert found("environment=staging") == [2, 1]
    assert found(f"environment=staging&ref={first}") == [1]
    assert found("task=migrate") == [2]
    assert found(f"sha={first}") == [2, 1, 0]
    assert found(f"sha={'0' * 40}") == []
    assert found("per_page=2&page=2") == [0]


def test_without_contexts_of_its_own_a_deployment_wants_all_of_them_green(github: GitHub, first: str) -> None:
    github.tokens.add(APP_TOKEN, permissions={"checks": "write"})
    ask(github, f"{WEB}/statuses/{first}", {"state": "success", "context": "ci"})
    assert deploy(github)["sha"] == first
    check = {"name": "build", "head_sha": first, "status": "in_progress"}
    number = ask(github, f"{WEB}/check-runs", check, Authorization=f"Bearer {APP_TOKEN}").json()["id"]

    refused = ask(github, DEPLOYMENTS, {"ref": "main"})

    assert (refused.status, refused.json()["message"]) == (409, "Conflict: Commit status checks failed for main.")
    contexts = [{"context": "ci", "state": "success"}, {"context": "build", "state": "pending"}]
    told = {"contexts": contexts, "resource": "Deployment", "field": "required_contexts", "code": "invalid"}
    assert refused.json()["errors"] == [told]
    assert deploy(github, required_contexts=[])["sha"] == first
    assert deploy(github, required_contexts=["ci"])["sha"] == first
    for required in (["build"], ["ci", "build"], ["ci", "unheard of"]):
        assert ask(github, DEPLOYMENTS, {"ref": "main", "required_contexts": required}).status == 409
    path = f"{WEB}/check-runs/{number}"
    ask(github, path, {"conclusion": "skipped"}, "PATCH", Authorization=f"Bearer {APP_TOKEN}")
    assert ask(github, DEPLOYMENTS, {"ref": "main"}).json()["errors"][0]["contexts"][1]["state"] == "skipped"
    ask(github, path, {"conclusion": "success"}, "PATCH", Authorization=f"Bearer {APP_TOKEN}")
    assert deploy(github)["sha"] == first
    ask(github, f"{WEB}/statuses/{first}", {"state": "error", "context": "ci"})
    assert ask(github, DEPLOYMENTS, {"ref": "main"}).status == 409


def test_a_branch_that_is_behind_is_brought_up_to_the_default_one(
    github: GitHub, clone: Clone, first: str, receiver: Receiver
) -> None:
    clone.git("checkout", "-q", "-b", "topic")
    topic = clone.commit("topic", {"topic.yaml": "kind: Pod\n"})
    clone.git("checkout", "-q", "main")
    main = clone.commit("main", {"main.yaml": "kind: Pod\n"})
    clone.push("main", "topic")
    github.webhook_url = receiver.url

    merged = ask(github, DEPLOYMENTS, {"ref": "topic"})
    (pushed,) = receiver.wait(1)

    assert (merged.status, merged.json()) == (202, {"message": "Auto-merged main into topic on deployment."})
    assert (pushed["ref"], pushed["before"]) == ("refs/heads/topic", topic)
    made = deploy(github, ref="topic")
    assert made["sha"] == pushed["after"]
    commit = ask(github, f"{WEB}/commits/topic").json()
    assert [parent["sha"] for parent in commit["parents"]] == [topic, main]
    tree = ask(github, f"{WEB}/git/trees/topic").json()["tree"]
    assert {entry["path"] for entry in tree} == {"a.yaml", "apps", "main.yaml", "topic.yaml"}


def test_what_cannot_be_merged_is_a_conflict(github: GitHub, clone: Clone, first: str) -> None:
    clone.git("checkout", "-q", "-b", "topic")
    clone.commit("topic", {"a.yaml": "kind: Job\n"})
    clone.git("checkout", "-q", "main")
    clone.commit("main", {"a.yaml": "kind: Secret\n"})
    clone.git("tag", "v1", first)
    clone.push("main", "topic", "v1")

    for ref in ("topic", first, "v1"):  # the last two are no branches, into which something could be merged
        answer = ask(github, DEPLOYMENTS, {"ref": ref})
        assert (answer.status, answer.json()["message"]) == (409, f"Conflict merging main into {ref}.")
        assert deploy(github, ref=ref, auto_merge=False)["ref"] == ref
    assert ask(github, f"{WEB}/commits/topic").json()["commit"]["message"] == "topic"


def test_a_success_makes_the_ones_before_it_inactive(github: GitHub, first: str) -> None:
    def made(environment: str, *said: str, **fields: object) -> int:
        number = int(deploy(github, environment=environment, **fields)["id"])
        assert [say(github, number, state, auto_inactive=False).status for state in said] == [201] * len(said)
        return number

    old, failed, silent = made("staging", "success"), made("staging", "failure"), made("staging")
    elsewhere, transient = made("qa", "success"), made("staging", "success", transient_environment=True)
    production = made("staging", "success", production_environment=True)
    new, later = made("staging"), made("staging", "success")
    assert states(github, old) == ["success"]

    say(github, new, "success")

    assert states(github, old) == ["inactive", "success"]
    assert [states(github, one) for one in (failed, silent)] == [["failure"], []]
    assert [states(github, one) for one in (elsewhere, transient, production, later)] == [["success"]] * 4
    assert states(github, new) == ["success"]


def test_a_status_may_say_another_environment(github: GitHub, first: str) -> None:
    made = deploy(github)
    assert (made["environment"], made["production_environment"]) == ("production", True)
    said = say(github, made["id"], "in_progress", environment="staging", target_url="https://ci.example/1").json()
    assert (said["environment"], said["log_url"], said["target_url"]) == ("staging", *["https://ci.example/1"] * 2)
    after = ask(github, f"{DEPLOYMENTS}/{made['id']}").json()
    assert (after["environment"], after["original_environment"]) == ("staging", "production")
    assert say(github, made["id"], "success").json()["environment"] == "staging"


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({}, 'Invalid request.\n\n"ref" wasn\'t supplied.'),
        ({"ref": "none"}, "No ref found for: none"),
        ({"ref": 1}, "Invalid request.\n\nFor 'properties/ref', 1 is not a string."),
        ({"ref": "main", "payload": 1}, "Invalid request.\n\nFor 'properties/payload', 1 is not an object."),
        (
            {"ref": "main", "auto_merge": "no"},
            "Invalid request.\n\nFor 'properties/auto_merge', \"no\" is not a boolean.",
        ),
        (
            {"ref": "main", "required_contexts": "ci"},
            "Invalid request.\n\nFor 'properties/required_contexts', \"ci\" is not an array.",
        ),
    ],
)
def test_what_github_makes_no_deployment_of(github: GitHub, first: str, body: object, message: str) -> None:
    answer = ask(github, DEPLOYMENTS, body)
    assert (answer.status, answer.json()["message"]) == (422, message)
    assert ask(github, DEPLOYMENTS).json() == []


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ({"state": "done"}, "state is not included in the list"),
        ({"state": "success", "description": "ä" * 141}, "description is too long (maximum is 140 characters)"),
        ({"state": "success", "environment_url": "ftp://x"}, "environment_url must use http(s) scheme"),
    ],
)
def test_what_github_makes_no_status_of(github: GitHub, first: str, body: object, told: str) -> None:
    number = deploy(github)["id"]
    answer = ask(github, f"{DEPLOYMENTS}/{number}/statuses", body)
    assert (answer.status, answer.json()["errors"][0]["message"]) == (422, told)
    assert states(github, number) == []


def test_what_is_not_there(github: GitHub, clone: Clone, first: str) -> None:
    number = deploy(github)["id"]
    clone.git("push", "-q", f"{github.git_url}/acme/other", "main")
    assert ask(github, f"{DEPLOYMENTS}/99").status == 404
    assert ask(github, f"/repos/acme/other/deployments/{number}").status == 404
    assert ask(github, f"{DEPLOYMENTS}/{number}/statuses/99").status == 404
    assert say(github, 99, "success").status == 404
    github.tokens.add("ghs_reader", permissions={"contents": "read"})
    refused = ask(github, DEPLOYMENTS, {"ref": "main"}, Authorization="Bearer ghs_reader")
    assert (refused.status, refused.json()["message"]) == (403, "Resource not accessible by integration")
    assert refused.headers["x-accepted-github-permissions"] == "deployments=write"
