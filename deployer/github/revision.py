"""Which commit a ref points at."""

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from urllib.parse import quote

from deployer.errors import SourceError
from deployer.github.answer import Answer
from deployer.github.client import GitHub
from deployer.repository import Repository, is_ref_name
from deployer.source import HEAD
from deployer.versions import Range, nearest, newest, parse_range

LAG = 5.0
"""Seconds that GitHub's API may stay behind its webhook before we take its word for it."""

_PAUSE = 0.5
_MAX_TAGS = 5  # that point at each other
_PER_PAGE, _MAX_PAGES = 100, 100


@dataclass(frozen=True)
class Ref:
    """A branch or tag, `refs/heads/…` or `refs/tags/…`, and what it points at: a `kind` of Git object, and its SHA.

    An annotated tag points at a `tag`, which is an object of its own.
    """

    name: str
    kind: str
    sha: str


def find_ref(github: GitHub, repository: Repository, target_revision: str) -> Ref:
    """Find the branch or tag that a revision names, as `resolve` does, and what it points at now.

    Raises SourceError where there is no such repository or ref.
    """
    return _look(github, repository, target_revision)[0]


def resolve(github: GitHub, repository: Repository, target_revision: str) -> str:
    """Find the commit that a revision points at now.

    Args:
        github: where to ask.
        repository: whose refs.
        target_revision: `HEAD` (the default branch), a branch, a tag, `refs/heads/…`, `refs/tags/…`, or a range of
            versions, which is the newest tag that fits; where none does, it is a name like any other, as it is for Argo
            CD (`LsRemote` in its `util/git`). Where a branch and a tag have the same name, the branch is taken.

    Returns:
        The SHA of a commit; an annotated tag is followed to it.

    Raises:
        SourceError: there is no such repository or ref, or it points at something that is no commit.
    """
    return _commit(github, repository, find_ref(github, repository, target_revision))


def resolve_after_push(
    github: GitHub, repository: Repository, target_revision: str, before: str, after: str = ""
) -> str:
    """Find the commit that a revision points at, as `resolve` does, after a push that was told of by a webhook.

    GitHub's API may lag behind its webhooks: while the ref is still what it was `before` the push, ask again for
    `LAG` seconds. A ref that does not exist yet (`before` is zeros) is waited for likewise.

    Args:
        github: where to ask.
        repository: whose refs.
        target_revision: as for `resolve`.
        before: the SHA in the ref before the push; of an annotated tag, this is not the commit's
            (https://docs.github.com/webhooks/webhook-events-and-payloads#push).
        after: the SHA in the ref since; a tag that is new among those of a range is waited for by it. For what is
            returned it counts for nothing: anybody's fork can have such a commit in this repository's network.

    Raises:
        SourceError: as for `resolve`.
    """
    deadline = time.monotonic() + LAG
    created = not before.strip("0")
    while True:
        late = time.monotonic() > deadline
        try:
            found, among = _look(github, repository, target_revision)
            unseen = created and after and among and after not in among
            if late or not (found.sha == before or unseen):
                return _commit(github, repository, found)
        except SourceError as error:
            if late or not created or error.status != 404:
                raise
        time.sleep(_PAUSE)


def contains(github: GitHub, repository: Repository, commit: str, revision: str) -> bool:
    """Whether a commit has another one among its ancestors, or is that one.

    GitHub serves the commits of every fork by their SHA, so one that nobody has merged can be had as well.

    Args:
        github: where to ask.
        repository: whose commits.
        commit: the later one.
        revision: the earlier one.

    Raises:
        SourceError: GitHub cannot be reached, or refuses.
    """
    # Only the first page has the files that differ, which may be many.
    path = f"/repos/{repository.full_name}/compare/{revision}...{commit}?per_page=1&page=2"
    try:
        return github.request("GET", path).text("status") in ("ahead", "identical")
    except SourceError as error:
        if error.status == 404:  # there is no such commit, or the two have no ancestor in common
            return False
        raise


def _look(github: GitHub, repository: Repository, target_revision: str) -> tuple[Ref, frozenset[str]]:
    """What a revision names, and the SHAs in all tags that it was chosen among; none where it is no range."""
    wanted = parse_range(target_revision)
    tags = _tags(github, repository) if wanted else {}
    if wanted and (tag := newest(wanted, tags)):
        return tags[tag], frozenset(one.sha for one in tags.values())
    if not wanted or is_ref_name(target_revision):
        for name in _candidates(github, repository, target_revision):
            path = f"/repos/{repository.full_name}/git/ref/{quote(name.removeprefix('refs/'))}"
            try:
                return _ref(name, github.request("GET", path)), frozenset()
            except SourceError as error:
                if error.status != 404:
                    raise
    # A repository that does not exist answers like a ref that does not: this says which.
    github.request("GET", f"/repos/{repository.full_name}")
    why = _no_version(wanted, tags) if wanted else f"has no branch or tag {target_revision}"
    raise SourceError(f"{repository.full_name} {why}: check targetRevision (or --ref)", status=404)


def _tags(github: GitHub, repository: Repository) -> dict[str, Ref]:
    """Every tag by its name, without `refs/tags/`.

    GitHub answers with all of them at once, and has not heeded `per_page` for years, which it once documented
    (https://github.com/github/docs/issues/3863); other versions of it may.
    """
    tags: dict[str, Ref] = {}
    for page in range(1, _MAX_PAGES + 1):
        path = f"/repos/{repository.full_name}/git/matching-refs/tags?per_page={_PER_PAGE}&page={page}"
        found = [_ref(one.text("ref"), one) for one in github.request_list(path)]
        more = {ref.name.removeprefix("refs/tags/"): ref for ref in found if ref.name.startswith("refs/tags/")}
        if len(found) != _PER_PAGE or more.keys() <= tags.keys():
            return tags | more
        tags |= more
    raise SourceError(
        f"{repository.full_name} has more than {_PER_PAGE * _MAX_PAGES:,} tags, too many to find a version among them: "
        "name a tag or a branch in targetRevision"
    )


def _no_version(wanted: Range, tags: Iterable[str]) -> str:
    near = nearest(wanted, tags)
    there = f"the nearest: {', '.join(near)}" if near else "no tag is a version at all"
    if any("-" in tag for tag in near):
        there += "; a prerelease fits only where the range names one, as >=1.2-0 does"
    return f"has no tag that fits the range {wanted.text} ({there})"


def _ref(name: str, answer: Answer) -> Ref:
    found = answer.object("object")
    return Ref(name, found.text("type"), found.sha("sha"))


def _candidates(github: GitHub, repository: Repository, target_revision: str) -> Iterator[str]:
    if target_revision == HEAD:
        yield f"refs/heads/{github.request('GET', f'/repos/{repository.full_name}').text('default_branch')}"
    elif target_revision.startswith("refs/"):
        yield target_revision
    else:
        yield f"refs/heads/{target_revision}"
        yield f"refs/tags/{target_revision}"


def _commit(github: GitHub, repository: Repository, ref: Ref) -> str:
    kind, sha = ref.kind, ref.sha
    for _ in range(_MAX_TAGS):
        if kind != "tag":
            break
        # An annotated tag is an object of its own, which may point at another one.
        found = github.request("GET", f"/repos/{repository.full_name}/git/tags/{sha}").object("object")
        kind, sha = found.text("type"), found.sha("sha")
    if kind != "commit":
        raise SourceError(f"{repository.full_name}: the ref points at a {kind}, not at a commit: move it to one")
    return sha
