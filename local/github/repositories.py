"""The folder of bare repositories: found by name, whatever its case, and made when they are first pushed to."""

import re
import threading
from pathlib import Path

from local.github.git import git
from local.github.repository import FORK, Repository

# What GitHub lets an account and a repository be called; both are single path segments that cannot leave the folder.
_OWNER = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,38})")
_NAME = re.compile(r"(?!\.{1,2}$)[A-Za-z0-9._-]{1,100}")

_SETTINGS = {
    "http.receivepack": "true",  # git over loopback HTTP is open
    "receive.autogc": "false",  # it would leave a process behind, and lose what a force push replaced
    "receive.denyDeleteCurrent": "refuse",  # GitHub keeps the default branch, too
}


class Repositories:
    """All repositories of one GitHub, kept in `folder` as `owner/name.git`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder.resolve()
        self._lock = threading.Lock()
        found = (Repository(path.parent.name, path.stem, path) for path in self.folder.glob("*/*.git"))
        self._by_name = {repository.full_name.lower(): repository for repository in found}

    def find(self, owner: str, name: str) -> Repository | None:
        """Return the repository of that name, whatever its case, or None if there is none."""
        return self._by_name.get(f"{owner}/{name}".lower())

    def find_or_create(self, owner: str, name: str) -> Repository | None:
        """Return the repository of that name, made if need be, or None if GitHub allows no such name."""
        if not (_OWNER.fullmatch(owner) and _NAME.fullmatch(name)):
            return None
        with self._lock:
            return self.find(owner, name) or self._create(owner, name)

    def owner(self, name: str) -> str | None:
        """Return an owner of repositories, spelt as it was created, or None if nobody of that name has any."""
        return next((one.owner for one in list(self._by_name.values()) if one.owner.lower() == name.lower()), None)

    def fork(self, parent: Repository, owner: str) -> Repository:
        """Copy a repository to another owner; as on GitHub, the parent then has every object that the fork gets.

        https://docs.github.com/en/pull-requests/collaborating-with-pull-requests/working-with-forks/about-permissions-and-visibility-of-forks
        """
        fork = self.find_or_create(owner, parent.name)
        if not fork or fork.refs():
            raise ValueError(f"{owner}/{parent.name} is there already, or GitHub allows no such name; choose another")
        git(fork.path, "fetch", "--quiet", str(parent.path), "refs/*:refs/*")
        (fork.path / FORK).touch()
        with (parent.path / "objects/info/alternates").open("a") as alternates:
            alternates.write(f"{fork.path / 'objects'}\n")
        return fork

    def _create(self, owner: str, name: str) -> Repository:
        path = self.folder / owner / f"{name}.git"
        path.mkdir(parents=True)
        git(path, "init", "--bare", "--quiet", "--template=", "--initial-branch=main")
        for key, value in _SETTINGS.items():
            git(path, "config", key, value)
        repository = self._by_name[f"{owner}/{name}".lower()] = Repository(owner, name, path)
        return repository
