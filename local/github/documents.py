"""The JSON documents in which GitHub describes people, repositories and git objects.

Their fields are those of https://github.com/github/rest-api-description; `base` is where the GitHub is, without a slash
at the end.
"""

import base64
import zlib
from datetime import UTC, datetime
from typing import Any

from local.github.objects import Commit, Person, Tag
from local.github.repository import Repository
from local.github.signers import Verification

Document = dict[str, Any]

USER = "octocat"  # git over loopback HTTP knows no accounts: whoever pushes, and whoever holds the token, is this one
EMAIL = "octocat@users.noreply.github.com"

_REPOSITORY_LINKS = {
    "archive_url": "/{archive_format}{/ref}",
    "assignees_url": "/assignees{/user}",
    "blobs_url": "/git/blobs{/sha}",
    "branches_url": "/branches{/branch}",
    "collaborators_url": "/collaborators{/collaborator}",
    "comments_url": "/comments{/number}",
    "commits_url": "/commits{/sha}",
    "compare_url": "/compare/{base}...{head}",
    "contents_url": "/contents/{+path}",
    "contributors_url": "/contributors",
    "deployments_url": "/deployments",
    "downloads_url": "/downloads",
    "events_url": "/events",
    "forks_url": "/forks",
    "git_commits_url": "/git/commits{/sha}",
    "git_refs_url": "/git/refs{/sha}",
    "git_tags_url": "/git/tags{/sha}",
    "hooks_url": "/hooks",
    "issue_comment_url": "/issues/comments{/number}",
    "issue_events_url": "/issues/events{/number}",
    "issues_url": "/issues{/number}",
    "keys_url": "/keys{/key_id}",
    "labels_url": "/labels{/name}",
    "languages_url": "/languages",
    "merges_url": "/merges",
    "milestones_url": "/milestones{/number}",
    "notifications_url": "/notifications{?since,all,participating}",
    "pulls_url": "/pulls{/number}",
    "releases_url": "/releases{/id}",
    "stargazers_url": "/stargazers",
    "statuses_url": "/statuses/{sha}",
    "subscribers_url": "/subscribers",
    "subscription_url": "/subscription",
    "tags_url": "/tags",
    "teams_url": "/teams",
    "trees_url": "/git/trees{/sha}",
}


def number(*words: str) -> int:
    """Return the number that GitHub would know something by: always the same for the same words."""
    return zlib.crc32("/".join(words).lower().encode())


def repository_number(repository: Repository) -> int:
    """Return the number of a repository: that of its folder, as it is the same after the repository is renamed."""
    return number(repository.path.parent.name, repository.path.stem)


def node_id(kind: str, value: object) -> str:
    """Return a global node id, made as GitHub made them at first: base64 of the kind's length, the kind and the id."""
    return base64.b64encode(f"{len(kind):03}:{kind}{value}".encode()).decode()


def utc(time: datetime) -> str:
    """Return a time as the REST API writes it."""
    return time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def account(base: str, login: str, kind: str = "User") -> Document:
    """Describe a user, or an organisation (`kind` Organization)."""
    api, identity = f"{base}/api/v3/users/{login}", number(login)
    return {
        "login": login,
        "id": identity,
        "node_id": node_id(kind, identity),
        "avatar_url": f"{base}/avatars/u/{identity}",
        "gravatar_id": "",
        "url": api,
        "html_url": f"{base}/{login}",
        "followers_url": f"{api}/followers",
        "following_url": f"{api}/following{{/other_user}}",
        "gists_url": f"{api}/gists{{/gist_id}}",
        "starred_url": f"{api}/starred{{/owner}}{{/repo}}",
        "subscriptions_url": f"{api}/subscriptions",
        "organizations_url": f"{api}/orgs",
        "repos_url": f"{api}/repos",
        "events_url": f"{api}/events{{/privacy}}",
        "received_events_url": f"{api}/received_events",
        "type": kind,
        "site_admin": False,
    }


def organization(base: str, login: str) -> Document:
    """Describe an organisation as webhooks do."""
    api, identity = f"{base}/api/v3/orgs/{login}", number(login)
    return {
        "login": login,
        "id": identity,
        "node_id": node_id("Organization", identity),
        "url": api,
        "repos_url": f"{api}/repos",
        "events_url": f"{api}/events",
        "hooks_url": f"{api}/hooks",
        "issues_url": f"{api}/issues",
        "members_url": f"{api}/members{{/member}}",
        "public_members_url": f"{api}/public_members{{/member}}",
        "avatar_url": f"{base}/avatars/u/{identity}",
        "description": None,
    }


def minimal_repository(base: str, repository: Repository) -> Document:
    """Describe a repository as other documents hold it."""
    api, identity = repository_api(base, repository), repository_number(repository)
    return {
        "id": identity,
        "node_id": node_id("Repository", identity),
        "name": repository.name,
        "full_name": repository.full_name,
        "private": True,
        "owner": account(base, repository.owner, "Organization"),
        "html_url": f"{base}/{repository.full_name}",
        "description": None,
        "fork": repository.is_fork,
        "url": api,
        **{name: f"{api}{path}" for name, path in _REPOSITORY_LINKS.items()},
    }


