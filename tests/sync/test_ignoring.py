"""The rules of an application, put to its objects; jq is asked, and nothing else."""

from typing import Any

import pytest

from deployer.errors import ConfigurationError
from deployer.ignore_differences import IgnoreRule
from deployer.manifest import Manifest, ObjectKey
from deployer.sync.ignored import Ignored
from deployer.sync.ignoring import NOTHING_IGNORED, Ignoring
from deployer.sync.targets import Target
from tests.sync.planning import KINDS, stored

KEY = ObjectKey("apps", "Deployment", "shop", "web")
OTHER = ObjectKey("", "ConfigMap", "shop", "config")
REPLICAS = IgnoreRule("Deployment", "apps", json_pointers=(("spec", "replicas"),))
IMAGES = IgnoreRule("*", "*", jq_path_expressions=(".spec.containers[].image", ".data[]?"))
BODY: dict[str, Any] = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "web", "namespace": "shop"},
    "spec": {"replicas": 3, "containers": [{"name": "a", "image": "a:1"}, {"name": "b", "image": "b:1"}]},
}
CONFIG: dict[str, Any] = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "config"}, "data": {"a": "1"}}
FIRST, SECOND = (("f:spec", "f:containers", f'k:{{"name":"{name}"}}', "f:image") for name in "ab")
DATA, COUNT = ("f:data", "f:a"), ("f:spec", "f:replicas")


def both(*paths: tuple[str, ...]) -> Ignored:
    return Ignored(paths, paths)


def test_pointers_expressions_and_managers_of_all_rules_for_an_object_count() -> None:
    theirs = IgnoreRule("*", "*", managed_fields_managers=("deployer", "somebody"))
    live = {KEY: stored(BODY), OTHER: stored(CONFIG)}
    bodies = {KEY: BODY, OTHER: CONFIG}
    for rules, found in (
        ((), {}),
        ((REPLICAS,), {KEY: both(COUNT)}),
        ((IMAGES,), {KEY: both(FIRST, SECOND), OTHER: both(DATA)}),
        ((REPLICAS, IMAGES), {KEY: both(FIRST, SECOND, COUNT), OTHER: both(DATA)}),
        ((theirs,), {KEY: both(FIRST, SECOND, COUNT), OTHER: both(DATA)}),
    ):
        assert Ignoring(rules).find(bodies, live) == found
    assert NOTHING_IGNORED.find(bodies, live) == {}


def test_each_side_is_asked() -> None:
    rule = IgnoreRule("ConfigMap", jq_path_expressions=('.data | select(.a == "2") | .b',))
    live = {**CONFIG, "data": {"a": "2", "b": "1"}}
    assert Ignoring((rule,)).find({OTHER: CONFIG}, {OTHER: stored(live)}) == {OTHER: both(("f:data", "f:b"))}
    assert Ignoring((rule,)).find({OTHER: live}, {OTHER: stored(CONFIG)}) == {OTHER: both(("f:data", "f:b"))}
    assert Ignoring((rule,)).find({OTHER: live}, {}) == {OTHER: both(("f:data", "f:b"))}
    assert Ignoring((rule,)).find({OTHER: CONFIG}, {OTHER: stored(CONFIG)}) == {}


def test_what_a_manifest_says_of_status_needs_no_rule() -> None:
    assert NOTHING_IGNORED.find({OTHER: {**CONFIG, "status": {}}}, {}) == {OTHER: both(("f:status",))}


@pytest.mark.parametrize("expression", [".data.[", "def f: f; f"])
def test_the_rule_that_is_to_blame_is_named(expression: str) -> None:
    rules = (REPLICAS, IMAGES, IgnoreRule("ConfigMap", jq_path_expressions=(".data", expression)))
    with pytest.raises(ConfigurationError) as caught:
        Ignoring(rules, place="apps.yaml, document 2").find({KEY: BODY, OTHER: CONFIG}, {})
    place = f"apps.yaml, document 2: spec.ignoreDifferences[2].jqPathExpressions[1]: {expression!r}: "
    assert str(caught.value).startswith(place)


def test_who_is_asked_about_no_object_is_not_asked() -> None:
    broken = IgnoreRule("Pod", jq_path_expressions=(".[",))
    assert Ignoring((broken,)).find({OTHER: CONFIG}, {}) == {}
    assert not Ignoring((broken,)).covers(OTHER)
    assert Ignoring((broken, IMAGES)).covers(OTHER)


def test_only_where_it_is_asked_for_a_live_value_is_applied() -> None:
    target = Target(Manifest(BODY, "web.yaml"), KINDS["Deployment"])
    scaled = {**BODY, "spec": {**BODY["spec"], "replicas": 5}}
    found = Ignoring((REPLICAS,)).find({KEY: BODY}, {KEY: stored(scaled)})
    kept = Ignoring((REPLICAS,), respect=True).kept(target, found, stored(scaled))
    assert kept.manifest == Manifest(scaled, "web.yaml")
    assert Ignoring((REPLICAS,), respect=True).kept(target, found, None) is target
    assert Ignoring((REPLICAS,), respect=True).kept(target, {}, stored(scaled)) is target
    assert Ignoring((REPLICAS,)).kept(target, found, stored(scaled)) is target
