import time

from local.github import GitHub
from tests.local.github.helpers import Clone, Receiver, ask

WEB = "/repos/acme/web"
REF = f"{WEB}/git/ref/heads/main"


def points_at(github: GitHub) -> str:
    return str(ask(github, REF).json()["object"]["sha"])


def test_behind_for_some_requests(github: GitHub, clone: Clone, receiver: Receiver, first: str) -> None:
    github.webhook_url = receiver.url
    github.lag.requests = 3
    second = clone.commit("second", {"a.yaml": "2"})
    clone.push("main")

    assert github.wait_for_delivery(second).payload["after"] == second  # the webhook is not behind
    assert ask(github, f"{WEB}/commits/main").json()["sha"] == first
    assert [points_at(github) for _ in range(3)] == [first, first, second]
    assert ask(github, f"{WEB}/commits/main").json()["sha"] == second


def test_behind_for_some_time(github: GitHub, clone: Clone, first: str) -> None:
    github.lag.seconds = 1.0
    second = clone.commit("second", {})
    start = time.monotonic()
    clone.push("main")

    assert points_at(github) == first
    assert ask(github, f"{WEB}/commits/{second}").json()["sha"] == second  # the commit itself is there
    while points_at(github) == first and time.monotonic() < start + 10:
        time.sleep(0.05)
    assert points_at(github) == second
    assert time.monotonic() - start >= 1.0


def test_a_new_repository_is_empty_at_first(github: GitHub, clone: Clone) -> None:
    github.lag.requests = 1
    clone.commit("first", {})
    clone.push("main")
    assert [ask(github, REF).status for _ in range(2)] == [409, 200]


def test_pushes_and_other_repositories_are_not_behind(github: GitHub, clone: Clone, first: str) -> None:
    github.lag.requests = 1
    second = clone.commit("second", {})
    clone.push("main")
    clone.git("push", "-q", f"{github.git_url}/acme/other", "main")
    github.lag.requests = 0
    third = clone.commit("third", {})

    assert clone.git("ls-remote", "origin", "main").split()[0] == second
    clone.push("main")
    assert points_at(github) == third
