import base64
import hashlib
import subprocess
from collections.abc import Iterator

import pytest
from github import Auth, BadCredentialsException, Github, GithubException, UnknownObjectException
from github.Repository import Repository

from local.github import GitHub
from local.github.git import environment
from tests.local.github.helpers import TOKEN, Clone, ask

WEB = "/repos/acme/web"


@pytest.fixture
def pygithub(github: GitHub) -> Iterator[Github]:
    with Github(
        auth=Auth.Token(TOKEN),
        base_url=github.api_url,
        retry=None,
        lazy=True,
        seconds_between_requests=None,
        seconds_between_writes=None,
    ) as client:
        yield client


@pytest.fixture
def repository(pygithub: Github, first: str) -> Repository:
    return pygithub.get_repo("acme/web")


def test_pygithub_reads_a_commit_file_by_file(github: GitHub, repository: Repository, first: str) -> None:
    sha = repository.get_git_ref("heads/main").object.sha
    tree = repository.get_git_tree(sha, recursive=True)
    files = {entry.path: repository.get_git_blob(entry.sha) for entry in tree.tree if entry.type == "blob"}

    assert sha == first
    assert tree.raw_data["truncated"] is False
    assert [(entry.path, entry.mode) for entry in tree.tree if entry.type == "tree"] == [
        ("apps", "040000"),
        ("apps/web", "040000"),
    ]
    assert {path: base64.b64decode(blob.content) for path, blob in files.items()} == {
        "a.yaml": b"kind: Pod\n",
        "apps/web/b.yaml": b"kind: Service\n",
    }
    blobs = [("GET", f"{WEB}/git/blobs/{blob.sha}") for blob in files.values()]
    assert github.requests == [("GET", f"{WEB}/git/ref/heads/main"), ("GET", f"{WEB}/git/trees/{sha}"), *blobs]


def test_pygithub_reads_a_repository_and_its_commits(pygithub: Github, clone: Clone, first: str) -> None:
    second = clone.commit("second\n\nbody\n", {"a.yaml": "kind: Job\n"})
    clone.push("main")

    repository = pygithub.get_repo("acme/web")
    commit = repository.get_commit("main").complete()

    assert (repository.full_name, repository.default_branch, repository.private) == ("acme/web", "main", True)
    assert repository.clone_url == clone.url
    assert (commit.sha, commit.commit.message) == (second, "second\n\nbody")
    assert [parent.sha for parent in commit.parents] == [first]
    assert commit.commit.author.email == "ada@example.com"
    assert commit.commit.author.date.isoformat() == clone.git("log", "-1", "--format=%aI").replace("Z", "+00:00")
    assert repository.get_git_commit(second).tree.sha == clone.git("rev-parse", "HEAD^{tree}")


def test_pygithub_reads_an_annotated_tag(repository: Repository, clone: Clone, first: str) -> None:
    clone.git("tag", "-a", "-m", "the release", "release/v1")
    clone.push("release/v1")

    pointer = repository.get_git_ref("tags/release/v1").object
    tag = repository.get_git_tag(pointer.sha)

    assert pointer.type == "tag"
    assert (tag.tag, tag.message, tag.tagger.name) == ("release/v1", "the release", "Ada Example")
    assert (tag.object.type, tag.object.sha) == ("commit", first)


def test_the_refs_that_begin_alike_come_all_at_once(github: GitHub, clone: Clone, first: str) -> None:
    clone.git("tag", "-a", "-m", "the release", "v1")
    names = [f"v1.{number:03}" for number in range(120)]
    clone.git("update-ref", "--stdin", stdin="".join(f"create refs/tags/{name} {first}\n" for name in names))
    clone.git("branch", "v1-next")
    clone.push("--all")
    clone.push("--tags")
    found = ask(github, f"{WEB}/git/matching-refs/tags/v1?per_page=100&page=2").json()
    assert [one["ref"] for one in found] == ["refs/tags/v1", *(f"refs/tags/{name}" for name in names)]
    assert [one["object"]["type"] for one in found] == ["tag", *["commit"] * 120]
    assert found[0]["object"]["sha"] == clone.git("rev-parse", "v1")
    assert [one["ref"] for one in ask(github, f"{WEB}/git/matching-refs/heads").json()] == [
        "refs/heads/main",
        "refs/heads/v1-next",
    ]
    assert ask(github, f"{WEB}/git/matching-refs/tags/none").json() == []


