"""What a person is told where a GitHub App gets no token for a repository, and what is found out anew."""

from pathlib import Path
from typing import Any

import pytest

from deployer.errors import SourceError
from deployer.github.app import App
from deployer.github.client import GitHub
from local.github import GitHub as LocalGitHub
from local.github.apps import App as LocalApp
from local.github.apps import Installation, InstallationToken
from tests.faults.proxy import Answer, Proxy
from tests.github.apps import WEB, age, forget, refused, token_of
from tests.local.github.helpers import Clone


@pytest.mark.usefixtures("commit")
def test_an_app_that_is_installed_nowhere_is_told(as_app: GitHub) -> None:
    error = refused(as_app)
    assert str(error) == ("the GitHub App is not installed for acme (any more): install it there, with acme/web")
    assert error.status == 403, "404 is for what is not there, such as a branch"


@pytest.mark.usefixtures("commit")
def test_an_app_that_is_installed_elsewhere_is_told(server: LocalGitHub, as_app: GitHub, registered: LocalApp) -> None:
    for account in ("Beta", "alpha"):
        server.apps.install(registered, account)
    assert "is not installed for acme (any more); it is for alpha, beta: install" in str(refused(as_app))


@pytest.mark.usefixtures("commit")
def test_a_repository_that_is_not_among_the_chosen_is_told(
    server: LocalGitHub, as_app: GitHub, app: App, registered: LocalApp
) -> None:
    installation = server.apps.install(registered, "Acme", repositories=["acme/other"])
    said = str(refused(as_app))
    assert "is installed for acme, but not for acme/web, or there is no such repository (any more): choose it" in said
    assert f"at {server.git_url}/organizations/Acme/settings/installations/{installation.number}" in said
    server.apps.select(installation, None)
    forget(app)
    assert as_app.request("GET", WEB).text("full_name") == "acme/web", "it is asked anew"


@pytest.mark.usefixtures("commit")
def test_an_installation_that_ends_in_the_middle_is_told(
    server: LocalGitHub, as_app: GitHub, app: App, registered: LocalApp, installed: Installation
) -> None:
    as_app.request("GET", WEB)
    age(app)
    server.apps.uninstall(installed)
    assert "the GitHub App is not installed for acme (any more)" in str(refused(as_app))
    server.apps.install(registered, "acme")
    forget(app)
    assert as_app.request("GET", WEB).text("full_name") == "acme/web", "another installation is found"


@pytest.mark.usefixtures("commit")
def test_one_that_ends_right_after_its_token_was_made_is_told(
    server: LocalGitHub, as_app: GitHub, installed: Installation
) -> None:
    as_app.request("GET", WEB)
    server.apps.uninstall(installed)
    with pytest.raises(SourceError, match=r"does not know it everywhere yet, or the App was uninstalled; try again"):
        as_app.request("GET", WEB)


@pytest.mark.usefixtures("commit")
def test_one_that_is_suspended_is_told(server: LocalGitHub, as_app: GitHub, app: App, installed: Installation) -> None:
    as_app.request("GET", WEB)
    server.apps.suspend(installed)
    assert "has been suspended" in str(refused(as_app))
    forget(app)
    error = refused(as_app)
    assert "the GitHub App's installation for acme is suspended: unsuspend it at " in str(error)
    assert error.status == 403
    server.apps.unsuspend(installed)
    forget(app)
    assert as_app.request("GET", WEB).text("full_name") == "acme/web"


@pytest.mark.usefixtures("commit")
def test_permissions_that_are_changed_are_asked_for_anew(
    server: LocalGitHub, as_app: GitHub, app: App, installed: Installation, commit: str
) -> None:
    as_app.request("GET", WEB)
    installed.permissions = {"metadata": "read", "contents": "read"}
    forget(app)
    assert as_app.request("GET", WEB).text("full_name") == "acme/web"
    with pytest.raises(SourceError, match="and accept in the settings of its installation, the permission statuses=w"):
        as_app.request("POST", f"{WEB}/statuses/{commit}", {"state": "success", "context": "x"})


