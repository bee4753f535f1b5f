"""The rules of an application's `ignoreDifferences`, put to its objects. Pure, but for what jq is asked."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from deployer.cluster.objects import Live
from deployer.errors import ConfigurationError
from deployer.ignore_differences import IgnoreRule
from deployer.manifest import ObjectKey
from deployer.sync.ignored import Ignored, ignored
from deployer.sync.jq import ExpressionError, JsonPath, Question, find_paths
from deployer.sync.targets import Target

_NOTHING = Ignored()


@dataclass(frozen=True)
class Ignoring:
    """Which fields may differ from Git.

    `respect` leaves them as they are in the cluster when their object is applied. `place` says where the rules stand.
    """

    rules: tuple[IgnoreRule, ...] = ()
    respect: bool = False
    place: str = ""

    def covers(self, key: ObjectKey) -> bool:
        """Whether there is a rule for an object."""
        return any(rule.is_for(key) for rule in self.rules)

    def find(
        self, bodies: Mapping[ObjectKey, Mapping[str, Any]], live: Mapping[ObjectKey, Live]
    ) -> dict[ObjectKey, Ignored]:
        """Find the fields that may differ, of the objects that have any.

        Args:
            bodies: the desired objects.
            live: as the cluster has them, those that it has.

        Raises:
            ConfigurationError: a jq expression does not compile, or does not end.
        """
        rules = {key: [rule for rule in self.rules if rule.is_for(key)] for key in bodies}
        named = self._named(rules, bodies, live)
        found = {
            key: ignored(
                body,
                live.get(key),
                named[key],
                [name for rule in rules[key] for name in rule.managed_fields_managers],
            )
            for key, body in bodies.items()
            if rules[key] or "status" in body
        }
        return {key: one for key, one in found.items() if one != _NOTHING}

    def kept(self, target: Target, ignored: Mapping[ObjectKey, Ignored], live: Live | None) -> Target:
        """Return a target as it is to be applied to what is live: with `respect`, what may differ is as it is there.

        Args:
            target: the desired object.
            ignored: the fields that may differ, by object, as `find` found them.
            live: as the cluster has it; None where it does not, so that all of the manifest counts.
        """
        one = ignored.get(target.key)
        if not (self.respect and one and live):
            return target
        return replace(target, manifest=replace(target.manifest, body=one.kept(target.manifest.body, live)))

    def _named(
        self,
        rules: Mapping[ObjectKey, list[IgnoreRule]],
        bodies: Mapping[ObjectKey, Mapping[str, Any]],
        live: Mapping[ObjectKey, Live],
    ) -> dict[ObjectKey, tuple[frozenset[JsonPath], frozenset[JsonPath]]]:
        """The paths that pointers and expressions name, in the desired object and in the live one."""
        pointers = {key: frozenset(one for rule in some for one in rule.json_pointers) for key, some in rules.items()}
        sides = [(key, side) for key in bodies for side in (bodies, live)]
        asked = {
            (key, side is live): Question(expressions, side[key])
            for key, side in sides
            if key in side and (expressions := tuple(one for rule in rules[key] for one in rule.jq_path_expressions))
        }
        try:
            found = dict(zip(asked, find_paths(list(asked.values())) if asked else (), strict=True))
        except ExpressionError as error:
            raise ConfigurationError(f"{self._place_of(error.expression)}: {error.problem}") from None
        nothing: frozenset[JsonPath] = frozenset()
        return {
            key: (some | found.get((key, False), nothing), some | found.get((key, True), nothing))
            for key, some in pointers.items()
        }

    def _place_of(self, expression: str) -> str:
        rule, number = next(
            (rule, one.jq_path_expressions.index(expression))
            for rule, one in enumerate(self.rules)
            if expression in one.jq_path_expressions
        )
        return f"{self.place}: spec.ignoreDifferences[{rule}].jqPathExpressions[{number}]: {expression[:200]!r}"


NOTHING_IGNORED = Ignoring()
