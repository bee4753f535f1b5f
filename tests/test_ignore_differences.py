"""`spec.ignoreDifferences`, read."""

from typing import Any

import pytest

from deployer.errors import ConfigurationError
from deployer.fields import Fields
from deployer.ignore_differences import IgnoreRule, parse_ignore_differences
from deployer.manifest import ObjectKey

POINTERS: dict[str, Any] = {"kind": "Deployment", "jsonPointers": ["/spec/replicas"]}


def parse(*rules: Any) -> tuple[IgnoreRule, ...]:
    return parse_ignore_differences(Fields({"ignoreDifferences": list(rules)}, "apps.yaml, document 1", "spec"))


def test_every_field() -> None:
    everything = {
        "group": "*",
        "kind": "*Set",
        "name": "web",
        "namespace": "shop",
        "jsonPointers": [
            "/spec/replicas",
            "/metadata/annotations/example.org~1a~0b~01",
            "/spec/rules/0/host",
            "/data/",
        ],
        "jqPathExpressions": [".spec.replicas"],
        "managedFieldsManagers": ["kube-controller-manager"],
    }
    pointers = (
        ("spec", "replicas"),
        ("metadata", "annotations", "example.org/a~b~1"),
        ("spec", "rules", "0", "host"),
        ("data", ""),
    )
    expected = IgnoreRule("*Set", "*", "web", "shop", pointers, (".spec.replicas",), ("kube-controller-manager",))
    small = IgnoreRule("Deployment", json_pointers=(("spec", "replicas"),))
    assert parse(everything, POINTERS) == (expected, small)
    assert parse_ignore_differences(Fields({}, "apps.yaml")) == ()


@pytest.mark.parametrize(
    ("rule", "field", "problem"),
    [
        ({**POINTERS, "kind": None}, ".kind", "is missing"),
        ({"kind": "Pod"}, ".jsonPointers", "the rule ignores nothing"),
        ({"kind": "Pod", "jsonPointers": []}, ".jsonPointers", "the rule ignores nothing"),
        ({**POINTERS, "jqPathExpression": []}, ".jqPathExpression", "did you mean jqPathExpressions?"),
        ({**POINTERS, "kind": "[a"}, ".kind", "is no valid glob"),
        ({**POINTERS, "group": "{a"}, ".group", "is no valid glob"),
        ({**POINTERS, "name": 1}, ".name", "must be text"),
        ({**POINTERS, "jsonPointers": "/spec"}, ".jsonPointers", "must be a list of texts"),
        ({**POINTERS, "jsonPointers": ["spec/replicas"]}, ".jsonPointers", "'spec/replicas' is no JSON pointer"),
        ({**POINTERS, "jsonPointers": ["/a", ".spec"]}, ".jsonPointers", "'.spec' is no JSON pointer"),
        ({**POINTERS, "jsonPointers": [""]}, ".jsonPointers", "'' is no JSON pointer to a field"),
        ({**POINTERS, "jsonPointers": ["/a~"]}, ".jsonPointers", "'/a~' is no JSON pointer"),
        ({**POINTERS, "jsonPointers": ["/a~2"]}, ".jsonPointers", "a ~ is written ~0"),
        ({**POINTERS, "managedFieldsManagers": ["deployer"]}, ".managedFieldsManagers", "no change in Git would be"),
    ],
)
def test_what_is_wrong_is_named(rule: Any, field: str, problem: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        parse(POINTERS, rule)
    assert str(caught.value).startswith(f"apps.yaml, document 1: spec.ignoreDifferences[1]{field}: ")
    assert problem in str(caught.value)


@pytest.mark.parametrize(
    ("rule", "covered"),
    [
        (IgnoreRule("Deployment", "apps"), True),
        (IgnoreRule("Deployment"), False),  # of the core group
        (IgnoreRule("*", "*"), True),
        (IgnoreRule("*", ""), False),
        (IgnoreRule("{Deployment,StatefulSet}", "app?"), True),
        (IgnoreRule("StatefulSet", "apps"), False),
        (IgnoreRule("*", "*", "web", "shop"), True),
        (IgnoreRule("*", "*", "we*"), False),  # only kinds and groups are globs
        (IgnoreRule("*", "*", "", "other"), False),
    ],
)
def test_which_objects_a_rule_is_for(rule: IgnoreRule, covered: bool) -> None:
    assert rule.is_for(ObjectKey("apps", "Deployment", "shop", "web")) is covered