def test_a_blob_comes_as_base64_in_lines_or_as_it_is(github: GitHub, clone: Clone, first: str) -> None:
    content = bytes(range(256))
    (clone.folder / "binary").write_bytes(content)
    clone.commit("binary", {})
    clone.push("main")
    sha = hashlib.sha1(b"blob 256\0" + content).hexdigest()

    blob = ask(github, f"{WEB}/git/blobs/{sha}").json()
    raw = ask(github, f"{WEB}/git/blobs/{sha}", accept="application/vnd.github.raw+json")

    assert (blob["encoding"], blob["size"], blob["sha"]) == ("base64", 256, sha)
    assert base64.b64decode(blob["content"]) == content
    assert {len(line) for line in blob["content"].splitlines()[:-1]} == {60}
    assert raw.body == content
    assert raw.headers["content-type"] == "application/vnd.github.raw+json; charset=utf-8"
    assert raw.headers["x-github-media-type"] == "github.v3; param=raw"


def test_an_empty_blob_has_no_lines(github: GitHub, clone: Clone) -> None:
    clone.commit("empty", {"empty": ""})
    clone.push("main")
    sha = clone.git("rev-parse", "HEAD:empty")
    assert ask(github, f"{WEB}/git/blobs/{sha}").json()["content"] == ""
    assert ask(github, f"{WEB}/git/blobs/{sha}", accept="application/vnd.github.v3.raw").body == b""


def test_a_signed_commit_shows_its_signature(github: GitHub, clone: Clone, first: str) -> None:
    signature = "-----BEGIN SSH SIGNATURE-----\n\nabc\n-----END SSH SIGNATURE-----"
    raw = clone.git("cat-file", "commit", first)
    head, _, message = raw.partition("\n\n")
    signed = f"{head}\ngpgsig {signature.replace(chr(10), chr(10) + ' ')}\n\n{message}\n"
    sha = clone.git("hash-object", "-t", "commit", "-w", "--stdin", stdin=signed)
    clone.push(f"{sha}:refs/heads/signed")

    unsigned = ask(github, f"{WEB}/git/commits/{first}").json()
    answer = ask(github, f"{WEB}/git/commits/{sha}").json()

    assert answer["verification"]["signature"] == signature
    assert (answer["verification"]["verified"], answer["message"]) == (False, "first")
    assert unsigned["verification"]["reason"] == "unsigned"


@pytest.mark.parametrize(
    ("path", "status", "message"),
    [
        ("/repos/acme/none", 404, "Not Found"),
        ("/repos/acme/none/git/ref/heads/main", 404, "Not Found"),
        ("/repos/acme/none/commits/main/status", 404, "Not Found"),
        ("/user", 404, "Not Found"),
        (f"{WEB}/git/trees/none", 404, "Not Found"),
        (f"{WEB}/git/trees/{'0' * 40}", 404, "Not Found"),
        (f"{WEB}/git/blobs/{'0' * 40}", 404, "Not Found"),
        (f"{WEB}/git/tags/{'0' * 40}", 404, "Not Found"),
        (f"{WEB}/git/commits/{'0' * 40}", 404, "Not Found"),
        (f"{WEB}/git/blobs/{{first}}", 404, "Not Found"),  # a commit is no blob
        (f"{WEB}/git/tags/{{first}}", 404, "Not Found"),
        (f"{WEB}/git/blobs/--batch", 422, "The sha parameter must be exactly 40 characters and contain only [0-9a-f]."),
    ],
)
def test_what_is_not_there(github: GitHub, first: str, path: str, status: int, message: str) -> None:
    answer = ask(github, path.format(first=first))
    assert answer.status == status
    assert answer.json() == {
        "message": message,
        "documentation_url": "https://docs.github.com/rest",
        "status": str(status),
    }


