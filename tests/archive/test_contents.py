"""What is in the archive: all that the function needs, and nothing else."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path

import pytest

from deployer.configuration import load_configuration
from tests.archive.imports import installed, reached
from tests.archive.planned import CONFIG, Planned

ROOT = Path(__file__).parents[2]

# They show the command line's tables. A rule that leaves out the command line's own folder alone is worth their bytes.
SURPLUS = {"deployer/report/history.py", "deployer/report/status.py"}


@cache
def needed() -> set[str]:
    """The files of the repository that the function needs."""
    files = [ROOT / "main.py", *ROOT.glob("deployer/**/*.py")]
    return reached({str(file.relative_to(ROOT)): file.read_text() for file in files}) | {"requirements.txt"}


def differences(files: Mapping[str, str]) -> dict[str, set[str]]:
    """What is wrong with an archive of these files: what is missing, and what has nothing to do there."""
    wanted = needed() | {f"config/{name}" for name in ("clusters.yaml", *CONFIG)}
    found = {"missing": wanted - files.keys(), "too many": files.keys() - wanted - SURPLUS}
    return {name: which for name, which in found.items() if which}


def test_it_is_the_function_and_its_configuration_and_nothing_else(planned: Planned) -> None:
    assert differences(planned.files) == {}
    assert SURPLUS - planned.files.keys() == set(), "what is no more in the archive is no exception"
    code = {name for name in planned.files if not name.startswith("config/")}
    assert {name for name in code if planned.files[name] != (ROOT / name).read_text()} == set()


@pytest.mark.parametrize("left_out", ["requirements.txt", "deployer/retry.py", "deployer/sync/jq_child.py"])
def test_what_is_left_out_is_found(planned: Planned, left_out: str) -> None:
    files = {name: text for name, text in planned.files.items() if name != left_out}
    assert differences(files) == {"missing": {left_out}}


@pytest.mark.parametrize("added", ["deployer/cli/sync.py", "tests/conftest.py", "config/github-token", ".git/config"])
def test_what_has_nothing_to_do_there_is_found(planned: Planned, added: str) -> None:
    assert differences({**planned.files, added: ""}) == {"too many": {added}}


def test_it_imports_nothing_of_the_command_line(planned: Planned) -> None:
    assert installed(planned.files).isdisjoint({"click", "rich"})
    assert installed({"deployer/cli/terminal.py": "import rich.table"}) == {"rich.table"}


def test_its_configuration_is_what_the_deployer_reads(planned: Planned, tmp_path: Path) -> None:
    for name in planned.files:
        if name.startswith("config/"):
            (tmp_path / Path(name).name).write_text(planned.files[name])
    found = load_configuration(tmp_path)
    assert {found.cluster_for(one).name for one in found.applications} == {"staging"}
    assert len(found.applications) == len(CONFIG)
