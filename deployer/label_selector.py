"""Label selectors, as Kubernetes has them: `matchLabels` and `matchExpressions`, all of which must fit.

Operators and meanings are those of https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/: what has
no such label is `NotIn` as well.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from deployer.fields import Fields, nearest

_WITH_VALUES = ("In", "NotIn")
_OPERATORS = (*_WITH_VALUES, "Exists", "DoesNotExist")


@dataclass(frozen=True)
class LabelRule:
    """One thing that a selector asks of a label."""

    key: str
    operator: str
    values: tuple[str, ...] = ()

    def fits(self, labels: Mapping[str, str]) -> bool:
        """Whether these labels are as it asks."""
        found = labels.get(self.key) in self.values if self.operator in _WITH_VALUES else self.key in labels
        return found != self.operator.startswith(("Not", "DoesNot"))


def parse_label_selector(selector: Fields) -> tuple[LabelRule, ...]:
    """Read a selector; no rules, which fit everything, where it is empty.

    Raises ConfigurationError, at the first field that is wrong.
    """
    selector.allow("matchLabels", "matchExpressions")
    equal = [LabelRule(key, "In", (value,)) for key, value in selector.text_map("matchLabels").items()]
    return (*equal, *(_parse(one) for one in selector.sections("matchExpressions")))


def _parse(expression: Fields) -> LabelRule:
    expression.allow("key", "operator", "values")
    rule = LabelRule(expression.required_text("key"), expression.required_text("operator"), expression.texts("values"))
    if rule.operator not in _OPERATORS:
        raise expression.error(
            "operator",
            f"{rule.operator!r} is none{nearest(rule.operator, _OPERATORS)}; allowed: {', '.join(_OPERATORS)}",
        )
    if (rule.operator in _WITH_VALUES) != bool(rule.values):
        asked = "needs at least one" if rule.operator in _WITH_VALUES else "takes none"
        raise expression.error("values", f"{rule.operator} {asked}")
    return rule
