"""One status for many applications."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deployer.github.statuses import MAX_DESCRIPTION, State
from deployer.report.together import Standing, together


def standings(**names: State) -> list[Standing]:
    """Standings of applications with these names; Python has no `-` in them."""
    return [Standing(name.replace("_", "-"), state, "because") for name, state in names.items()]


def many(count: int, state: State) -> list[Standing]:
    return [Standing(f"{state}-{number:03}", state, "") for number in range(count)]


@pytest.mark.parametrize(
    ("found", "state", "description"),
    [
        (many(200, "success"), "success", "200 applications: all healthy"),
        (many(200, "pending"), "pending", "200 applications: all under way"),
        (many(180, "success") + many(20, "pending"), "pending", "200 applications: 180 healthy, 20 under way"),
        (
            [*many(180, "success"), *many(18, "pending"), *standings(shop_eu="failure", cart="failure")],
            "pending",
            "200 applications: 180 healthy, 18 under way, 2 failed: cart, shop-eu",
        ),
        (
            [*many(198, "success"), *standings(shop_eu="failure", cart="failure")],
            "failure",
            "200 applications: 198 healthy, 2 failed: cart, shop-eu",
        ),
        (
            [*many(197, "success"), *standings(a="error", shop="failure", b="error")],
            "failure",
            "200 applications: 197 healthy, 1 failed, 2 in error: shop, a, b",
        ),
        (
            [*many(198, "success"), *standings(b="error", a="error")],
            "error",
            "200 applications: 198 healthy, 2 in error: a, b",
        ),
        (
            [*many(199, "success"), *standings(cart="failure")],
            "failure",
            "200 applications: 199 healthy, 1 failed: cart: because",
        ),
        (
            [*many(199, "success"), Standing("cart", "failure", "x" * 140)],
            "failure",
            "200 applications: 199 healthy, 1 failed: cart: ".ljust(MAX_DESCRIPTION - 1, "x") + "…",
        ),
        (
            [*many(20, "success"), Standing("cart", "failure", "")],
            "failure",
            "21 applications: 20 healthy, 1 failed: cart",
        ),
        (standings(shop="success"), "success", "1 application: 1 healthy"),
        ([], "success", "0 applications: "),
    ],
)
def test_what_a_commit_is_told(found: list[Standing], state: State, description: str) -> None:
    assert together(found) == (state, description)


def test_as_many_names_are_told_as_there_is_room_for() -> None:
    found = [*many(150, "success"), *many(50, "failure")]
    state, description = together(found)
    assert state == "failure"
    assert description == (
        "200 applications: 150 healthy, 50 failed: failure-000, failure-001, failure-002, failure-003, failure-004, "
        "failure-005 and 44 more"
    )
    assert len(description) <= MAX_DESCRIPTION


def test_names_without_room_are_left_out() -> None:
    found = [Standing(f"{letter}{'x' * 130}", "failure", "") for letter in "ab"]
    assert together(found) == ("failure", "2 applications: all failed")


@given(
    st.lists(
        st.builds(
            Standing,
            st.text("abcxyz-", min_size=1, max_size=63),
            st.sampled_from(["pending", "success", "failure", "error"]),
            st.text(max_size=200),
        ),
        min_size=1,
        max_size=60,
        unique_by=lambda one: one.application,
    ),
    st.randoms(use_true_random=False),
)
def test_the_order_does_not_matter_and_github_takes_it(found: list[Standing], order: random.Random) -> None:
    state, description = together(found)
    assert len(description) <= MAX_DESCRIPTION
    shuffled = list(found)
    order.shuffle(shuffled)
    assert together(shuffled) == (state, description)
    states = {one.state for one in found}
    assert (state == "pending") == ("pending" in states)
    assert (state == "success") == (states == {"success"})
    assert (state == "failure") == ("failure" in states and "pending" not in states)
