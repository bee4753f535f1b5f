"""A repository of 50,000 files in 1,000 folders, one of which has the 30 files of an application."""

from collections.abc import Mapping
from pathlib import Path

from local.github.git import git
from local.github.repositories import Repositories

NAME = "acme/mono"
APPLICATION = "teams/team-07/services/shop/k8s"
FILES = 50_000

_FOLDERS, _TEAMS = 1_000, 25
_OF_THE_APPLICATION = 30


def application(version: str = "1") -> dict[str, str]:
    """The files of the application, by path relative to it."""
    return {f"{number:02}.yaml": f"# {version} of {number}\n" + "a: 1\n" * 300 for number in range(_OF_THE_APPLICATION)}


def make(github: Path) -> None:
    """Make the repository in the folder of a local GitHub that is not there yet, with one commit on `main`."""
    left = FILES - _OF_THE_APPLICATION
    files = {f"{APPLICATION}/{path}": text for path, text in application().items()}
    for number in range(left):
        folder = number * _FOLDERS // left
        path = f"teams/team-{folder % _TEAMS:02}/services/service-{folder:03}/src/file-{number:05}.txt"
        files[path] = f"{number}\n"
    commit(github, NAME, "main", files)


def change(github: Path, files: Mapping[str, str]) -> str:
    """Commit files to the branch `next`, on top of `main`; returns the commit."""
    return commit(github, NAME, "next", files, parent="main")


def commit(github: Path, name: str, branch: str, files: Mapping[str, str], parent: str = "") -> str:
    """Commit files to a branch with `git fast-import`, which makes 50,000 of them in some seconds.

    Args:
        github: the folder of a local GitHub; one that runs does not see a repository that is new.
        name: `owner/name` of the repository, made if need be.
        branch: which the commit becomes the end of, whatever it was.
        files: content by path.
        parent: the branch on top of which; without one, the commit is the first.

    Returns:
        The commit.
    """
    repository = Repositories(github).find_or_create(*name.split("/"))
    assert repository
    above = f"from refs/heads/{parent}\n" if parent else ""
    parts = [f"commit refs/heads/{branch}\ncommitter Ada <ada@example.com> 0 +0000\ndata 6\nfiles\n{above}"]
    parts += [f"M 100644 inline {path}\ndata {len(text)}\n{text}\n" for path, text in files.items()]
    git(repository.path, "fast-import", "--quiet", "--force", stdin="".join(parts).encode())
    return git(repository.path, "rev-parse", f"refs/heads/{branch}").decode().strip()
