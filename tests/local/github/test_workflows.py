import pytest

from local.github import GitHub
from local.github.hook import Hook
from tests.local.github.helpers import SECRET, Receiver


@pytest.mark.parametrize(
    ("conclusion", "action", "status"),
    [("failure", "completed", "completed"), (None, "in_progress", "in_progress")],
)
def test_a_run_of_actions_is_told(
    github: GitHub, first: str, receiver: Receiver, conclusion: str | None, action: str, status: str
) -> None:
    github.webhook = Hook(receiver.url, SECRET, events=("workflow_run",))
    github.workflow_run("acme/web", first, "build", conclusion)
    (told,) = receiver.wait(1)
    run = told["workflow_run"]
    assert (told["action"], run["status"], run["conclusion"]) == (action, status, conclusion)
    assert (run["name"], run["head_sha"], run["head_branch"], run["event"]) == ("build", first, "main", "push")
    assert (told["workflow"]["name"], told["repository"]["full_name"]) == ("build", "acme/web")
    assert receiver.received[0].headers["x-github-event"] == "workflow_run"


def test_a_run_for_what_is_not_there(github: GitHub, first: str) -> None:
    for repository, sha in (("acme/none", first), ("acme/web", "0" * 40), ("acme/web", "main")):
        with pytest.raises(ValueError, match="push it first"):
            github.workflow_run(repository, sha)
