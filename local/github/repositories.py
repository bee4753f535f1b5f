"""The folder of bare repositories: found by name, whatever its case, and made when they are first pushed to."""

import re
import shutil
import threading
from pathlib import Path

from local.github import documents
from local.github.git import git
from local.github.repository import FORK, Repository, forget

# What GitHub lets an account and a repository be called; both are single path segments that cannot leave the folder.
_OWNER = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,38})")
_NAME = re.compile(r"(?!\.{1,2}$)[A-Za-z0-9._-]{1,100}")

_NAME_NOW = "full-name"  # a file of those that have another name than their folder

_SETTINGS = {
    "http.receivepack": "true",  # git over loopback HTTP is open
    "receive.autogc": "false",  # it would leave a process behind, and lose what a force push replaced
    "receive.denyDeleteCurrent": "refuse",  # GitHub keeps the default branch, too
}


class Repositories:
    """All repositories of one GitHub, kept in `folder` as `owner/name.git`.

    The folder stays where it is when its repository is renamed: forks, and requests that are under way, read it.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder.resolve()
        self._lock = threading.Lock()
        self._by_name: dict[str, Repository] = {}
        self._moved: dict[str, Path] = {}  # by the names that they had
        for path in self.folder.glob("*/*.git"):
            original = f"{path.parent.name}/{path.stem}"
            now = (path / _NAME_NOW).read_text() if (path / _NAME_NOW).exists() else original
            owner, _, name = now.partition("/")
            self._by_name[now.lower()] = Repository(owner, name, path)
            if now != original:
                self._moved[original.lower()] = path

    def all(self) -> list[Repository]:
        """Return every repository, in the order in which they were made."""
        return list(self._by_name.values())

    def find(self, owner: str, name: str) -> Repository | None:
        """Return the repository of that name, whatever its case, or None if there is none."""
        return self._by_name.get(f"{owner}/{name}".lower())

    def moved(self, owner: str, name: str) -> Repository | None:
        """Return the repository that had that name before it was renamed, or None if there is none."""
        path = self._moved.get(f"{owner}/{name}".lower())
        return next((one for one in self.all() if one.path == path), None)

    def numbered(self, number: int) -> Repository | None:
        """Return the repository with that number, or None if there is none."""
        return next((one for one in self.all() if documents.repository_number(one) == number), None)

    def number(self, full_name: str) -> int:
        """Return the number of the repository `owner/name`, also of one that is not there yet."""
        found = self._by_name.get(full_name.lower())
        return documents.repository_number(found) if found else documents.number(full_name)

    def rename(self, repository: Repository, full_name: str) -> Repository:
        """Give a repository another name, or another owner, and return it; the old name leads to it from now on."""
        owner, _, name = full_name.partition("/")
        if self.find(owner, name) or not (_OWNER.fullmatch(owner) and _NAME.fullmatch(name)):
            raise ValueError(f"{full_name} is there already, or GitHub allows no such name; choose another")
        renamed = Repository(owner, name, repository.path, repository.lock)
        with self._lock:
            (repository.path / _NAME_NOW).write_text(full_name)
            self._moved[repository.full_name.lower()] = repository.path
            self._moved.pop(full_name.lower(), None)  # it may have had that name before
            del self._by_name[repository.full_name.lower()]
            self._by_name[full_name.lower()] = renamed
        return renamed

    def delete(self, repository: Repository) -> None:
        """Take a repository away, and what its old names led to."""
        with self._lock:
            del self._by_name[repository.full_name.lower()]
            self._moved = {name: path for name, path in self._moved.items() if path != repository.path}
        shutil.rmtree(repository.path)
        forget(repository.path)

    def find_or_create(self, owner: str, name: str) -> Repository | None:
        """Return the repository of that name, made if need be, or None if GitHub allows no such name."""
        if not (_OWNER.fullmatch(owner) and _NAME.fullmatch(name)):
            return None
        with self._lock:
            return self.find(owner, name) or self._create(owner, name)

    def owner(self, name: str) -> str | None:
        """Return an owner of repositories, spelt as it was created, or None if nobody of that name has any."""
        return next((one.owner for one in self.all() if one.owner.lower() == name.lower()), None)

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
        again = 1
        while path.exists():  # a repository that was renamed is in it
            again += 1
            path = self.folder / owner / f"{name}~{again}.git"
        path.mkdir(parents=True)
        if again > 1:
            (path / _NAME_NOW).write_text(f"{owner}/{name}")
        self._moved.pop(f"{owner}/{name}".lower(), None)
        git(path, "init", "--bare", "--quiet", "--template=", "--initial-branch=main")
        for key, value in _SETTINGS.items():
            git(path, "config", key, value)
        repository = self._by_name[f"{owner}/{name}".lower()] = Repository(owner, name, path)
        return repository
