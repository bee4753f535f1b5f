"""GitHub itself, and what is asked of it about a repository."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from deployer.application import Application, parse_application
from deployer.cli.checks.github import check_github
from deployer.cli.checks.repository import check_repository
from deployer.cli.checks.section import Check, Section
from deployer.github.client import GitHub
from deployer.http import Timeouts
from deployer.limits import DEFAULT_LIMITS
from deployer.repository import Repository, parse_repository
from deployer.webhook import NO_COMMIT
from local.github import GitHub as LocalGitHub
from local.github.hook import Hook
from tests.faults.proxy import Answer, Proxy
from tests.local.github.helpers import SECRET, TOKEN, Clone, signing_key
from tests.world import config_map

RATE_LIMIT = Answer(
    403,
    {"message": "API rate limit exceeded"},
    {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": str(int(time.time()) + 3600)},
)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[LocalGitHub]:
    with LocalGitHub(tmp_path / "github", token=TOKEN, webhook_url=None, webhook_secret=SECRET) as server:
        yield server


@pytest.fixture
def repository(tmp_path: Path, server: LocalGitHub) -> Repository:
    clone = Clone(tmp_path / "clone", f"{server.git_url}/acme/web.git")
    clone.commit(
        "first",
        {"k8s/a.yaml": config_map("a"), "empty/README": "", "bad/a.yaml": "apiVersion: v1\nkind: [\nmetadata: {}\n"},
    )
    clone.push("main")
    return parse_repository(clone.url)


def application(
    repository: Repository, require_checks: str = "", require_verified: str = "", **source: str
) -> Application:
    annotations = {"deployer/require-checks": require_checks, "deployer/require-verified": require_verified}
    document = {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Application",
        "metadata": {"name": "web", "annotations": annotations},
        "spec": {
            "source": {
                "repoURL": f"https://{repository.host}/{repository}",
                "targetRevision": "main",
                "path": "k8s",
                **source,
            },
            "destination": {"name": "staging", "namespace": "web"},
        },
    }
    return parse_application(document, "web.yaml, document 1")


def look(
    server: LocalGitHub,
    repository: Repository,
    token: str = TOKEN,
    *,
    require_checks: str = "",
    require_verified: str = "",
    **source: str,
) -> dict[str, Check]:
    section = Section("repository")
    with GitHub(server.api_url, token) as github:
        only = application(repository, require_checks, require_verified, **source)
        check_repository(section, github, repository, [only], DEFAULT_LIMITS)
    return {check.name: check for check in section.checks}


def ask(url: str, token: str = TOKEN) -> Check:
    section = Section("GitHub")
    with GitHub(url, token, Timeouts(1, 1, 1)) as github:
        answered = check_github(section, github)
    (check,) = section.checks
    assert answered == (check.status != "failed")
    return check


def test_what_is_left_of_the_rate_limit_is_told(server: LocalGitHub) -> None:
    check = ask(server.api_url)
    assert check.status == "ok"
    assert "5,000 of 5,000 requests are left until " in check.message
    server.limits.primary.limit = 100
    assert server.limits.primary.take(91)
    check = ask(server.api_url)
    assert (check.status, "9 of 100 requests" in check.message) == ("warning", True)
    assert ask(server.api_url).message == check.message, "asking costs nothing"


def test_a_github_without_a_rate_limit_is_fine(server: LocalGitHub, tmp_path: Path) -> None:
    with Proxy(server.git_url, tmp_path) as proxy:
        proxy.play("GET .*/rate_limit", Answer(404, {"message": "Rate limiting is not enabled."}))
        proxy.play("GET .*/meta", Answer(200, {"verifiable_password_authentication": True}))
        check = ask(f"{proxy.url}/api/v3")
    assert (check.status, "has no rate limit" in check.message) == ("ok", True)


def test_a_wrong_token_is_not_the_same_as_no_github(server: LocalGitHub) -> None:
    check = ask(server.api_url, "wr0ng")
    assert (check.status, "refused the token (401" in check.message) == ("failed", True)
    assert "new token" in check.hint
    check = ask(server.git_url)
    assert (check.status, "DEPLOYER_GITHUB_API_URL" in check.hint) == ("failed", True)


def test_a_token_that_may_do_all_leaves_no_trace(server: LocalGitHub, repository: Repository) -> None:
    found = look(server, repository)
    assert {name: check.status for name, check in found.items()} == {
        "source of web": "ok",
        "statuses": "ok",
        "webhook": "warning",  # there is none here
    }
    assert found["source of web"].message.endswith("has 1 manifest in k8s")
    assert ("POST", f"/repos/acme/web/statuses/{NO_COMMIT}") in server.requests
    assert not server.statuses.of("acme/web", NO_COMMIT)


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ({"targetRevision": "next"}, "acme/web has no branch or tag next"),
        ({"path": "nowhere"}, "no path 'nowhere'"),
        ({"path": "empty"}, "there are no manifests at empty"),
        ({"path": "bad"}, "a.yaml"),
    ],
)
def test_a_source_that_a_sync_would_refuse(
    server: LocalGitHub, repository: Repository, source: dict[str, str], said: str
) -> None:
    found = look(server, repository, **source)
    assert (found["source of web"].status, said in found["source of web"].message) == ("failed", True)
    assert "web.yaml, document 1" in found["source of web"].hint
    assert found["statuses"].status == "ok", "it does not depend on the source"


@pytest.mark.parametrize(
    ("permissions", "statuses"),
    [
        ({"contents": "read", "statuses": "write", "repository_hooks": "read"}, ("ok", "ok", "warning")),
        ({"contents": "read", "statuses": "write"}, ("ok", "ok", "skipped")),
        ({"contents": "read", "statuses": "read"}, ("ok", "failed", "skipped")),
        ({"contents": "read"}, ("ok", "failed", "skipped")),
        ({"statuses": "write"}, ("failed", "ok", "skipped")),
    ],
)
def test_each_permission_of_a_fine_grained_token_is_found_out(
    server: LocalGitHub, repository: Repository, permissions: dict[str, str], statuses: tuple[str, str, str]
) -> None:
    server.tokens.add("github_pat_x", permissions=permissions)
    found = look(server, repository, "github_pat_x")
    assert tuple(found[name].status for name in ("source of web", "statuses", "webhook")) == statuses
    if found["statuses"].status == "failed":
        assert "may not write commit statuses" in found["statuses"].message
        assert "repo:status" in found["statuses"].hint
    if found["webhook"].status == "skipped":
        assert "by hand" in found["webhook"].hint


@pytest.mark.parametrize(
    ("scopes", "statuses"),
    [(("repo",), ("ok", "ok", "warning")), (("repo:status",), ("failed", "skipped", "skipped"))],
)
def test_each_scope_of_a_classic_token_is_found_out(
    server: LocalGitHub, repository: Repository, scopes: tuple[str, ...], statuses: tuple[str, str, str]
) -> None:
    server.tokens.add("ghp_x", scopes=scopes)
    found = look(server, repository, "ghp_x")
    assert tuple(found[name].status for name in ("source of web", "statuses", "webhook")) == statuses


@pytest.mark.parametrize(
    ("permissions", "status", "said"),
    [
        ({"contents": "read", "statuses": "write", "checks": "read"}, "ok", "build is waiting, lint is waiting at "),
        ({"contents": "read", "statuses": "write"}, "failed", "acme/web"),
        ({"contents": "read", "checks": "read"}, "failed", "acme/web"),
    ],
)
def test_whether_the_token_sees_the_checks_that_are_required(
    server: LocalGitHub, repository: Repository, permissions: dict[str, str], status: str, said: str
) -> None:
    server.tokens.add("ghs_x", permissions=permissions)
    found = look(server, repository, "ghs_x", require_checks="build, lint")
    assert (found["checks of web"].status, said in found["checks of web"].message) == (status, True)
    assert "for pushes and checks, and its" in found["webhook"].hint
    assert "checks of web" not in look(server, repository, "ghs_x"), "none is required"


def test_whether_the_watched_commit_is_signed_is_told_where_it_must_be(
    server: LocalGitHub, repository: Repository, tmp_path: Path
) -> None:
    assert "signature of web" not in look(server, repository), "it need not be"
    check = look(server, repository, require_verified="true")["signature of web"]
    assert (check.status, check.message[7:]) == ("warning", " is not signed, so it is not deployed")
    assert check.hint.startswith("push a signed commit")
    clone, (key, public) = (
        Clone(tmp_path / "other", f"{server.git_url}/{repository}.git"),
        signing_key(tmp_path / "key"),
    )
    server.signers.add("ada@example.com", public)
    commit = clone.commit("signed", {"k8s/a.yaml": config_map("a")}, key)
    clone.push("--force", "main")
    body = {"verification": {"verified": False, "reason": "gpgverify_unavailable"}}
    server.fail("/git/commits/", 200, body=body)
    check = look(server, repository, require_verified="true")["signature of web"]
    waits = f"{commit[:7]} waits for GitHub's check of its signature, and is not deployed before"
    assert (check.status, check.message) == ("warning", waits)
    check = look(server, repository, require_verified="true")["signature of web"]
    assert (check.status, check.message) == ("ok", f"GitHub verifies {commit[:7]}")
    server.fail("/git/ref/", 403, times=9)
    check = look(server, repository, require_verified="true")["signature of web"]
    assert (check.status, "403" in check.message) == ("failed", True)
    assert check.hint.startswith("without, no commit of web is deployed")


def test_where_checks_are_required_a_webhook_must_hear_of_them(server: LocalGitHub, repository: Repository) -> None:
    server.webhook = Hook("https://deployer.example.com", SECRET)
    assert (
        "but not for checks, which web requires" in look(server, repository, require_checks="build")["webhook"].message
    )
    server.webhook = Hook("https://deployer.example.com", SECRET, events=("push", "check_run"))
    assert "for pushes and check runs, as json, and nothing" in look(server, repository)["webhook"].message


def test_a_repository_elsewhere_is_not_asked_for(server: LocalGitHub, repository: Repository) -> None:
    there = Repository("github.com", repository.full_name)
    found = look(server, there)
    (check,) = found.values()
    assert (check.status, check.name) == ("failed", "acme/web")
    assert check.message == f"it is at github.com, and this deployer reads {repository.host}"
    assert not [path for _, path in server.requests if "acme/web" in path]


@pytest.mark.parametrize(
    ("request_", "answer", "name", "status", "said"),
    [
        ("POST .*/statuses/", Answer(400, {"message": "what?"}), "statuses", "failed", "GitHub answered 400"),
        ("POST .*/statuses/", Answer(201, {}), "statuses", "warning", "for a commit that cannot exist"),
        ("GET .*/hooks", Answer(400, {"message": "what?"}), "webhook", "failed", "GitHub answered 400"),
        ("GET .*/hooks", Answer(200, {"not": "a list"}), "webhook", "failed", "no list of JSON objects"),
        ("POST .*/statuses/", RATE_LIMIT, "statuses", "failed", "GitHub's rate limit for this token is used up until"),
        ("GET .*/hooks", RATE_LIMIT, "webhook", "failed", "GitHub's rate limit for this token is used up until"),
    ],
)
def test_an_answer_that_decides_nothing_is_told(
    server: LocalGitHub,
    repository: Repository,
    tmp_path: Path,
    request_: str,
    answer: Answer,
    name: str,
    status: str,
    said: str,
) -> None:
    with Proxy(server.git_url, tmp_path) as proxy:
        proxy.play(request_, answer)
        section = Section("repository")
        with GitHub(f"{proxy.url}/api/v3", TOKEN) as github:
            there = Repository(github.host, repository.full_name)
            check_repository(section, github, there, [application(there)], DEFAULT_LIMITS)
    found = {check.name: check for check in section.checks}
    assert (found[name].status, said in found[name].message) == (status, True), found[name]
