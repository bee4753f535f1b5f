from dataclasses import replace

import pytest

from deployer.application import Application, Destination, Source
from deployer.repository import Repository
from deployer.job import Job
from deployer.routing import Routed, route, watches
from deployer.webhook import Event

WEB = Repository("github.com", "acme/web")
EVENT = Event("push", WEB, "refs/heads/main", "1" * 40, "a" * 40, "main", None, "72d3162e-cc78-11e3-81ab-4c9367dc0958")


def application(
    name: str, revision: str = "main", repository: Repository = WEB, *, automated: bool = True
) -> Application:
    return Application(
        name=name,
        project="default",
        source=Source("https://github.com/acme/web.git", repository, "k8s", revision),
        destination=Destination("production", "", "web"),
        automated=automated,
        prune=False,
        self_heal=False,
        allow_empty=False,
        create_namespace=False,
        timeout=300.0,
        place="a.yaml, document 1",
    )


@pytest.mark.parametrize(
    ("revision", "ref", "watched"),
    [
        ("main", "refs/heads/main", True),
        ("v1", "refs/tags/v1", True),
        ("v1", "refs/heads/v1", True),
        ("feature/x", "refs/heads/feature/x", True),
        ("refs/heads/main", "refs/heads/main", True),
        ("refs/tags/v1", "refs/tags/v1", True),
        ("HEAD", "refs/heads/trunk", True),
        ("main", "refs/heads/feature/main", False),
        ("main", "refs/heads/Main", False),
        ("main", "main/refs/heads/main", False),
        ("refs/heads/v1", "refs/tags/v1", False),
        ("refs/tags/v1", "refs/heads/v1", False),
        ("HEAD", "refs/heads/main", False),
        ("HEAD", "refs/heads/HEAD", False),
        ("HEAD", "refs/tags/trunk", False),
    ],
)
def test_watches(revision: str, ref: str, watched: bool) -> None:
    assert watches(revision, ref, default_branch="trunk") is watched


def test_a_push_starts_the_applications_that_watch_the_ref() -> None:
    applications = [
        application("web"),
        application("head", "HEAD"),
        application("old", "v1"),
        application("other", repository=Repository("github.com", "acme/api")),
        application("elsewhere", repository=Repository("github.example.com", "acme/web")),
        application("manual", automated=False),
    ]
    reason = "push to refs/heads/main of acme/web"
    assert route(EVENT, applications) == Routed(
        jobs=(
            Job("web", reason, delivery=EVENT.delivery, before=EVENT.before, after=EVENT.after),
            Job("head", reason, delivery=EVENT.delivery, before=EVENT.before, after=EVENT.after),
            Job("manual", reason, delivery=EVENT.delivery, before=EVENT.before, after=EVENT.after),
        )
    )


@pytest.mark.parametrize(
    ("changed", "names"),
    [
        (None, ["web", "web-too", "shared", "all"]),
        (("k8s/web.yaml",), ["web", "web-too", "all"]),
        (("shared/a.yaml",), ["shared", "all"]),
        (("README.md", "k8s/a/b.yaml"), ["web", "all"]),
        (("README.md",), ["all"]),
    ],
)
def test_a_push_that_touches_nothing_of_an_application_does_not_start_it(
    changed: tuple[str, ...] | None, names: list[str]
) -> None:
    applications = [
        replace(application("web"), generate_paths=("k8s",)),
        replace(application("web-too", automated=False), generate_paths=("lib", "k8s/*.yaml")),
        replace(application("shared"), generate_paths=("shared",)),
        application("all"),
    ]
    routed = route(replace(EVENT, changed=changed), applications)
    assert ([job.application for job in routed.jobs], routed.reason) == (names, "")
    assert len(routed.left_out) == len(applications) - len(names)


def test_why_an_application_is_left_out() -> None:
    applications = [
        replace(application("web"), generate_paths=("k8s", "lib/*.yaml")),
        replace(application("api"), generate_paths=("api",)),
        replace(application("old", "v1"), generate_paths=("k8s",)),
    ]
    why = [
        f"the push to refs/heads/main of acme/web touches none of application {words}"
        for words in (
            "web's argocd.argoproj.io/manifest-generate-paths: k8s; lib/*.yaml",
            "api's argocd.argoproj.io/manifest-generate-paths: api",
        )
    ]
    assert route(replace(EVENT, changed=("README.md",)), applications) == Routed((), "; ".join(why), tuple(why))
    some = route(replace(EVENT, changed=("api/x.yaml",)), applications)
    assert ([job.application for job in some.jobs], some.reason, some.left_out) == (["api"], "", (why[0],))


def test_nobody_watches() -> None:
    routed = route(replace(EVENT, ref="refs/heads/x"), [application("web"), application("manual", automated=False)])
    assert routed == Routed(reason="no application watches refs/heads/x of acme/web")


def test_there_is_no_application() -> None:
    assert route(EVENT, []) == Routed(reason="no application watches refs/heads/main of acme/web")