@pytest.mark.usefixtures("commit")
def test_one_that_may_not_read_is_told(server: LocalGitHub, as_app: GitHub, registered: LocalApp) -> None:
    server.apps.install(registered, "acme", permissions={"statuses": "write"})
    said = str(refused(as_app))
    assert (
        "the GitHub App may not read acme/web: give it the permission Contents: Read-only in its settings, and" in said
    )


@pytest.mark.usefixtures("installed", "commit")
def test_a_repository_that_was_renamed_is_told(server: LocalGitHub, as_app: GitHub, app: App, commit: str) -> None:
    as_app.request("GET", WEB)
    server.rename("acme/web", "acme/site")
    said = as_app.request("POST", f"{WEB}/statuses/{commit}", {"state": "success", "context": "x"})
    assert said.text("state") == "success", "GitHub redirects to where it is now"
    forget(app)
    assert "if it was renamed, moved or deleted, change repoURL" in str(refused(as_app))


@pytest.mark.usefixtures("installed", "commit")
def test_a_repository_that_was_deleted_is_told(server: LocalGitHub, as_app: GitHub, app: App) -> None:
    as_app.request("GET", WEB)
    server.delete("acme/web")
    assert "or hides it from this installation of the GitHub App: check repoURL" in str(refused(as_app))
    forget(app)
    assert "or there is no such repository (any more)" in str(refused(as_app))


@pytest.mark.usefixtures("installed", "commit")
def test_a_repository_that_was_moved_to_another_account_is_told_and_mixed_up_with_none_of_that(
    server: LocalGitHub, as_app: GitHub, app: App, registered: LocalApp, tmp_path: Path
) -> None:
    """GitHub answers with the other account's installation, of which a token would be for the other's repository."""
    server.apps.install(registered, "Beta")
    for owner in ("acme", "beta"):
        clone = Clone(tmp_path / owner, f"{server.git_url}/{owner}/api.git")
        clone.commit("first", {"a": "1"})
        clone.push("main")
    server.rename("acme/web", "beta/web")
    error = refused(as_app)
    assert str(error) == "acme/web was moved to beta: change repoURL"
    assert error.status == 403
    assert as_app.request("GET", "/repos/acme/api").text("full_name") == "acme/api"
    token = server.tokens.find(f"token {token_of(app, as_app, 'acme/api')}")
    assert isinstance(token, InstallationToken)
    assert token.installation.account == "acme"


@pytest.mark.usefixtures("installed", "commit")
def test_a_token_that_is_for_another_repository_is_not_used(
    proxy: Proxy, faulty_as_app: GitHub, hidden: list[str]
) -> None:
    token = {
        "token": "ghs_another",
        "expires_at": "2100-01-01T00:00:00Z",
        "repositories": [{"full_name": "Beta/web"}],
    }
    proxy.play("POST .*/access_tokens", Answer(201, token))
    assert str(refused(faulty_as_app)) == "acme/web was moved to beta/web: change repoURL"
    assert hidden[-1] == "ghs_another"
    assert not any(one.headers["authorization"] == "token ghs_another" for one in proxy.seen)


@pytest.mark.usefixtures("commit")
@pytest.mark.parametrize(
    ("account", "there"),
    [({"id": 2, "slug": "octo", "name": "Octo"}, "; it is for octo"), (None, ""), ({"login": None}, "")],
)
def test_an_installation_that_is_no_account_of_the_usual_kind_is_no_hindrance(
    proxy: Proxy, faulty_as_app: GitHub, account: Any, there: str
) -> None:
    one = {"id": 1, "account": account, "html_url": "https://example.com/1", "target_type": "Enterprise"}
    proxy.play("GET .*/app/installations", Answer(200, [one]))
    said = str(refused(faulty_as_app))
    assert said == f"the GitHub App is not installed for acme (any more){there}: install it there, with acme/web"