def test_a_repository_without_commits(github: GitHub, clone: Clone) -> None:
    clone.git("ls-remote", "origin", check=False)
    assert ask(github, WEB).status == 404
    clone.git("push", "origin", ":refs/heads/nothing", check=False)  # asks for a repository to push to

    assert ask(github, WEB).json()["default_branch"] == "main"
    for path in (
        "commits/main",
        "git/ref/heads/main",
        "git/trees/main",
        f"git/blobs/{'0' * 40}",
        "commits/main/status",
    ):
        answer = ask(github, f"{WEB}/{path}")
        assert (answer.status, answer.json()["message"]) == (409, "Git Repository is empty."), path


def test_pygithub_says_what_is_wrong(github: GitHub, pygithub: Github, repository: Repository) -> None:
    with pytest.raises(UnknownObjectException):
        pygithub.get_repo("acme/none").complete()
    with pytest.raises(GithubException, match="No commit found for SHA: none") as caught:
        repository.get_commit("none").complete()
    assert caught.value.status == 422
    with (
        Github(auth=Auth.Token("wrong"), base_url=github.api_url, retry=None) as stranger,
        pytest.raises(BadCredentialsException),
    ):
        stranger.get_repo("acme/web")


def test_no_ref_can_be_written_by_rest(github: GitHub, first: str) -> None:
    assert ask(github, f"{WEB}/git/refs", {"ref": "refs/heads/x", "sha": first}).status == 404
    assert ask(github, f"{WEB}/git/ref/heads/main", {}).status == 404


def test_refs_that_begin_alike_come_all_at_once(github: GitHub, clone: Clone, first: str) -> None:
    """GitHub takes `per_page` for nothing: whoever asks for one page after another never ends."""
    tags = [f"v1.{number}" for number in range(40)]
    for tag in tags:
        clone.git("tag", tag)
    clone.git("tag", "-a", "-m", "annotated", "v2")
    clone.push("--tags", "main:v1")

    found = ask(github, f"{WEB}/git/matching-refs/tags/v1.?per_page=10&page=3")
    (annotated,) = ask(github, f"{WEB}/git/matching-refs/tags/v2").json()

    assert {one["ref"].removeprefix("refs/tags/") for one in found.json()} == set(tags)
    assert {one["object"]["sha"] for one in found.json()} == {first}
    assert "link" not in found.headers
    assert annotated == ask(github, f"{WEB}/git/ref/tags/v2").json()
    assert annotated["object"]["type"] == "tag"
    assert [one["ref"] for one in ask(github, f"{WEB}/git/matching-refs/heads").json()] == [
        "refs/heads/main",
        "refs/heads/v1",
    ]
    assert ask(github, f"{WEB}/git/matching-refs/tags/none").json() == []


def test_an_unknown_git_object_on_disk_does_not_end_the_server(github: GitHub, clone: Clone, first: str) -> None:
    """A tag may point at a blob: it stands for no commit and no tree."""
    blob = clone.git("rev-parse", "HEAD:a.yaml")
    clone.git("tag", "odd", blob)
    clone.push("odd")

    assert ask(github, f"{WEB}/git/ref/tags/odd").json()["object"]["type"] == "blob"
    assert ask(github, f"{WEB}/commits/odd").status == 422
    assert ask(github, f"{WEB}/git/trees/odd").status == 404
    assert (
        subprocess.run(["git", "ls-remote", "-q", clone.url], env=environment(), timeout=20, check=False).returncode
        == 0
    )
