"""What it means for one object that some of its fields may differ."""

from typing import Any

import pytest

from deployer.cluster.inventory import MEMBER
from deployer.sync.ignored import Ignored, ignored
from deployer.sync.ownership import unchanged
from tests.sync.managers import copy

HPA = {"manager": "kube-controller-manager", "operation": "Update", "apiVersion": "apps/v1", "subresource": "scale"}
OURS = {"manager": "deployer", "operation": "Apply", "apiVersion": "apps/v1"}
SOMEBODY = {"manager": "somebody", "operation": "Update", "apiVersion": "apps/v1"}
LABELLED: dict[str, Any] = {"f:labels": {f"f:{MEMBER}": {}}}


def body(labels: dict[str, str] | None = None, **fields: Any) -> dict[str, Any]:
    metadata = {"name": "web", "labels": {MEMBER: "id", **(labels or {})}}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, **fields}


def live(fields: dict[str, Any], *owners: tuple[dict[str, Any], dict[str, Any]], ours: Any = None) -> dict[str, Any]:
    """A live object with what we own of it besides its label, and others' entries."""
    mine = {"f:metadata": LABELLED, **(ours or {})}
    entries = [{**OURS, "fieldsV1": mine}, *({**entry, "fieldsV1": owned} for entry, owned in owners)]
    one = body(**fields)
    return {**one, "metadata": {**one["metadata"], "uid": "u", "generation": 1, "managedFields": entries}}


def named(*paths: str) -> tuple[Any, Any]:
    """The same paths in both objects; `""` is the object itself."""
    found = frozenset(tuple(path.split(".")) if path else () for path in paths)
    return found, found


def spec(**fields: Any) -> dict[str, Any]:
    return {"spec": fields}


def rules(*each: Any) -> dict[str, Any]:
    """A list that is owned as a whole, where nobody says otherwise."""
    return {"spec": {"rules": [*each]}}


REPLICAS: dict[str, Any] = {"f:spec": {"f:replicas": {}}}
REPLICAS_AND_X: dict[str, Any] = {"f:spec": {"f:replicas": {}, "f:x": {}}}
RULES: dict[str, Any] = {"f:spec": {"f:rules": {}}}
NOTE: dict[str, Any] = {"f:metadata": {"f:annotations": {".": {}, "f:note": {}}}}


def items(**images: str) -> dict[str, Any]:
    """A list whose items have keys."""
    return {"spec": {"containers": [{"name": name, "image": image} for name, image in images.items()]}}


def own(*names: str) -> dict[str, Any]:
    each: dict[str, Any] = {".": {}, "f:name": {}, "f:image": {}}
    return {"f:spec": {"f:containers": {f'k:{{"name":"{name}"}}': each for name in names}}}


BOTH = items(web="1", proxy="1")
IMAGES = own("web", "proxy")
PROXY = 'k:{"name":"proxy"}'
THEIR_IMAGE: dict[str, Any] = {"f:spec": {"f:containers": {PROXY: {"f:image": {}}}}}
OUR_REST: dict[str, Any] = own("web")
OUR_REST["f:spec"]["f:containers"][PROXY] = {".": {}, "f:name": {}}
ESCAPED: dict[str, Any] = {'v:"a"': {}, 'v:"\\u003c"': {}}  # as Go writes it
SET: dict[str, Any] = {'v:"a"': {}, 'v:"b"': {}}


