"""The GitHub App, as a doctor looks at it."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from deployer.cli.checks.app import HOOKS, check_app, check_installation
from deployer.cli.checks.repository import check_repository
from deployer.cli.checks.section import Check, Section
from deployer.github.app import HELPFUL, NEEDED
from deployer.github.client import GitHub
from deployer.limits import DEFAULT_LIMITS
from deployer.repository import Repository
from deployer.settings import Settings
from deployer.sync.connections import app_of
from local.github import GitHub as LocalGitHub
from local.github.apps import App
from tests.cli.checks.test_github import application
from tests.local.github.helpers import TOKEN, serving_web


@pytest.fixture
def server(tmp_path: Path) -> Iterator[LocalGitHub]:
    with serving_web(tmp_path) as server:
        yield server


@pytest.fixture
def app(server: LocalGitHub) -> App:
    return server.apps.register("Deployer", permissions={**NEEDED, **HELPFUL})


@pytest.fixture
def settings(server: LocalGitHub, app: App, tmp_path: Path) -> Settings:
    key = tmp_path / "key.pem"
    key.write_text(app.private_key)
    return Settings(github_api_url=server.api_url, github_app_id=str(app.number), github_app_key=f"file:{key}")


def ask(settings: Settings) -> Check:
    section, app = Section("GitHub"), app_of(settings, HOOKS)
    with GitHub(settings.github_api_url, app) as github:
        answered = check_app(section, app, github, settings)
    (check,) = section.checks
    assert answered == (check.status == "ok")
    assert "PRIVATE" not in str(check)
    return check


def installed(settings: Settings) -> Check:
    section = Section("repository acme/web")
    with GitHub(settings.github_api_url, app_of(settings, HOOKS)) as github:
        there = check_installation(section, github, Repository(github.host, "acme/web"))
    (check,) = section.checks
    assert there or check.status == "failed"
    return check


def test_a_key_that_fits_is_told(server: LocalGitHub, settings: Settings) -> None:
    check = ask(settings)
    assert (check.name, check.status) == ("App", "ok")
    place = f"knows the key from {settings.github_app_key} as that of Deployer ({server.git_url}/apps/deployer)"
    assert place in check.message


def test_a_key_that_is_not_there_or_none_is_told(settings: Settings, tmp_path: Path) -> None:
    key = tmp_path / "key.pem"
    key.write_text("s3cret")
    check = ask(settings)
    assert (check.status, "no RSA private key as PEM" in check.message) == ("failed", True)
    assert "s3cret" not in str(check)
    assert "github-app.md" in check.hint
    key.unlink()
    assert "cannot be read" in ask(settings).message


def test_a_key_of_another_app_is_told(server: LocalGitHub, settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "key.pem").write_text(server.apps.register("other", permissions={}).private_key)
    check = ask(settings)
    assert (check.status, "is no private key of the App" in check.message) == ("failed", True)
    assert "its settings show its ID and its keys" in check.hint


def test_a_github_that_does_not_answer_is_told(server: LocalGitHub, settings: Settings) -> None:
    server.stop()
    check = ask(settings)
    assert (check.status, "cannot be reached" in check.message) == ("failed", True)
    assert "check DEPLOYER_GITHUB_API_URL" in check.hint


@pytest.mark.parametrize(
    ("permissions", "status", "said"),
    [
        ({**NEEDED, **HELPFUL}, "ok", "the App is installed, and may do what a sync needs (http"),
        (NEEDED, "ok", "; it lacks checks: read, actions: read, deployments: write, for checks that are required, or"),
        ({"contents": "read"}, "failed", "the App may not do all that a sync needs: it lacks statuses: write"),
        ({"statuses": "read"}, "failed", "it lacks contents: read, statuses: write"),
    ],
)
def test_each_permission_that_is_lacking_is_named(
    server: LocalGitHub, app: App, settings: Settings, permissions: Mapping[str, str], status: str, said: str
) -> None:
    installation = server.apps.install(app, "acme", permissions=permissions)
    check = installed(settings)
    assert (check.name, check.status) == ("installation", status)
    assert said in check.message
    if status == "failed":
        page = f"{server.git_url}/organizations/acme/settings/installations/{installation.number}"
        assert f"give them to the App in its settings, Permissions, and accept them at {page}" in check.hint


def test_an_app_that_is_not_installed_for_a_repository_is_told(
    server: LocalGitHub, app: App, settings: Settings
) -> None:
    assert "is not installed for acme (any more)" in installed(settings).message
    server.apps.install(app, "acme", repositories=["acme/other"])
    check = installed(settings)
    assert (check.status, "but not for acme/web" in check.message) == ("failed", True)
    assert "without, nothing is deployed from acme/web" in check.hint


def test_what_a_repository_lacks_is_explained_where_apps_are(server: LocalGitHub, app: App, settings: Settings) -> None:
    """Whoever has an App has no token, and the page that is about one is not for them."""
    server.apps.install(app, "acme", permissions={"metadata": "read", "statuses": "read", "contents": "read"})
    section = Section("repository acme/web")
    with GitHub(settings.github_api_url, app_of(settings, HOOKS)) as github, server.outage("/git/commits/", 403):
        repository = Repository(github.host, "acme/web")
        only = application(repository, require_checks="build", require_verified="true")
        check_repository(section, github, repository, [only], DEFAULT_LIMITS)
    hints = {check.name: check.hint for check in section.checks}
    assert hints["checks of web"] == "without, no commit of web is deployed (docs/how-to/github-app.md)"
    assert hints["signature of web"] == "without, no commit of web is deployed (docs/how-to/github-app.md)"
    assert hints["statuses"] == "give it commit statuses: write (docs/how-to/github-app.md)"


def test_of_a_token_there_is_nothing_to_say(server: LocalGitHub) -> None:
    section = Section("repository acme/web")
    with GitHub(server.api_url, TOKEN) as github:
        assert check_installation(section, github, Repository(github.host, "acme/web"))
    assert section.checks == []
