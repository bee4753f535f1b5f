"""What is pruned, what is kept and why, and when it is too much."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deployer.cluster.discovery import Resource
from deployer.cluster.inventory import MEMBER
from deployer.manifest import Manifest, ObjectKey
from deployer.sync.prune import FEW, Pruning, approves, guard, leavers, options
from deployer.sync.targets import Target, nothing_forbidden

OURS, THEIRS = "applyset-ours-v1", "applyset-theirs-v1"
ON = Pruning(enabled=True)
COMMIT = "1a2b3c4d" * 5
APPLIED = [{"manager": "deployer", "operation": "Apply", "time": "2026-01-01T00:00:00Z"}]
GROUPS = {"CustomResourceDefinition": "apiextensions.k8s.io", "Deployment": "apps"}
CLUSTER_WIDE = ("CustomResourceDefinition", "Namespace")


def live(kind: str = "ConfigMap", name: str = "a", id: str = OURS, **metadata: Any) -> Target:  # noqa: A002
    group, namespaced = GROUPS.get(kind, ""), kind not in CLUSTER_WIDE
    body = {
        "apiVersion": f"{group}/v1" if group else "v1",
        "kind": kind,
        "metadata": {
            "name": name,
            **({"namespace": "shop"} if namespaced else {}),
            "labels": {MEMBER: id},
            "managedFields": APPLIED,
            **metadata,
        },
    }
    return Target(Manifest(body, "the cluster"), Resource(group, "v1", kind, f"{kind.lower()}s", namespaced))


def kept(one: Target, pruning: Pruning = ON) -> str:
    (leaver,) = leavers([one], (), OURS, pruning, nothing_forbidden)
    return leaver.kept.removeprefix("left Git; ").removeprefix("not pruned: ")


SAYS = "argocd.argoproj.io/sync-options"
KEEP = "helm.sh/resource-policy"


@pytest.mark.parametrize(
    ("kind", "annotations", "reason"),
    [
        ("ConfigMap", {}, ""),
        ("Deployment", {}, ""),
        ("ConfigMap", {SAYS: "Prune=true"}, ""),
        ("ConfigMap", {SAYS: "Replace=true"}, ""),
        ("ConfigMap", {SAYS: ""}, ""),
        ("ConfigMap", {KEEP: "delete"}, ""),
        ("ConfigMap", {SAYS: "Prune=false"}, f"it says {SAYS}: Prune=false"),
        ("ConfigMap", {SAYS: "Replace=true, Prune=false"}, f"it says {SAYS}: Prune=false"),
        ("ConfigMap", {SAYS: "Prune=false,Prune=true"}, f"it says {SAYS}: Prune=false"),
        ("ConfigMap", {SAYS: "Prune=confirm"}, f"it says {SAYS}: Prune=confirm"),
        ("ConfigMap", {SAYS: "Prune"}, f"it says {SAYS}: Prune="),
        ("ConfigMap", {KEEP: "keep"}, f"it says {KEEP}: keep"),
        ("ConfigMap", {KEEP: "keep", SAYS: "Prune=true"}, f"it says {KEEP}: keep"),
        ("Namespace", {}, f"a Namespace needs {SAYS}: Prune=true for that"),
        ("PersistentVolumeClaim", {}, f"a PersistentVolumeClaim needs {SAYS}: Prune=true for that"),
        ("CustomResourceDefinition", {}, f"a CustomResourceDefinition needs {SAYS}: Prune=true for that"),
        (
            "CustomResourceDefinition",
            {SAYS: "Replace=true"},
            f"a CustomResourceDefinition needs {SAYS}: Prune=true for that",
        ),
        ("Namespace", {SAYS: "Prune=true"}, ""),
        ("PersistentVolumeClaim", {SAYS: "Prune=true"}, ""),
        ("CustomResourceDefinition", {SAYS: "Prune=true"}, ""),
    ],
)
def test_what_an_object_says_for_itself(kind: str, annotations: dict[str, str], reason: str) -> None:
    assert kept(live(kind, annotations=annotations)) == reason


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


def test_an_object_that_was_listed_twice_is_one() -> None:
    assert len(leavers([live(), live()], (), OURS, ON, nothing_forbidden)) == 1


ONES = st.builds(
    live,
    st.sampled_from(["ConfigMap", "Namespace", "Deployment", "PersistentVolumeClaim"]),
    st.sampled_from("abcde"),
    st.sampled_from([OURS, THEIRS, ""]),
    annotations=st.dictionaries(
        st.sampled_from([SAYS, KEEP, "other"]),
        st.sampled_from(["Prune=true", "Prune=false", "Replace=true,Prune=false", "keep", "Prune=confirm"]),
    ),
)


@given(st.lists(ONES), st.sets(ONES.map(lambda one: one.key)), st.booleans())
def test_nothing_is_pruned_that_is_not_ours_or_still_wanted_or_says_no(
    members: list[Target], desired: set[ObjectKey], enabled: bool
) -> None:
    found = leavers(members, desired, OURS, Pruning(enabled), nothing_forbidden)
    for one in found:
        body = one.target.manifest.body
        assert body["metadata"]["labels"][MEMBER] == OURS
        assert one.key not in desired
        if not one.kept:
            assert enabled
            assert "Prune=false" not in str(body["metadata"]["annotations"].get(SAYS))
    assert {one.key for one in found} == {
        one.key for one in members if one.manifest.body["metadata"]["labels"][MEMBER] == OURS
    } - desired
    assert found == leavers([*reversed(members)], desired, OURS, Pruning(enabled), nothing_forbidden) or len(
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


def test_options_of_an_annotation() -> None:
    assert options(" Prune=false, Replace=true,,Prune=true,x") == {
        "Prune": {"false", "true"},
        "Replace": {"true"},
        "x": {""},
    }
