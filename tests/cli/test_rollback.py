"""`deployer rollback` as people type it; what it does to a cluster is in tests/end_to_end/test_rollback.py."""

from collections.abc import Callable

import pytest

from tests.cli.clinic import Clinic, Deployer
from tests.cli.conftest import DEPLOYER, Run, on_terminal, outcome
from tests.world import Bench, config_map

Twice = Callable[[], tuple[str, str]]


@pytest.fixture
def twice(bench: Bench) -> Twice:
    """Deploy two commits."""

    def twice() -> tuple[str, str]:
        bench.configure()
        commits = []
        for number in ("1", "2"):
            commits.append(bench.push({"a.yaml": config_map("a", number)}))
            assert bench.settled(commits[-1])[0] == "success"
        return commits[0], commits[1]

    return twice


def test_the_outcome_is_one_document_as_that_of_a_sync(bench: Bench, deployer: Run, twice: Twice) -> None:
    first, second = twice()
    done = deployer("rollback", bench.name, "-o", "json", "--no-wait", USER="ada")
    assert done.returncode == 0, done.stderr
    document = outcome(done)
    assert (document["application"], document["revision"], document["outcome"]) == (bench.name, first, "unfinished")
    assert document["message"].startswith(f"rolled back to {first[:7]} by ada; 1 object in staging: 1 changed")
    assert [(one["name"], one["action"]) for one in document["objects"]] == [("a", "updated")]
    assert bench.statuses(second)[-1] == ("failure", document["message"])


def test_where_nothing_is_to_return_to(bench: Bench, deployer: Run) -> None:
    bench.configure()
    assert bench.settled(bench.push({"a.yaml": config_map("a")}))[0] == "success"
    done = deployer("rollback", bench.name, "-o", "json")
    assert done.returncode == 2
    document = outcome(done)
    assert (document["outcome"], document["objects"]) == ("failed", [])
    assert f"{bench.name} cannot return to an earlier revision" in document["message"]
    assert f"error: {document['message']}" in done.stderr


def test_an_application_that_there_is_not(clinic: Clinic, deployer: Deployer) -> None:
    clinic.cluster("staging")
    done = deployer("rollback", "nope", DEPLOYER_CONFIG=str(clinic.config))
    assert (done.returncode, done.stdout) == (2, "")
    assert "there is no application 'nope'; there is: none" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "Missing argument 'APP'"),
        (("shop", "first"), "'first' is not a valid integer"),
        (("shop", "0"), "0 is not in the range"),
        (("shop", "--kubeconfig", "x"), "No such option '--kubeconfig'"),
        (("shop", "--approve-prune", "main"), "it must be a commit"),
    ],
)
def test_bad_input(run: Run, arguments: tuple[str, ...], said: str) -> None:
    done = run("rollback", *arguments)
    assert (done.returncode, said in done.stderr) == (2, True), done.stderr


def test_help_says_how_the_hold_ends(run: Run) -> None:
    done = run("rollback", "--help")
    told = " ".join(done.stdout.split())
    assert "The hold ends when the watched ref moves: the next push is deployed." in told
    assert "deployer rollback shop 1" in told


def test_on_a_terminal_the_table_has_what_changed(bench: Bench, twice: Twice) -> None:
    first, _ = twice()
    screen = on_terminal([*DEPLOYER, "rollback", bench.name], bench.clone.folder, bench.world.exports)
    assert screen.status == 0
    assert any(line.startswith("updated  ConfigMap/a") for line in screen.lines), screen.lines
    assert any(line.startswith(f"hint:  {bench.name} is held at {first[:7]} until main moves") for line in screen.lines)
