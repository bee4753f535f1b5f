"""docs/explanation/architecture.md, held against the code: no room is missing, and none is invented."""

import re
import tomllib
from collections.abc import Iterator

import pytest

from tests.docs.commands import ROOT
from tests.docs.reference import codes, tables

PAGE = (ROOT / "docs/explanation/architecture.md").read_text()


def named(page: str) -> Iterator[str]:
    """The paths of the rooms, and of the files that a room's row has; paths are those from the root."""
    (rooms,) = tables(page, "| room | knows |")
    for places, what in rooms:
        yield from codes(places)
        yield from (codes(places)[0] + file for file in codes(what) if file.endswith(".py"))
    (rules,) = tables(page, "| rule | its one place |")
    for _, place in rules:
        yield from codes(place)


def invented(page: str) -> list[str]:
    """What is named and not there; a folder is named with a slash at its end."""
    return [name for name in named(page) if not (ROOT / name).exists() or (ROOT / name).is_dir() != name.endswith("/")]


def missing(page: str) -> set[str]:
    """The packages of deployer/, and its own modules, that are not named."""
    package = ROOT / "deployer"
    packages = {f"{one.parent.relative_to(ROOT)}/" for one in package.rglob("__init__.py")} - {"deployer/"}
    modules = {str(one.relative_to(ROOT)) for one in package.glob("*.py") if not one.stem.startswith("__")}
    return (packages | modules) - set(named(page))


def layers(page: str) -> list[set[str]]:
    """The layers, the highest first."""
    return [set(codes(line)) for line in re.findall(r"^\d+\. (.*(?:\n +.*)*)", page, re.MULTILINE)]


def test_the_picture_is_the_readmes() -> None:
    picture = re.compile(r"^ git push ──►.*?^ +status deployer/.*?$", re.DOTALL | re.MULTILINE)
    assert picture.findall(PAGE) == picture.findall((ROOT / "README.md").read_text()) != []


def test_all_that_is_named_is_there() -> None:
    assert len(list(named(PAGE))) > 100
    assert invented(PAGE) == []


def test_every_package_and_module_is_named() -> None:
    assert missing(PAGE) == set()


def test_the_layers_are_those_that_are_held() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    (written,) = (one["layers"] for one in contracts if one["type"] == "layers")
    assert layers(PAGE) == [set(re.findall(r"deployer\.(\w+)", layer)) for layer in written]


@pytest.mark.parametrize("name", ["deployer/routing.py", "deployer/queue/", "deployer/cluster/health/"])
def test_a_room_that_is_left_out_would_be_found(name: str) -> None:
    assert missing(PAGE.replace(f"`{name}`", "`main.py`")) == {name}


@pytest.mark.parametrize(
    ("right", "wrong", "found"),
    [
        ("`deployer/routing.py`", "`deployer/route.py`", "deployer/route.py"),
        ("`survey.py`", "`poll.py`", "deployer/queue/poll.py"),
        ("`deployer/cluster/paths.py`", "`deployer/cluster/urls.py`", "deployer/cluster/urls.py"),
    ],
)
def test_a_room_that_is_invented_would_be_found(right: str, wrong: str, found: str) -> None:
    assert found in invented(PAGE.replace(right, wrong))