def full_repository(base: str, repository: Repository) -> Document:
    """Describe a repository as `GET /repos/{owner}/{repo}` does."""
    html = f"{base}/{repository.full_name}"
    host = base.split("://")[1]
    created = datetime.fromtimestamp((repository.path / "config").stat().st_mtime, UTC)
    pushed = datetime.fromtimestamp(repository.path.stat().st_mtime, UTC)
    zero = ("forks", "forks_count", "network_count", "open_issues", "open_issues_count", "size", "stargazers_count")
    return {
        **minimal_repository(base, repository),
        "git_url": f"git://{host}/{repository.full_name}.git",
        "ssh_url": f"git@{host}:{repository.full_name}.git",
        "clone_url": f"{html}.git",
        "svn_url": html,
        "default_branch": repository.default_branch(),
        "created_at": utc(created),
        "updated_at": utc(pushed),
        "pushed_at": utc(pushed),
        **dict.fromkeys((*zero, "subscribers_count", "watchers", "watchers_count"), 0),
        **dict.fromkeys(("homepage", "language", "license", "mirror_url"), None),
        **dict.fromkeys(("archived", "disabled", "has_discussions", "has_pages", "is_template"), False),
        **dict.fromkeys(("has_downloads", "has_issues", "has_projects", "has_wiki"), True),
        "topics": [],
        "visibility": "private",
        "permissions": dict.fromkeys(("admin", "maintain", "push", "triage", "pull"), True),
    }


def repository_api(base: str, repository: Repository) -> str:
    """Return the REST address of a repository."""
    return f"{base}/api/v3/repos/{repository.full_name}"


def git_commit(base: str, repository: Repository, commit: Commit, verification: Verification) -> Document:
    """Describe a commit as `GET …/git/commits/{sha}` does."""
    api, html = repository_api(base, repository), f"{base}/{repository.full_name}"
    parents = [
        {"sha": sha, "url": f"{api}/git/commits/{sha}", "html_url": f"{html}/commit/{sha}"} for sha in commit.parents
    ]
    return {
        "sha": commit.sha,
        "node_id": node_id("Commit", commit.sha),
        "url": f"{api}/git/commits/{commit.sha}",
        "html_url": f"{html}/commit/{commit.sha}",
        **_commit_details(api, commit, verification),
        "parents": parents,
    }


def full_commit(base: str, repository: Repository, commit: Commit, verification: Verification) -> Document:
    """Describe a commit as `GET …/commits/{ref}` does; `author` is null where no account has that e-mail address."""
    api, html = repository_api(base, repository), f"{base}/{repository.full_name}"
    url = f"{api}/commits/{commit.sha}"
    parents = [
        {"sha": sha, "url": f"{api}/commits/{sha}", "html_url": f"{html}/commit/{sha}"} for sha in commit.parents
    ]
    details = {
        "url": f"{api}/git/commits/{commit.sha}",
        "comment_count": 0,
        **_commit_details(api, commit, verification),
    }
    return {
        "sha": commit.sha,
        "node_id": node_id("Commit", commit.sha),
        "commit": details,
        "url": url,
        "html_url": f"{html}/commit/{commit.sha}",
        "comments_url": f"{url}/comments",
        "author": None,
        "committer": None,
        "parents": parents,
    }


def simple_commit(commit: Commit) -> Document:
    """Describe a commit as check suites and workflow runs do."""
    people = {"author": commit.author, "committer": commit.committer}
    return {
        "id": commit.sha,
        "tree_id": commit.tree,
        "message": commit.message,
        "timestamp": utc(commit.committer.time),
        **{role: {"name": person.name, "email": person.email} for role, person in people.items()},
    }


def git_tag(base: str, repository: Repository, tag: Tag) -> Document:
    """Describe an annotated tag as `GET …/git/tags/{sha}` does."""
    api = repository_api(base, repository)
    return {
        "node_id": node_id("Tag", tag.sha),
        "sha": tag.sha,
        "url": f"{api}/git/tags/{tag.sha}",
        "tagger": _git_user(tag.tagger),
        "object": git_object(api, tag.target, tag.target_type),
        "tag": tag.name,
        "message": tag.message,
        "verification": _verification(Verification("unsigned")),
    }


def git_object(api: str, sha: str, kind: str) -> Document:
    """Point at a git object, as refs and tags do."""
    return {"sha": sha, "type": kind, "url": f"{api}/git/{kind}s/{sha}"}


def _commit_details(api: str, commit: Commit, verification: Verification) -> Document:
    return {
        "author": _git_user(commit.author),
        "committer": _git_user(commit.committer),
        "message": commit.message,
        "tree": {"sha": commit.tree, "url": f"{api}/git/trees/{commit.tree}"},
        "verification": _verification(verification),
    }


def _git_user(person: Person) -> Document:
    return {"name": person.name, "email": person.email, "date": utc(person.time)}


def _verification(found: Verification) -> Document:
    return {
        "verified": found.verified,
        "reason": found.reason,
        "signature": found.signature,
        "payload": found.payload,
        "verified_at": utc(found.verified_at) if found.verified_at else None,
    }
