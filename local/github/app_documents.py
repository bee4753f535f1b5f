"""The JSON documents in which GitHub describes Apps, their installations, and the tokens of those.

Their fields are those of https://github.com/github/rest-api-description.
"""

from local.github import documents
from local.github.apps import App, Installation, InstallationToken
from local.github.documents import Document
from local.github.repository import Repository


def app(base: str, app: App, installations: int) -> Document:
    """Describe an App as `GET /app` does; `installations` is how many it has."""
    html, made = f"{base}/apps/{app.slug}", documents.utc(app.created)
    return {
        "id": app.number,
        "slug": app.slug,
        "node_id": documents.node_id("App", app.number),
        "client_id": app.client_id,
        "owner": documents.account(base, documents.USER),
        "name": app.name,
        "description": None,
        "external_url": html,
        "html_url": html,
        "created_at": made,
        "updated_at": made,
        "permissions": dict(app.permissions),
        "events": [],
        "installations_count": installations,
    }


def installation(base: str, installation: Installation) -> Document:
    """Describe where an App is installed."""
    api, account, made = f"{base}/api/v3", installation.account, documents.utc(installation.created)
    suspended = installation.suspended
    return {
        "id": installation.number,
        "account": documents.account(base, account, "Organization"),
        "repository_selection": installation.selection,
        "access_tokens_url": f"{api}/app/installations/{installation.number}/access_tokens",
        "repositories_url": f"{api}/installation/repositories",
        "html_url": f"{base}/organizations/{account}/settings/installations/{installation.number}",
        "app_id": installation.app.number,
        "app_slug": installation.app.slug,
        "target_id": documents.number(account),
        "target_type": "Organization",
        "permissions": dict(installation.permissions),
        "events": [],
        "created_at": made,
        "updated_at": made,
        "single_file_name": None,
        "has_multiple_single_files": False,
        "single_file_paths": [],
        "suspended_by": documents.account(base, documents.USER) if suspended else None,
        "suspended_at": documents.utc(suspended) if suspended else None,
    }


def token(base: str, token: InstallationToken, repositories: list[Repository] | None) -> Document:
    """Describe a new token, with the repositories that it was asked for, if it was."""
    named = [documents.full_repository(base, repository) for repository in repositories or ()]
    for one in named:
        del one["network_count"], one["subscribers_count"]  # as in other documents that hold it
    return {
        "token": token.value,
        "expires_at": documents.utc(token.expires),
        "permissions": dict(token.permissions),
        "repository_selection": token.installation.selection if repositories is None else "selected",
        **({} if repositories is None else {"repositories": named}),
    }
