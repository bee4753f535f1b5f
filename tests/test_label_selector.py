from typing import Any

import pytest

from deployer.errors import ConfigurationError
from deployer.fields import Fields
from deployer.label_selector import parse_label_selector

LABELS = {"env": "production", "tier": ""}


def fits(selector: dict[str, Any]) -> bool:
    return all(rule.fits(LABELS) for rule in parse_label_selector(Fields(selector, "a.yaml", "selector")))


def expression(key: str, operator: str, *values: str) -> dict[str, Any]:
    return {"key": key, "operator": operator, "values": list(values)}


@pytest.mark.parametrize(
    ("selector", "fitting"),
    [
        ({}, True),
        ({"matchLabels": {}}, True),
        ({"matchLabels": {"env": "production"}}, True),
        ({"matchLabels": {"env": "production", "tier": ""}}, True),
        ({"matchLabels": {"env": "production", "tier": "x"}}, False),
        ({"matchLabels": {"env": "staging"}}, False),
        ({"matchLabels": {"gone": ""}}, False),
        ({"matchLabels": {"env": "production"}, "matchExpressions": [expression("tier", "DoesNotExist")]}, False),
    ],
)
def test_all_of_it_must_fit(selector: dict[str, Any], fitting: bool) -> None:
    assert fits(selector) is fitting


@pytest.mark.parametrize(
    ("one", "fitting"),
    [
        (expression("env", "In", "staging", "production"), True),
        (expression("env", "In", "staging"), False),
        (expression("gone", "In", "staging"), False),
        (expression("env", "NotIn", "staging"), True),
        (expression("env", "NotIn", "staging", "production"), False),
        (expression("gone", "NotIn", "staging"), True),
        (expression("tier", "Exists"), True),
        (expression("gone", "Exists"), False),
        (expression("tier", "DoesNotExist"), False),
        (expression("gone", "DoesNotExist"), True),
    ],
)
def test_expressions(one: dict[str, Any], fitting: bool) -> None:
    assert fits({"matchExpressions": [one]}) is fitting


@pytest.mark.parametrize(
    ("selector", "message"),
    [
        ({"matchLabel": {}}, r"selector\.matchLabel: unknown field; did you mean matchLabels\?"),
        ({"matchLabels": {"env": True}}, r"selector\.matchLabels\.env: must be text"),
        ({"matchExpressions": [{"operator": "In"}]}, r"selector\.matchExpressions\[0\]\.key: is missing"),
        ({"matchExpressions": [{"key": "env"}]}, r"selector\.matchExpressions\[0\]\.operator: is missing"),
        (
            {"matchExpressions": [expression("env", "Notin", "x")]},
            r"\.operator: 'Notin' is none; did you mean NotIn\?; allowed: In, NotIn, Exists, DoesNotExist$",
        ),
        ({"matchExpressions": [expression("env", "In")]}, r"\[0\]\.values: In needs at least one$"),
        ({"matchExpressions": [expression("env", "Exists", "x")]}, r"\[0\]\.values: Exists takes none$"),
        ({"matchExpressions": [{"key": "a", "operator": "Exists", "value": "x"}]}, r"\[0\]\.value: unknown field"),
    ],
)
def test_what_is_wrong_is_refused(selector: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError, match=f"^a.yaml: .*{message}"):
        fits(selector)
