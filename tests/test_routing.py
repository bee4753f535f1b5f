from dataclasses import replace

import pytest

from deployer.application import Application, Destination
from deployer.job import Job
from deployer.repository import Repository
from deployer.routing import Routed, route, watches
from deployer.source import Source
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
        ("^1.2", "refs/tags/v1.2.3", True),
        ("^1.2", "refs/tags/1.3.0", True),
        ("^1.2", "refs/tags/v2.0.0", False),
        ("^1.2", "refs/tags/v1.3.0-rc.1", False),
        ("^1.2", "refs/tags/latest", False),
        ("^1.2", "refs/heads/1.2.3", False),
        (">=1.2-0", "refs/tags/v1.3.0-rc.1", True),
        ("1.x", "refs/tags/v1.0.0", True),
        ("1.x", "refs/heads/1.x", True),
        ("1.x", "refs/tags/1.x", True),
        ("1.x", "refs/tags/2.x", False),
        ("v1.2", "refs/tags/v1.2.0", False),
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


def test_nobody_watches() -> None:
    routed = route(replace(EVENT, ref="refs/heads/x"), [application("web"), application("manual", automated=False)])
    assert routed == Routed(reason="no application watches refs/heads/x of acme/web")


def test_paths_are_no_matter_of_the_push() -> None:
    """What its payload lists is wrong after merges; whoever runs the job compares the trees."""
    assert len(route(EVENT, [replace(application("web"), generate_paths=("nowhere",))]).jobs) == 1


def check(kind: str, name: str = "", ref: str = "refs/heads/feature/x") -> Event:
    return replace(EVENT, kind=kind, ref=ref, before="", check=name)


REQUIRING = [
    replace(application("web"), require_checks=("build", "ci/test")),
    replace(application("old", "v1"), require_checks=("ci/test",)),
    replace(application("manual", automated=False), require_checks=("build",)),
    application("free"),
    replace(application("api", repository=Repository("github.com", "acme/api")), require_checks=("build",)),
]


@pytest.mark.parametrize(
    ("event", "reason", "names"),
    [
        (check("check_run", "build"), "check_run build of acme/web", ["web", "manual"]),
        (check("status", "ci/test"), "status ci/test of acme/web", ["web", "old"]),
        (check("status", "ci/test", ref=""), "status ci/test of acme/web", ["web", "old"]),
        (check("check_suite"), "check_suite of acme/web", ["web", "old", "manual"]),
        (check("workflow_run", ref="refs/heads/main"), "workflow_run of acme/web", ["web", "old", "manual"]),
    ],
)
def test_a_check_starts_who_requires_it_whatever_the_branch(event: Event, reason: str, names: list[str]) -> None:
    jobs = tuple(Job(name, reason, delivery=EVENT.delivery) for name in names)
    assert route(event, REQUIRING) == Routed(jobs)


def test_a_check_that_nobody_requires() -> None:
    routed = route(check("check_run", "lint"), REQUIRING)
    assert routed == Routed(reason="no application of acme/web requires the check lint")
    routed = route(check("check_suite"), [application("free")])
    assert routed == Routed(reason="no application of acme/web requires a check")


def deployment(environment: str) -> Event:
    return replace(EVENT, kind="deployment", ref="", before="", deployment=12, environment=environment)


def test_a_deployment_starts_the_application_that_its_environment_names() -> None:
    manual = Job("manual", "deployment 12 of acme/web", delivery=EVENT.delivery, deployment=12)
    assert route(deployment("manual"), REQUIRING) == Routed((manual,))


@pytest.mark.parametrize("environment", ["production", "api", "Web", ""])
def test_a_deployment_of_another_environment_is_told_what_there_is(environment: str) -> None:
    told = (
        f"{environment}, the environment of deployment 12 of acme/web, names no application of it; "
        "there are web, old, manual, free"
    )
    assert route(deployment(environment), REQUIRING) == Routed(reason=told)


def test_what_there_is_may_be_much_or_nothing() -> None:
    many = [application(f"a{number}") for number in range(12)]
    assert route(deployment("x"), many).reason.endswith("; there are a0, a1, a2, a3, a4, a5, a6, a7, a8, a9 and 2 more")
    assert route(deployment("x"), []).reason.endswith("names no application of it; there is none")


def test_there_is_no_application() -> None:
    assert route(EVENT, []) == Routed(reason="no application watches refs/heads/main of acme/web")
