"""What is pruned, what is kept and why, and when it is too much."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deployer.cluster.inventory import MEMBER
from deployer.hooks import HELM_WEIGHT, WAVE
from deployer.manifest import ObjectKey
from deployer.object_options import COMPARE_OPTIONS
from deployer.sync.prune import APPROVED, FEW, Pruning, approves, guard, leavers
from deployer.sync.targets import Target, nothing_forbidden
from deployer.sync_options import PruneOption
from tests.sync.leaving import KEEP, ON, OURS, SAYS, THEIRS, kept, live

COMMIT = "1a2b3c4d" * 5


def test_what_is_not_pruned_says_why() -> None:
    assert kept(live(), Pruning()) == "automated.prune is off"
    assert kept(live(deletionTimestamp="2026-01-01T00:00:00Z")) == "is being deleted already"
    by_controller = [{"manager": "kube-controller-manager", "operation": "Update"}]
    assert kept(live(managedFields=by_controller)) == "it has our label, but we never applied it"
    assert kept(live(managedFields=None)) == "it has our label, but we never applied it"


def test_what_the_project_does_not_allow_is_not_pruned() -> None:
    asked: list[tuple[ObjectKey, bool]] = []

    def forbidden(key: ObjectKey, namespaced: bool) -> str:
        asked.append((key, namespaced))
        return "project shop does not allow it"

    (one,) = leavers([live()], (), OURS, ON, forbidden)
    assert one.kept == "left Git; not pruned: project shop does not allow it"
    assert asked == [(ObjectKey("", "ConfigMap", "shop", "a"), True)]


def test_what_left_is_deleted_the_other_way_round() -> None:
    members = [live("ConfigMap", "b"), live("Deployment"), live("Service"), live("ConfigMap", "a"), live("Secret")]
    found = leavers(members, {ObjectKey("", "Service", "shop", "a")}, OURS, ON, nothing_forbidden)
    assert [str(one.key) for one in found] == ["Deployment/a", "ConfigMap/b", "ConfigMap/a", "Secret/a"]


@pytest.mark.parametrize(
    ("annotations", "wave"),
    [
        ({}, 0),
        ({WAVE: "-5"}, -5),
        ({HELM_WEIGHT: "7"}, 7),
        ({WAVE: "3", HELM_WEIGHT: "7"}, 3),
        ({WAVE: "nonsense"}, 0),  # somebody else may have written it
        ({WAVE: "99999999999"}, 0),
    ],
)
def test_what_left_goes_in_the_wave_that_it_says_itself(annotations: dict[str, str], wave: int) -> None:
    (one,) = leavers([live(annotations=annotations)], (), OURS, ON, nothing_forbidden)
    assert (one.target.wave, one.kept) == (wave, "")


@pytest.mark.parametrize(
    ("says", "application", "last"),
    [
        (None, False, False),
        (None, True, True),
        ("PruneLast=true", False, True),
        ("PruneLast=false", True, False),
        ("Prune=true,PruneLast=true", False, True),
        ("PruneLast=", True, False),  # whatever it means, it is not `true`
        ("PruneLast=TRUE", False, False),
    ],
)
def test_what_is_pruned_last_says_so_or_its_application_does(says: str | None, application: bool, last: bool) -> None:
    annotations = {SAYS: says} if says else {}
    pruning = replace(ON, last=application)
    (one,) = leavers([live(annotations=annotations)], (), OURS, pruning, nothing_forbidden)
    assert (one.last, one.kept) == (last, "")


@pytest.mark.parametrize(
    ("says", "extraneous"),
    [(None, False), ("IgnoreExtraneous", True), ("ServerSideDiff=true, IgnoreExtraneous", True), ("Nonsense", False)],
)
def test_what_need_not_be_in_git_is_not_out_of_sync_for_it(says: str | None, extraneous: bool) -> None:
    annotations = {COMPARE_OPTIONS: says} if says else {}
    for pruning in (ON, Pruning()):
        (one,) = leavers([live(annotations=annotations)], (), OURS, pruning, nothing_forbidden)
        assert (one.extraneous, bool(one.kept)) == (extraneous, not pruning.enabled)


def test_an_object_that_was_listed_twice_is_one() -> None:
    assert len(leavers([live(), live()], (), OURS, ON, nothing_forbidden)) == 1


# Few values, so that those meet which matter together.
MOMENTS = st.sampled_from([datetime(2026, 3, day, tzinfo=UTC) for day in (1, 2, 3)])
WORDS = st.sampled_from(["Prune=true", "Prune=false", "Prune=confirm", "Prune=TRUE", "Replace=true"])
ONES = st.builds(
    live,
    st.sampled_from(["ConfigMap", "Namespace"]),
    st.sampled_from("abcde"),
    st.sampled_from([OURS, OURS, THEIRS, ""]),
    annotations=st.fixed_dictionaries(
        {
            SAYS: st.lists(WORDS, max_size=2).map(",".join),
            APPROVED: MOMENTS.map(datetime.isoformat) | st.just("") | st.text(),
            KEEP: st.sampled_from(["delete", "delete", "keep"]),
        }
    ),
)
PRUNINGS = st.builds(
    Pruning,
    enabled=st.sampled_from([True, True, False]),
    option=st.sampled_from(get_args(PruneOption)),
    since=st.none() | MOMENTS,
)


def may_go(one: Target, pruning: Pruning) -> bool:
    """Whether all that a live object, its application and a person say lets it go; told the other way round."""
    annotations = one.manifest.annotations
    own = {word for word in annotations[SAYS].split(",") if word.startswith("Prune")}
    words = own or {f"Prune={pruning.option}"}
    if not pruning.enabled or annotations[KEEP] == "keep":
        return False
    if one.key.kind == "Namespace" and not own:
        return False
    if words == {"Prune=true"}:
        return True
    approved = annotations[APPROVED]
    return (
        words <= {"Prune=true", "Prune=confirm"}
        and pruning.since is not None
        and approved.startswith("2026-0")
        and datetime.fromisoformat(approved) - pruning.since >= timedelta(0)
    )


@settings(max_examples=300)
@given(st.lists(ONES, max_size=8), st.sets(ONES.map(lambda one: one.key), max_size=2), PRUNINGS)
def test_nothing_is_pruned_that_is_not_ours_or_still_wanted_or_says_no(
    members: list[Target], desired: set[ObjectKey], pruning: Pruning
) -> None:
    found = leavers(members, desired, OURS, pruning, nothing_forbidden)
    for one in found:
        assert one.target.manifest.body["metadata"]["labels"][MEMBER] == OURS
        assert one.key not in desired
        assert bool(one.kept) is not may_go(one.target, pruning), one.kept
    assert {one.key for one in found} == {
        one.key for one in members if one.manifest.body["metadata"]["labels"][MEMBER] == OURS
    } - desired
    assert found == leavers([*reversed(members)], desired, OURS, pruning, nothing_forbidden) or len(
        {one.key for one in members}
    ) < len(members)


@pytest.mark.parametrize(
    ("pruned", "members", "percentage", "stops"),
    [
        (0, 0, 0, False),
        (5, 5, 0, False),
        (6, 12, 50, False),
        (6, 11, 50, True),
        (6, 6, 50, True),
        (6, 6, 99, True),
        (6, 6, 100, False),
        (6, 1000, 0, True),
    ],
)
def test_the_guard(pruned: int, members: int, percentage: int, stops: bool) -> None:
    said = guard(pruned, members, Pruning(True, percentage), "shop", COMMIT)
    assert bool(said) is stops
    if stops:
        assert said.startswith(f"{pruned} of {members} objects would be pruned, more than {percentage} %; if meant: ")
        assert said.endswith("`deployer sync shop --prune --approve-prune 1a2b3c4`")
    assert guard(pruned, members, Pruning(True, percentage, COMMIT[:7]), "shop", COMMIT) == ""


def test_the_approval_of_another_commit_is_told() -> None:
    assert guard(6, 6, Pruning(True, 50, "f" * 7), "shop", COMMIT).endswith(
        "`; fffffff is approved, which is another commit"
    )


@given(st.integers(0, 300), st.integers(0, 300), st.integers(0, 100))
def test_the_guard_never_minds_few_and_always_minds_all(pruned: int, kept: int, percentage: int) -> None:
    said = guard(pruned, pruned + kept, Pruning(True, percentage), "shop", COMMIT)
    assert not (said and pruned <= FEW)
    if pruned > FEW and not kept and percentage < 100:
        assert said
    if said:
        assert guard(pruned + 1, pruned + kept + 1, Pruning(True, percentage), "shop", COMMIT), (
            "one more does not calm it"
        )


@pytest.mark.parametrize(
    ("approved", "good"),
    [
        (COMMIT, True),
        (COMMIT[:7], True),
        (COMMIT[:7].upper(), True),
        (COMMIT[:6], False),
        ("", False),
        (COMMIT[1:9], False),
        (COMMIT + "0", False),
    ],
)
def test_an_approval_names_the_commit(approved: str, good: bool) -> None:
    assert approves(approved, COMMIT) is good


@given(st.text(), st.text())
def test_an_approval_is_never_of_another_commit(approved: str, revision: str) -> None:
    assert not approves(approved, revision) or revision.startswith(approved.lower())
