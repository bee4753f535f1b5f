"""What a push changed, and the payload in which GitHub tells of it.

https://docs.github.com/en/webhooks/webhook-events-and-payloads#push
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from local.github import documents
from local.github.documents import Document
from local.github.git import ZEROS
from local.github.objects import Person, parse_commit
from local.github.repository import Changes, Ref, Repository

# A push of more than that makes no events at all for its branches, or for its tags.
MOST_BRANCHES = 5_000
MOST_TAGS = 3
MOST_COMMITS = 2_048  # in one payload

Refs = Mapping[str, Ref]


@dataclass(frozen=True)
class RefChange:
    """A ref that a push moved; `ZEROS` stands for "was not there" and "is no more"."""

    ref: str
    before: str
    after: str

    @property
    def created(self) -> bool:
        """Whether the push made the ref."""
        return self.before == ZEROS

    @property
    def deleted(self) -> bool:
        """Whether the push removed the ref."""
        return self.after == ZEROS


def announced(before: Refs, after: Refs) -> list[RefChange]:
    """Return the changes between two states of the refs that GitHub sends events for."""
    nothing = Ref(ZEROS, "")
    moved = [name for name in sorted({*before, *after}) if before.get(name) != after.get(name)]
    changes = [RefChange(name, before.get(name, nothing).sha, after.get(name, nothing).sha) for name in moved]
    branches = [change for change in changes if change.ref.startswith("refs/heads/")]
    tags = [change for change in changes if change.ref.startswith("refs/tags/")]
    return branches * (len(branches) <= MOST_BRANCHES) + tags * (len(tags) <= MOST_TAGS)


def payload(base: str, repository: Repository, change: RefChange, before: Refs, after: Refs) -> Document:
    """Return the push event for one change; `before` and `after` are all refs around the push."""
    html = f"{base}/{repository.full_name}"
    heads = [ref.sha for name, ref in before.items() if name.startswith("refs/heads/")]
    head = None if change.deleted else repository.peel(change.after, "commit")
    pushed: list[str] = []
    new: list[str] = []  # to the repository, not just to this branch
    if head and change.ref.startswith("refs/heads/"):
        new = repository.commits_between(head, heads, MOST_COMMITS)
        pushed = new if change.created else repository.commits_between(head, [change.before], MOST_COMMITS)
    commits = _commits(html, repository, pushed, frozenset(new))
    return {
        "ref": change.ref,
        "before": change.before,
        "after": change.after,
        "repository": _repository(base, repository),
        "pusher": {"name": documents.USER, "email": documents.EMAIL},
        "organization": documents.organization(base, repository.owner),
        "sender": documents.account(base, documents.USER),
        "created": change.created,
        "deleted": change.deleted,
        "forced": _forced(repository, change),
        "base_ref": _base_ref(change, before, after),
        "compare": f"{html}/compare/{_compared(change)}",
        "commits": commits,
        "head_commit": _commits(html, repository, [head], frozenset([head]))[0] if head else None,
    }


def _forced(repository: Repository, change: RefChange) -> bool:
    """Tell whether the ref lost commits."""
    if change.created or change.deleted:
        return False
    return bool(repository.commits_between(change.before, [change.after], 1))


def _base_ref(change: RefChange, before: Refs, after: Refs) -> str | None:
    """Name the branch that a new branch or tag was made from: one that points at the same commit."""
    if not change.created:
        return None
    candidates = before if change.ref.startswith("refs/heads/") else after
    return next((n for n, r in candidates.items() if n.startswith("refs/heads/") and r.sha == change.after), None)


def _compared(change: RefChange) -> str:
    if change.created:
        return change.ref.split("/", 2)[2]
    return f"{change.before[:12]}...{change.after[:12]}"


def _commits(html: str, repository: Repository, shas: list[str], new: frozenset[str]) -> list[Document]:
    changes = repository.changes(shas)
    nothing = Changes([], [], [])
    return [
        {
            "id": commit.sha,
            "tree_id": commit.tree,
            "distinct": commit.sha in new,
            "message": commit.message,
            "timestamp": commit.committer.time.isoformat().replace("+00:00", "Z"),
            "url": f"{html}/commit/{commit.sha}",
            "author": _person(commit.author),
            "committer": _person(commit.committer),
            **changes.get(commit.sha, nothing)._asdict(),
        }
        for commit in map(parse_commit, repository.read_all(shas))
    ]


def _person(person: Person) -> Document:
    return {"name": person.name, "email": person.email}


def _repository(base: str, repository: Repository) -> Document:
    """In push events a repository has its times as seconds, its page as address, and other fields of old."""
    full = documents.full_repository(base, repository)
    for name in ("network_count", "subscribers_count"):
        del full[name]
    owner = {"name": repository.owner, "email": None, **full["owner"]}
    times = {name: int(datetime.fromisoformat(full[name]).timestamp()) for name in ("created_at", "pushed_at")}
    old = {"stargazers": 0, "master_branch": full["default_branch"], "organization": repository.owner}
    return {**full, **times, **old, "owner": owner, "url": full["html_url"]}
