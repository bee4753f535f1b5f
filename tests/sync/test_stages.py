"""The order of a sync: phases, waves, and what left Git."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import get_args

import pytest

from deployer.hooks import Hook, Phase
from deployer.sync.prune import Leaver
from deployer.sync.stages import SYNC, Stage, pruned_in_order, stages
from deployer.sync.targets import Target
from tests.sync.leaving import live


def one(name: str, wave: int = 0, kind: str = "ConfigMap") -> Target:
    return replace(live(kind, name), wave=wave)


def hook(name: str, phase: Phase = "Sync", wave: int = 0) -> Target:
    return replace(one(name, wave), phase=phase, hook=Hook((phase,), frozenset({"BeforeHookCreation"})))


def going(name: str, wave: int = 0, *, last: bool = False) -> Leaver:
    return Leaver(one(name, wave), "", last)


A, B, C = one("a", -1), one("b"), one("c", 7)
PRE, POST = hook("pre", "PreSync"), hook("post", "PostSync")


def names(ones: Iterable[Target | Leaver]) -> str:
    return " ".join(one.key.name for one in ones)


def told(found: Iterable[Stage]) -> list[str]:
    """Each stage as its objects, its hooks, and with a minus what left Git."""
    return [
        " ".join(filter(None, (names(one.targets), names(one.hooks), " ".join(f"-{n.key.name}" for n in one.leavers))))
        for one in found
    ]


@pytest.mark.parametrize(
    ("changing", "hooks", "expected"),
    [
        ([], [], []),
        ([B], [], ["b"]),
        ([C, B, A], [], ["a", "b", "c"]),
        ([one("x", 2**31 - 1), one("y", -(2**31))], [], ["y", "x"]),
        ([C, A], [], ["a", "c"]),  # only stages with work
        ([one("z"), one("y")], [], ["z y"]),  # of one wave together, in the order in which they were given
        # A phase before a wave.
        ([A, C], [hook("pre", "PreSync", 99), hook("post", "PostSync", -99)], ["pre", "a", "c", "post"]),
        ([B], [hook("q", "PreSync", 1), hook("p", "PreSync", -1)], ["p", "q", "b"]),
        # A hook of the phase Sync is of its wave.
        ([A, B, C], [hook("h"), hook("i", wave=3)], ["a", "b h", "i", "c"]),
        ([], [PRE, POST], ["pre", "post"]),
        ([], [hook(phase, phase) for phase in reversed(get_args(Phase))], list(get_args(Phase))),
    ],
)
def test_a_phase_goes_before_a_wave(changing: Sequence[Target], hooks: Sequence[Target], expected: list[str]) -> None:
    assert told(stages((A, B, C), changing, hooks)) == expected


def test_a_wave_begins_when_the_objects_of_those_before_are_healthy_unchanged_ones_too() -> None:
    found = stages((C, A, B), [B, C], [PRE, hook("h"), POST])
    assert told(found) == ["pre", "b h", "c", "post"]
    assert [names(stage.healthy) for stage in found] == ["", "a", "a b", "c a b"]


def test_hooks_that_follow_on_a_failure_wait_for_no_object() -> None:
    (stage,) = stages((), (), [hook("fail", "SyncFail")])
    assert (names(stage.hooks), stage.healthy) == ("fail", ())


@pytest.mark.parametrize(
    ("changing", "hooks", "leavers", "expected"),
    [
        ([], [], [going("x")], ["-x"]),
        ([A, C], [], [going("x", -9), going("y", 9)], ["a", "c -x -y"]),  # with the last wave, whatever their own
        ([A], [PRE, POST], [going("x")], ["pre", "a -x", "post"]),
        ([], [PRE, POST], [going("x")], ["pre", "-x", "post"]),
        ([], [PRE], [going("x")], ["pre", "-x"]),
        ([], [POST], [going("x")], ["-x", "post"]),
        ([], [hook("h", wave=5)], [going("x")], ["h", "-x"]),  # not before the hook has ended
        # PruneLast=true.
        ([], [], [going("z", last=True)], ["-z"]),
        ([A, C], [], [going("z", last=True), going("x")], ["a", "c -x", "-z"]),
        ([A], [PRE, POST], [going("z", last=True), going("x")], ["pre", "a -x", "-z", "post"]),
        ([], [PRE, POST], [going("x"), going("z", last=True)], ["pre", "-x", "-z", "post"]),
        ([], [POST], [going("z", last=True)], ["-z", "post"]),
    ],
)
def test_what_left_git_goes_after_all_that_is_applied(
    changing: Sequence[Target], hooks: Sequence[Target], leavers: Sequence[Leaver], expected: list[str]
) -> None:
    assert told(stages((A, B, C), changing, hooks, leavers)) == expected


@pytest.mark.parametrize("changing", [[], [A], [A, C]])
@pytest.mark.parametrize("hooks", [[], [PRE], [POST]])
@pytest.mark.parametrize("soon", [[], [going("x")]])
def test_only_what_is_pruned_last_waits_for_all_objects(
    changing: Sequence[Target], hooks: Sequence[Target], soon: Sequence[Leaver]
) -> None:
    found = stages((A, B, C), changing, hooks, [*soon, going("z", last=True)])
    for stage in found:
        if "z" in names(stage.leavers):
            assert (names(stage.healthy), stage.targets, stage.hooks) == ("a b c", (), ())
        elif stage.leavers and not stage.targets:
            assert stage.healthy == ()


def test_what_is_pruned_goes_the_highest_wave_first() -> None:
    leavers = [going("a"), going("b", 5), going("c", -3), going("d", 5), going("e")]
    assert [names(group) for group in pruned_in_order(leavers)] == ["b d", "a e", "c"]
    assert pruned_in_order([]) == []


def test_the_phases_of_a_sync_are_not_those_of_a_failure_or_a_deletion() -> None:
    assert SYNC == ("PreSync", "Sync", "PostSync")
