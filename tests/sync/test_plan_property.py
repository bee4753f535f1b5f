"""Whatever is wanted and there: a plan is one and the same, is done when it is done, and takes nobody else's."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any, NamedTuple

from hypothesis import given, settings
from hypothesis import strategies as st

from deployer.cluster.inventory import MEMBER, empty
from deployer.cluster.objects import Live
from deployer.manifest import Manifest, ObjectKey
from deployer.sync.live import Members
from deployer.sync.options import Options
from deployer.sync.plan import Plan
from deployer.sync.prune import FEW, Pruning
from deployer.sync.secret_data import as_applied
from tests.sync.leaving import KEEP, SAYS
from tests.sync.planning import (
    OWNER,
    SHOP,
    WIDGET,
    applied,
    discovery,
    made,
    members_of,
    planned,
    stored,
    target,
    widgets,
)

TEXTS = st.sampled_from(["", "1", "2", "ä"])
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-1, 2) | TEXTS,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from("ab"), inner, max_size=2),
    max_leaves=4,
)
SAID = st.sampled_from(
    [{}, {}, {}, {SAYS: "Prune=false"}, {SAYS: "Prune=true"}, {SAYS: "Prune=confirm"}, {KEEP: "keep"}, {"note": "x"}]
)
NAMES, PLACES = st.sampled_from("abcd"), st.sampled_from(["", "web", "other"])
CONTAINER = st.fixed_dictionaries(
    {"image": TEXTS},
    optional={
        "args": st.lists(TEXTS, min_size=1, max_size=2),
        "env": st.dictionaries(NAMES, TEXTS, min_size=1, max_size=2).map(
            lambda env: [{"name": name, "value": value} for name, value in env.items()]
        ),
        "ports": st.just([{"containerPort": 80, "protocol": "TCP"}]),
    },
)
DATA = st.dictionaries(NAMES, TEXTS, min_size=1, max_size=3)


def deployment(name: str, place: str, replicas: int, container: dict[str, Any], said: dict[str, str]) -> Manifest:
    pod = {"containers": [{"name": "web", **container}, {"name": "side", "image": "s"}]}
    spec = {"replicas": replicas, "selector": {"matchLabels": {"app": name}}, "template": {"spec": pod}}
    return made("Deployment", name, place, spec=spec, annotations=said)


MANIFESTS = st.one_of(
    st.builds(
        lambda name, place, data, said: made("ConfigMap", name, place, data=data, annotations=said),
        NAMES,
        PLACES,
        DATA,
        SAID,
    ),
    st.builds(
        lambda name, place, data, text: made("Secret", name, place, data={"z": "eA=="} | data, stringData=text),
        *(NAMES, PLACES, st.just({}) | st.just({"y": "eQ==\n"}), DATA),
    ),
    st.builds(deployment, NAMES, PLACES, st.integers(0, 2), CONTAINER, SAID),
    st.builds(
        lambda name, spec: made("Widget", name, "web", spec={"size": 1, **spec}),
        NAMES,
        st.dictionaries(NAMES, VALUES, max_size=2),
    ),
    st.builds(lambda name: made("Namespace", name), st.sampled_from(["web", "other", "new"])),
    st.just(widgets()),
)


def known(one: Manifest) -> ObjectKey:
    """The manifest's identity, where the application's namespace is filled in."""
    placed = one.kind not in ("Namespace", "CustomResourceDefinition")
    return one.key._replace(namespace=one.namespace or "web") if placed else one.key


SOURCES = st.lists(MANIFESTS, max_size=6, unique_by=known)


class World(NamedTuple):
    """What a plan is made from."""

    source: list[Manifest]
    live: dict[ObjectKey, Live]
    options: Options


def there(one: Manifest, member: str, said: dict[str, str], *, ours: bool) -> tuple[ObjectKey, Live]:
    """A live object: the member of an application or of none, written by us or by somebody else."""
    key = known(one)
    place = {"namespace": key.namespace} if key.namespace else {}
    labels = {"labels": {MEMBER: member}} if member else {}
    notes = {"annotations": said} if said else {}
    live = stored({**as_applied(one.body), "metadata": {"name": key.name, **place, **labels, **notes}})
    if not ours:
        live["metadata"]["managedFields"][0]["manager"] = "kubectl-edit"
    return key, live


IDS = st.sampled_from([OWNER.id, OWNER.id, OWNER.id, empty("blog", "web").id, ""])
LIVES = st.lists(st.builds(there, MANIFESTS, IDS, SAID, ours=st.booleans()), max_size=8).map(dict)


def forbidding(name: str) -> Any:
    return lambda key, namespaced: "no" if key.name == name else ""


OPTIONS = st.builds(
    lambda create, enabled, percentage, name: replace(
        SHOP, create_namespace=create, pruning=Pruning(enabled, percentage), forbidden=forbidding(name)
    ),
    *(
        st.booleans(),
        st.sampled_from([True, True, False]),
        st.sampled_from([0, 50, 100]),
        st.sampled_from(["", "", "d"]),
    ),
)
WORLDS = st.builds(World, SOURCES, LIVES, OPTIONS)


def made_plan(world: World, members: Members | None = None) -> Plan:
    return planned(world.source, world.live, world.options, empty("shop", "web"), members, discovery(WIDGET))


def facts(plan: Plan) -> dict[str, Any]:
    """What a plan says, but for the order in which the source has its objects."""

    def bodies(targets: Iterable[Any]) -> dict[ObjectKey, Any]:
        return {one.key: one.manifest.body for one in targets}

    return {
        "targets": bodies(plan.targets),
        "ahead": bodies(plan.ahead),
        "rest": bodies(plan.rest),
        "actions": plan.actions,
        "changes": plan.changes,
        "refused": plan.refused,
        "problem": plan.problem,
        "leavers": [(one.key, one.kept) for one in plan.leavers],
    }


@given(st.data(), WORLDS)
def test_it_is_the_same_plan_whatever_the_order(data: st.DataObject, world: World) -> None:
    source = data.draw(st.permutations(world.source))
    live = dict(data.draw(st.permutations([*world.live.items()])))
    members = Members(found=data.draw(st.permutations(members_of(world.live.values()).found)))
    first = made_plan(world)
    assert first == made_plan(world), "nor is there anything that the same input leaves open"
    assert facts(made_plan(world._replace(source=source, live=live), members)) == facts(first)


@settings(max_examples=200)
@given(SOURCES, st.booleans())
def test_once_it_is_applied_there_is_nothing_to_do(source: list[Manifest], create: bool) -> None:
    options = replace(SHOP, create_namespace=create, pruning=Pruning(enabled=True))
    brings = widgets() in source
    before = planned(source, {}, options, empty("shop", "web"), known=discovery(*([] if brings else [WIDGET])))
    assert (before.refused, before.leavers) == ({}, ())
    assert set(before.actions.values()) <= {"created"}
    inventory = replace(empty("shop", "web"), resource_version="1")
    after = planned(source, applied(before), options, inventory, known=discovery(WIDGET))
    assert after.actions == dict.fromkeys([one.key for one in before.targets], "unchanged")
    assert (after.ahead, after.changes, after.leavers, after.refused, after.problem) == ((), {}, (), {}, "")


@settings(max_examples=200)
@given(SOURCES, SOURCES)
def test_what_is_applied_over_something_else_leaves_nothing_to_do(old: list[Manifest], new: list[Manifest]) -> None:
    options = replace(SHOP, pruning=Pruning(True, 100))
    inventory = replace(empty("shop", "web"), resource_version="1")
    live = applied(planned(old, {}, options, inventory, known=discovery(WIDGET)))
    second = planned(new, live, options, inventory, known=discovery(WIDGET))
    updated = {key for key, action in second.actions.items() if action == "updated"}
    assert updated == second.changes.keys()
    assert {key for key, action in second.actions.items() if action == "created"} == second.actions.keys() - live.keys()
    pruned = {one.key for one in second.leavers if not one.kept}
    assert pruned <= live.keys() - second.actions.keys()
    # What was there stays as it was where it is called unchanged: nobody writes it.
    kept = {key: one for key, one in live.items() if key not in pruned | updated}
    third = planned(new, {**applied(second), **kept}, options, inventory, known=discovery(WIDGET))
    assert set(third.actions.values()) <= {"unchanged"}
    assert [one.key for one in third.leavers if not one.kept] == []


@settings(max_examples=300)
@given(WORLDS)
def test_nothing_is_pruned_that_is_not_ours(world: World) -> None:
    # A list by label may bring anything: of a server that does not know selectors, all of it.
    found = made_plan(world, Members(found=[target(live) for live in world.live.values()]))
    going = [one.key for one in found.leavers if not one.kept]
    for key in going:
        metadata = world.live[key]["metadata"]
        assert metadata["labels"][MEMBER] == OWNER.id
        assert metadata["managedFields"][0]["manager"] == "deployer"
        assert world.options.pruning.enabled
        assert world.options.forbidden(key, True) == ""
        assert key not in {known(one) for one in world.source}
        notes = metadata.get("annotations", {})
        assert notes.get(SAYS) in (None, "Prune=true")
        assert KEEP not in notes
        assert notes.get(SAYS) or key.kind not in ("Namespace", "CustomResourceDefinition")
    assert (
        found.problem or len(going) <= FEW or len(going) * 100 <= len(world.live) * world.options.pruning.max_percentage
    )