@pytest.mark.parametrize(
    ("wanted", "there", "path", "same"),
    [
        # Another value, another owner, both, and gone altogether.
        (spec(replicas=3), live(spec(replicas=5), ours=REPLICAS), "spec.replicas", True),
        (spec(replicas=3), live(spec(replicas=3), (HPA, REPLICAS)), "spec.replicas", True),
        (spec(replicas=3), live(spec(replicas=5), (HPA, REPLICAS)), "spec.replicas", True),
        (spec(replicas=3), live({}), "spec.replicas", True),
        ({}, live(spec(replicas=5), ours=REPLICAS), "spec.replicas", True),
        (spec(replicas=3), live(spec(replicas=5), ours=REPLICAS), "spec", True),
        (spec(x=[]), live(spec(x=[1])), "spec.x", True),
        # All else counts as ever.
        (spec(replicas=3, x=1), live(spec(replicas=5), (HPA, REPLICAS)), "spec.replicas", False),
        (spec(replicas=3), live(spec(replicas=5), ours=REPLICAS), "spec.paused", False),
        # Items by their keys, wherever they stand.
        (BOTH, live(items(web="1", proxy="2"), (HPA, THEIR_IMAGE), ours=OUR_REST), "spec.containers.1.image", True),
        (BOTH, live(items(web="2", proxy="1"), ours=IMAGES), "spec.containers.1.image", False),
        (BOTH, live(items(web="1"), ours=own("web")), "spec.containers.1", True),
        (BOTH, live(items(web="1"), ours=own("web")), "spec.containers.1.image", False),
        (items(web="1"), live(BOTH, ours=IMAGES), "spec.containers.1", True),
        # What an item is called is no difference that could be ignored.
        (items(web="1"), live(items(proxy="1"), ours=own("proxy")), "spec.containers.0.name", False),
        # A part of what is owned as a whole.
        (rules({"host": "a"}), live(rules({"host": "b"}), ours=RULES), "spec.rules.0.host", True),
        (rules({"host": "a"}), live(rules({"host": "b"}), (HPA, RULES)), "spec.rules.0.host", True),
        (rules({"host": "a", "x": 1}), live(rules({"host": "b", "x": 2}), (HPA, RULES)), "spec.rules.0.host", False),
        (rules({"host": "a"}), live(rules({"host": "b"}, {}), (HPA, RULES)), "spec.rules.0.host", False),
        (rules(1), live(rules(1, 2), (HPA, RULES)), "spec.rules.1", True),
        (rules(1), live(rules(1, 2), (HPA, RULES)), "spec.rules.0", False),
        # Values in a set.
        (rules("a"), live(rules("a", "b"), ours={"f:spec": {"f:rules": SET}}), "spec.rules.1", True),
        (rules("a"), live(rules("a", "b"), ours={"f:spec": {"f:rules": SET}}), "spec.rules.0", False),
        (rules("a"), live(rules("a", "<"), ours={"f:spec": {"f:rules": ESCAPED}}), "spec.rules.1", True),
        # What leads nowhere.
        (spec(replicas=3), live(spec(replicas=3), ours=REPLICAS), "spec.replicas.x", True),
        (items(web="1"), live(items(web="2"), ours=own("web")), "spec.containers.00.image", False),
        (items(web="1"), live(items(web="2"), ours=own("web")), "spec.containers.-.image", False),
        (items(web="1"), live(items(web="2"), ours=own("web")), "spec.containers.1.image", False),
    ],
)
def test_compared(wanted: dict[str, Any], there: dict[str, Any], path: str, same: bool) -> None:
    desired = body(**wanted)
    before = copy([desired, there])
    assert unchanged(*ignored(desired, there, named(path), ()).compared(desired, there)) is same
    assert [desired, there] == before, "what was given is not changed"


def test_our_label_and_the_name_always_count() -> None:
    desired = body({"tier": "front"})
    label: tuple[str, ...] = ("metadata", "labels", MEMBER)
    for path in ((), label[:1], label[:2], label, ("metadata", "name")):
        there = live({})
        one = ignored(desired, there, (frozenset({path}), frozenset({path})), ())
        assert one.compared(desired, there)[0]["metadata"]["labels"][MEMBER] == "id"
        assert one.compared(desired, there)[0]["metadata"]["name"] == "web"
        there["metadata"]["labels"] = {}
        assert not unchanged(*one.compared(desired, there))
        assert one.kept(desired, there)["metadata"]["labels"][MEMBER] == "id"


def test_an_annotation_that_was_the_only_one() -> None:
    desired = body()
    desired["metadata"]["annotations"] = {"note": "1"}
    ours = {"f:metadata": {**LABELLED, **NOTE["f:metadata"]}}
    for there in (live({}), live({}, (SOMEBODY, NOTE)), live({}, ours=ours)):
        one = ignored(desired, there, named("metadata.annotations.note"), ())
        assert unchanged(*one.compared(desired, there))
    # Somebody else has set the only one, and ours was the mapping.
    there = live({}, (SOMEBODY, NOTE), ours={"f:metadata": {**LABELLED, "f:annotations": {".": {}}}})
    there["metadata"]["annotations"] = {"note": "2"}
    one = ignored(desired, there, named("metadata.annotations.note"), ())
    assert unchanged(*one.compared(desired, there))


