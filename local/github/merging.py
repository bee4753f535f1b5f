"""Merging the default branch into another one, on the server."""

import subprocess

from local.github import documents
from local.github.git import git
from local.github.repository import Repository


def is_behind(repository: Repository, sha: str) -> bool:
    """Tell whether the default branch has commits that `sha` does not contain."""
    default = repository.resolve(f"heads/{repository.default_branch()}")
    return bool(default and repository.commits_between(default, [sha], 1))


def merge_default(repository: Repository, branch: str) -> bool:
    """Merge the default branch into another one, as a commit of GitHub's user; tell whether that went without conflict.

    The repository's lock must be held.
    """
    default, full = repository.default_branch(), f"refs/heads/{branch}"
    ours, theirs = repository.refs()[full].sha, repository.refs()[f"refs/heads/{default}"].sha
    try:
        tree = git(repository.path, "merge-tree", "--write-tree", ours, theirs).decode().split()[0]
    except subprocess.CalledProcessError:
        return False
    who = ("-c", f"user.name={documents.USER}", "-c", f"user.email={documents.EMAIL}")
    parents = ("-p", ours, "-p", theirs)
    message = f"Merge branch '{default}' into {branch}".encode()
    sha = git(repository.path, *who, "commit-tree", tree, *parents, stdin=message).decode().strip()
    git(repository.path, "update-ref", full, sha, ours)
    return True
