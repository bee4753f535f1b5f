"""The content of files, from GitHub: many in one GraphQL query, and by the REST API what GraphQL cannot give exactly.

A query is one request, whatever it asks for, and one of GraphQL's own 5,000 points an hour; the REST API takes one a
file. But GraphQL gives text only, cut off after 512,000 bytes, and changes what is no UTF-8. So everything is held
against its id, and what does not fit it is asked for again, as it is.

The third way would be the tarball, which is not taken. It is the whole repository, from another host, made by `git
archive`, which leaves files out (`export-ignore`) and changes others (`export-subst`); and an archive can name any path
and be of any size once it is unpacked. Nor is there much to gain: it takes two requests, one after the other, and the
queries are under way together. With 50 ms of round trip, 500 files of 600 take 0.5 to 0.8 s, the ref and the tree
included, and `git clone --depth 1`, which is the whole repository in one go, 0.8 s (`python -m bench fetch`).
"""

import base64
import hashlib
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from threading import Lock
from typing import TypeVar

from cachetools import TTLCache

from deployer.errors import SourceError
from deployer.github.client import GitHub
from deployer.github.refusals import TooFastError
from deployer.github.transport import PARALLEL
from deployer.repository import Repository

MAX_TEXT = 500_000
"""Bytes of a file that GraphQL is asked for: it cuts a text off at 512,000."""

QUERY_FILES, QUERY_BYTES = 100, 2_000_000
"""How much one query asks for at the most: GitHub gives it ten seconds."""

# Where GraphQL has refused all of what the REST API then gave, and not for a fault that may pass, by host and
# repository: an old GitHub Enterprise Server, a proxy that lets nothing else through, a token that is for REST only. It
# is tried again after so many seconds.
REFUSED: TTLCache[tuple[str, str], bool] = TTLCache(1_000, 600.0)
_LOCK = Lock()

_T = TypeVar("_T")


@dataclass(frozen=True)
class Wanted:
    """A file of a commit: its path, for people, its blob's id, and its bytes as the tree says."""

    path: str
    sha: str
    size: int


def fetch_blobs(github: GitHub, repository: Repository, where: str, wanted: Sequence[Wanted]) -> dict[str, bytes]:
    """Get the content of files, in as few requests as possible, `PARALLEL` at once.

    Args:
        github: where to ask.
        repository: whose files.
        where: repository and commit, for errors.
        wanted: the files; no id twice.

    Returns:
        Their content by id; each is what its id says.

    Raises:
        SourceError: GitHub cannot give one.
    """
    place = (github.host, repository.full_name)
    with _LOCK:
        refused = place in REFUSED
    batches, others = ([], list(wanted)) if refused else divide(wanted)
    get = partial(_get, github, repository, where)
    jobs: list[Callable[[], dict[str, bytes] | SourceError]] = []
    jobs += [partial(_query, github, repository, batch) for batch in batches]
    jobs += [partial(get, one) for one in others]
    found: dict[str, bytes] = {}
    errors = []
    for answer in _together(jobs):
        if isinstance(answer, SourceError):
            errors.append(answer)
        else:
            found |= answer
    left = [one for one in wanted if one.sha not in found]
    if errors:
        # Only one: where the repository is gone, the REST API refuses it, too.
        found |= get(left.pop())
        if len(errors) == len(batches) and not any(error.transient for error in errors):
            with _LOCK:
                REFUSED[place] = True
    for one in _together([partial(get, one) for one in left]):
        found |= one
    return found


def _together(jobs: Sequence[Callable[[], _T]]) -> list[_T]:
    """Do jobs, `PARALLEL` at once; once one has failed, no other is begun, and its error is raised."""
    futures: list[Future[_T]] = []

    def leave_out(done: Future[_T]) -> None:
        """Called by the thread that has done one, before it takes the next."""
        if not done.cancelled() and done.exception():
            for future in futures:
                future.cancel()

    with ThreadPoolExecutor(PARALLEL) as pool:
        for job in jobs:
            future = pool.submit(job)
            futures.append(future)
            future.add_done_callback(leave_out)
    return [future.result() for future in futures if not future.cancelled()]


def divide(wanted: Sequence[Wanted]) -> tuple[list[list[Wanted]], list[Wanted]]:
    """Say which files each query asks for, and which the REST API is asked for: the large ones, and one alone."""
    small = [one for one in wanted if one.size <= MAX_TEXT]
    if len(small) == 1:
        return [], list(wanted)
    return list(_batches(small)), [one for one in wanted if one.size > MAX_TEXT]


def _batches(wanted: Sequence[Wanted]) -> Iterator[list[Wanted]]:
    batch: list[Wanted] = []
    size = 0
    for one in wanted:
        if len(batch) == QUERY_FILES or (batch and size + one.size > QUERY_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(one)
        size += one.size
    if batch:
        yield batch


def query_of(wanted: Sequence[Wanted]) -> str:
    """Write the query for files; each has a name of its own in the answer, `b0` and so on.

    https://docs.github.com/graphql/reference/objects#blob
    """
    blobs = " ".join(f'b{number}: object(oid: "{one.sha}") {{ ...content }}' for number, one in enumerate(wanted))
    return (
        "query ($owner: String!, $name: String!) { repository(owner: $owner, name: $name) { "
        f"{blobs} }} }} fragment content on Blob {{ text }}"
    )


def _query(github: GitHub, repository: Repository, wanted: Sequence[Wanted]) -> dict[str, bytes] | SourceError:
    """Get what GraphQL gives exactly, by id; returns the error where it gives nothing."""
    owner, _, name = repository.full_name.partition("/")
    try:
        answer = github.graphql(repository, query_of(wanted), {"owner": owner, "name": name}).object("repository")
    except TooFastError:
        raise
    except SourceError as error:
        if error.transient and not error.status:
            raise  # nobody is there
        return error
    found = {}
    for number, one in enumerate(wanted):
        blob = answer.fields.get(f"b{number}")
        text = blob.get("text") if isinstance(blob, dict) else None
        content = text.encode(errors="replace") if isinstance(text, str) else b""
        if is_blob(content, one.sha):
            found[one.sha] = content
    return found


def _get(github: GitHub, repository: Repository, where: str, one: Wanted) -> dict[str, bytes]:
    """Get a file from the REST API, by id."""
    try:
        answer = github.request("GET", f"/repos/{repository.full_name}/git/blobs/{one.sha}")
        content = base64.b64decode(answer.text("content"))
    except SourceError as error:
        # The tree was there a moment ago.
        meanwhile = ", as if the repository had been deleted, renamed or made private" if error.status == 404 else ""
        raise SourceError(
            f"{where}: {one.path} cannot be read{meanwhile}: {error}",
            status=error.status,
            transient=error.transient,
            retry_after=error.retry_after,
        ) from error
    except ValueError:
        content = b""
    if not is_blob(content, one.sha):
        raise SourceError(
            f"{where}: what GitHub sent for {one.path} is not that file: its id does not match; try again"
        )
    return {one.sha: content}


def is_blob(content: bytes, sha: str) -> bool:
    """Whether content has an id (https://git-scm.com/book/en/v2/Git-Internals-Git-Objects)."""
    return hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest() == sha