@pytest.mark.parametrize(
    ("wanted", "there", "same"),
    [
        (spec(replicas=3), live(spec(replicas=5), (HPA, REPLICAS)), True),
        (spec(replicas=3), live(spec(replicas=3), (HPA, REPLICAS)), True),
        (spec(replicas=3), live(spec(replicas=5), (SOMEBODY, REPLICAS)), False),
        (spec(replicas=3, x=1), live(spec(replicas=3), (HPA, REPLICAS)), False),
        # What the source wants no more goes, as far as it is ours; a manager's own fields are no business of Git's.
        ({}, live(spec(replicas=5), (HPA, REPLICAS), ours=REPLICAS), False),
        ({}, live(spec(replicas=5), (HPA, REPLICAS)), True),
        (BOTH, live(items(web="1", proxy="2"), (HPA, THEIR_IMAGE), ours=OUR_REST), True),
        # One that has made an item owns its name, too, which is not ours thereby.
        (items(web="1"), live(items(web="2"), (HPA, own("web"))), False),
        (items(web="1"), live(items(web="2"), (HPA, own("web")), ours=own("web")), True),
    ],
)
def test_managers(wanted: dict[str, Any], there: dict[str, Any], same: bool) -> None:
    desired = body(**wanted)
    one = ignored(desired, there, named(), ["kube-controller-manager"])
    assert unchanged(*one.compared(desired, there)) is same


def test_positions_count_on_their_own_side() -> None:
    # jq has found the same item in two places; the list is owned as a whole.
    desired = body(spec={"rules": ["theirs", "a", "b"]})
    there = live({"spec": {"rules": ["a", "b", "other"]}}, ours=RULES)
    one = ignored(desired, there, (frozenset({("spec", "rules", 0)}), frozenset({("spec", "rules", 2)})), ())
    assert one == Ignored((("f:spec", "f:rules", "i:0"),), (("f:spec", "f:rules", "i:2"),))
    assert unchanged(*one.compared(desired, there))
    assert one.kept(desired, there)["spec"]["rules"] == ["a", "b", "other"]
    # Who owns the list makes no difference, nor does it that nobody does.
    assert unchanged(*one.compared(desired, live(rules("a", "b", "other"), (HPA, RULES))))
    left = one.compared(desired, live(rules("a", "b", "other")))
    assert [side["spec"]["rules"] for side in left] == [["a", "b"]] * 2
    # A part of an item is another item's on the other side, so that Git's has to do.
    desired, there = body(**rules({"x": 1}, {"y": 1})), live(rules({"y": 2}, {"x": 2}), ours=RULES)
    one = ignored(desired, there, (frozenset({("spec", "rules", 0, "x")}), frozenset({("spec", "rules", 1, "x")})), ())
    assert one.kept(desired, there) == desired


def test_positions_beyond_nine() -> None:
    there = live({"spec": {"rules": list(range(12))}}, ours=RULES)
    desired = body(spec={"rules": [0, 1, *range(3, 10), 11]})
    one = ignored(desired, there, (frozenset(), frozenset({("spec", "rules", 2), ("spec", "rules", 10)})), ())
    assert unchanged(*one.compared(desired, there))
    assert one.kept(desired, there)["spec"]["rules"] == list(range(12))


def test_status_may_always_differ_and_is_applied_as_in_git() -> None:
    desired = body(status={"ready": 3})
    there = live({"status": {"ready": 1}}, ours={"f:status": {"f:ready": {}}})
    one = ignored(desired, there, named(), ())
    assert one.live == (("f:status",),)
    assert unchanged(*one.compared(desired, there))
    assert one.kept(desired, there) == desired
    assert ignored(desired, {**there, "status": None}, named(), ()).kept(desired, live({})) == desired
    assert ignored(body(), there, named(), ()) == Ignored()


def test_of_a_new_object_only_the_manifest_is_known() -> None:
    one = ignored(body(spec={"replicas": 3}), None, named("spec.replicas"), ["somebody"])
    assert one.desired == one.live == (("f:spec", "f:replicas"),)


def tried(fields: dict[str, Any], ours: Any, *owners: Any) -> dict[str, Any]:
    """What a dry-run says."""
    one = live(fields, *owners, ours=ours)
    return {**one, "metadata": {**one["metadata"], "generation": 2}}


SCALED = live(spec(replicas=5, x=1), (HPA, REPLICAS), ours={"f:spec": {"f:x": {}}})


