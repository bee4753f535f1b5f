"""Whether a commit may be deployed, as far as its checks and its signature say."""

import pytest

from deployer.github.checks import Check
from deployer.github.verified import VERIFIED, Signature
from deployer.sync.gate import Gate, gate, is_of_gate

GREEN, WAITING, RED = Check("green"), Check("waiting"), Check("failed", "failure")
UNSIGNED, UNSEEN = Signature("refused", "not signed"), Signature("waiting", "GitHub's check of its signature")


@pytest.mark.parametrize(
    ("checks", "gate_"),
    [
        ({}, Gate("open")),
        ({"build": GREEN}, Gate("open")),
        ({"build": GREEN, "test": GREEN}, Gate("open")),
        ({"build": WAITING}, Gate("waiting", "waiting for build")),
        ({"build": GREEN, "test": WAITING, "lint": WAITING}, Gate("waiting", "waiting for test, lint")),
        ({"build": RED}, Gate("failed", "not deployed: build failed")),
        ({"build": WAITING, "test": RED, "lint": GREEN}, Gate("failed", "not deployed: test failed")),
        (
            {"a": RED, "b": Check("failed", "timed_out"), "c": Check("failed", "cancelled"), "d": Check("failed")},
            Gate("failed", "not deployed: a failed, b timed out, c cancelled, d failed"),
        ),
        ({"a": Check("failed", "error")}, Gate("failed", "not deployed: a failed")),
    ],
)
def test_gate(checks: dict[str, Check], gate_: Gate) -> None:
    assert gate(tuple(checks), checks) == gate_


def test_a_check_that_nobody_knows_has_not_begun() -> None:
    assert gate(["build", "test"], {"test": GREEN}) == Gate("waiting", "waiting for build")


def test_a_check_that_is_not_required_does_not_count() -> None:
    assert gate(["test"], {"test": GREEN, "build": RED}) == Gate("open")


def test_as_many_names_as_fit_into_a_status() -> None:
    # "waiting for " has 12 characters, each name 20 with its comma, and " and 24 more" 12.
    names = [f"check-number-{number:05}" for number in range(30)]
    said = gate(names, {}).message
    assert said == f"waiting for {', '.join(names[:5])} and 25 more"
    assert len(said) <= 140
    exact = ["x" * 62, "y" * 64]
    assert gate(exact, {}).message == f"waiting for {exact[0]}, {exact[1]}"
    assert len(gate(exact, {}).message) == 140
    assert gate([*exact[:1], "y" * 65], {}).message == f"waiting for {exact[0]} and 1 more"


def test_a_name_that_does_not_fit_is_there_all_the_same() -> None:
    assert gate(["x" * 200, "y"], {}).message == f"waiting for {'x' * 200} and 1 more"


@pytest.mark.parametrize(
    ("signature", "checks", "gate_"),
    [
        (VERIFIED, {}, Gate("open")),
        (VERIFIED, {"build": WAITING}, Gate("waiting", "waiting for build")),
        (UNSIGNED, {}, Gate("failed", "not deployed: not signed")),
        (UNSIGNED, {"build": GREEN}, Gate("failed", "not deployed: not signed")),
        (UNSIGNED, {"build": WAITING}, Gate("failed", "not deployed: not signed")),
        (UNSIGNED, {"build": RED}, Gate("failed", "not deployed: not signed, build failed")),
        (UNSEEN, {}, Gate("waiting", "waiting for GitHub's check of its signature")),
        (UNSEEN, {"build": GREEN}, Gate("waiting", "waiting for GitHub's check of its signature")),
        (UNSEEN, {"build": WAITING}, Gate("waiting", "waiting for GitHub's check of its signature, build")),
        (UNSEEN, {"build": RED}, Gate("failed", "not deployed: build failed")),
    ],
)
def test_a_signature_and_checks_must_both_be_well(signature: Signature, checks: dict[str, Check], gate_: Gate) -> None:
    assert gate(tuple(checks), checks, signature) == gate_


@pytest.mark.parametrize("signature", [VERIFIED, UNSIGNED, UNSEEN])
@pytest.mark.parametrize("checks", [{}, {"build": RED}])
def test_what_a_gate_says_is_told_apart_from_what_a_sync_says(checks: dict[str, Check], signature: Signature) -> None:
    assert is_of_gate(gate(["build"], checks, signature).message)
    for said in (
        "",
        "deploying to staging",
        "1 object in staging: 1 created, healthy in 1.0 s",
        "out of sync: 1 to create",
    ):
        assert not is_of_gate(said)
