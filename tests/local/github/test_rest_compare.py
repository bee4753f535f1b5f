import pytest
from github import Auth, Github

from local.github import GitHub
from local.github.comparison import MOST_COMMITS
from tests.local.github.helpers import TOKEN, Clone, ask

WEB = "/repos/acme/web"


@pytest.fixture
def branches(clone: Clone, first: str) -> dict[str, str]:
    """Two commits of main, and one of `side` that parts from the first."""
    second = clone.commit("second", {"a.yaml": "kind: Job\nx: y\n", "new.yaml": "1\n2\n"})
    clone.git("switch", "-q", "-c", "side", first)
    (clone.folder / "binary").write_bytes(b"\0\1")
    clone.git("rm", "-q", "a.yaml")
    side = clone.commit("side", {})
    clone.push("main", "side")
    return {"first": first, "second": second, "side": side}


@pytest.mark.parametrize(
    ("names", "status", "ahead", "behind", "base"),
    [
        ("{first}...main", "ahead", ["second"], 0, "first"),
        ("main...{first}", "behind", [], 1, "first"),
        ("main...side", "diverged", ["side"], 1, "first"),
        ("main...heads/main", "identical", [], 0, "second"),
    ],
)
def test_how_two_commits_stand(
    github: GitHub, branches: dict[str, str], names: str, status: str, ahead: list[str], behind: int, base: str
) -> None:
    found = ask(github, f"{WEB}/compare/{names.format(**branches)}").json()

    assert (found["status"], found["ahead_by"], found["behind_by"]) == (status, len(ahead), behind)
    assert [commit["sha"] for commit in found["commits"]] == [branches[name] for name in ahead]
    assert found["merge_base_commit"]["sha"] == branches[base]
    assert found["total_commits"] == len(ahead)


def test_pygithub_reads_what_changed_since_they_parted(github: GitHub, clone: Clone, branches: dict[str, str]) -> None:
    with Github(auth=Auth.Token(TOKEN), base_url=github.api_url, lazy=True, seconds_between_requests=None) as client:
        repository = client.get_repo("acme/web")
        onward, aside = repository.compare(branches["first"], "main"), repository.compare("main", "side")

    changed = {file.filename: (file.status, file.additions, file.deletions) for file in onward.files}
    assert changed == {"a.yaml": ("modified", 2, 1), "new.yaml": ("added", 2, 0)}
    assert {file.filename: (file.status, file.changes) for file in aside.files} == {
        "a.yaml": ("removed", 1),
        "binary": ("added", 0),
    }
    blobs = {(file.filename, file.status): file.sha for file in [*onward.files, *aside.files]}
    assert blobs["a.yaml", "modified"] == clone.git("rev-parse", "main:a.yaml")
    assert blobs["a.yaml", "removed"] == clone.git("rev-parse", f"{branches['first']}:a.yaml")


def test_commits_come_in_pages_and_files_on_the_first(github: GitHub, clone: Clone, first: str) -> None:
    shas = [clone.commit(str(number), {"n": str(number)}) for number in range(3)]
    clone.push("main")

    pages = [ask(github, f"{WEB}/compare/{first}...main?per_page=2&page={page}").json() for page in (1, 2)]

    assert [[commit["sha"] for commit in page["commits"]] for page in pages] == [shas[:2], shas[2:]]
    assert [len(page["files"]) for page in pages] == [1, 0]


def test_without_pages_the_newest_commits_are_shown(github: GitHub, clone: Clone) -> None:
    stream = "".join(
        f"commit refs/heads/main\ncommitter A <a@example.com> {1700000000 + number} +0000\ndata 1\nx\n"
        for number in range(MOST_COMMITS + 3)
    )
    clone.git("fast-import", "--quiet", stdin=stream)
    clone.push("main", "main~252:refs/heads/start")

    found = ask(github, f"{WEB}/compare/start...main").json()

    assert (found["total_commits"], len(found["commits"])) == (MOST_COMMITS + 2, MOST_COMMITS)
    assert found["commits"][-1]["sha"] == clone.git("rev-parse", "main")


def test_what_cannot_be_compared(github: GitHub, clone: Clone, branches: dict[str, str]) -> None:
    clone.git("switch", "-q", "--orphan", "unrelated")
    clone.commit("unrelated", {})
    clone.push("unrelated")
    for names in ("main...unrelated", "main...none", "none...main", "main", "main..side", "--all...main"):
        assert ask(github, f"{WEB}/compare/{names}").status == 404, names