@pytest.mark.parametrize(
    ("there", "afterwards", "same"),
    [
        (SCALED, tried(spec(replicas=3, x=1), REPLICAS_AND_X), True),
        (SCALED, tried(spec(replicas=5, x=1), REPLICAS_AND_X, (HPA, REPLICAS)), True),
        (SCALED, tried(spec(replicas=3, x=2), REPLICAS_AND_X), False),
        (SCALED, tried(spec(replicas=3, x=1), REPLICAS), False),
    ],
)
def test_same(there: dict[str, Any], afterwards: dict[str, Any], same: bool) -> None:
    one = ignored(body(spec={"replicas": 3}), there, named("spec.replicas"), ())
    assert one.same(there, afterwards) is same
    assert not Ignored().same(there, afterwards), "without a rule"


def test_same_of_a_list_that_is_owned_as_a_whole() -> None:
    there = live(rules({"host": "b"}), (SOMEBODY, RULES))
    afterwards = tried(rules({"host": "a"}), RULES)
    one = ignored(body(**rules({"host": "a"})), there, named("spec.rules.0.host"), ())
    assert one.same(there, afterwards)
    assert not one.same(there, tried(rules({"host": "a", "x": 1}), RULES))
    # Of one that is nobody's yet, more than what may differ is to become ours.
    desired, there = body(**rules({"host": "a", "x": 1})), live(rules({"host": "b", "x": 1}))
    one = ignored(desired, there, named("spec.rules.0.host"), ())
    assert not one.same(there, tried(rules({"host": "a", "x": 1}), RULES))


@pytest.mark.parametrize(
    ("wanted", "there", "path", "kept"),
    [
        (spec(replicas=3), live(spec(replicas=5), (HPA, REPLICAS)), "spec.replicas", spec(replicas=5)),
        (spec(replicas=3), live(spec(x=1)), "spec.replicas", {}),
        (spec(replicas=3, x=1), live({}), "spec.replicas", spec(x=1)),
        (spec(replicas=3, x=1), live(spec(replicas=None, x=2)), "spec.replicas", spec(replicas=None, x=1)),
        # What Git has not stays: if it is ours it is applied, else it is left to its owner.
        ({}, live(spec(replicas=5), ours=REPLICAS), "spec.replicas", spec(replicas=5)),
        ({}, live(spec(replicas=5), (HPA, REPLICAS)), "spec.replicas", {}),
        ({}, live(spec(replicas=5)), "spec.replicas", {}),
        # Items keep their places.
        (BOTH, live(items(web="2", proxy="2"), ours=IMAGES), "spec.containers.1.image", items(web="1", proxy="2")),
        (BOTH, live(items(web="2", proxy="2"), ours=IMAGES), "spec.containers.0", items(web="2", proxy="1")),
        (BOTH, live(items(web="1"), ours=own("web")), "spec.containers.1", items(web="1")),
        (items(web="1"), live(items(proxy="1", web="1"), ours=IMAGES), "spec.containers.0", items(proxy="1", web="1")),
        (items(web="1"), live(items(proxy="1", web="1"), ours=own("web")), "spec.containers.0", items(web="1")),
        ({}, live(items(proxy="1"), ours=own("proxy")), "spec.containers.0", items(proxy="1")),
        # An item that is to go goes, for all that may differ in it.
        (items(web="1"), live(BOTH, ours=IMAGES), "spec.containers.1.image", items(web="1")),
        # Of what is owned as a whole, only what may differ is as it is.
        (
            rules({"host": "a", "x": 1}),
            live(rules({"host": "b", "x": 2}), (HPA, RULES)),
            "spec.rules.0.host",
            rules({"host": "b", "x": 1}),
        ),
        (rules(1), live(rules(1, 2), (HPA, RULES)), "spec.rules.1", rules(1, 2)),
        (rules(1, 2), live(rules(1), (HPA, RULES)), "spec.rules.1", rules(1)),
    ],
)
def test_kept(wanted: dict[str, Any], there: dict[str, Any], path: str, kept: dict[str, Any]) -> None:
    desired = body(**wanted)
    before = copy([desired, there])
    one = ignored(desired, there, named(path), ())
    assert one.kept(desired, there) == body(**kept)
    assert [desired, there] == before, "what was given is not changed"


def test_what_becomes_ours_by_a_take_over_is_kept_too() -> None:
    kubectl = {"manager": "kubectl-client-side-apply", "operation": "Update", "apiVersion": "apps/v1"}
    there = live(spec(replicas=5, x=1), (kubectl, REPLICAS_AND_X))
    desired = body(**spec(x=1))
    assert ignored(desired, there, named("spec.replicas"), ()).kept(desired, there) == body(**spec(x=1, replicas=5))
