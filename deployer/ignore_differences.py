"""`spec.ignoreDifferences` of an Application: which fields may differ from Git.

Fields and meanings are those of Argo CD's user guide, "Diffing Customization", and of its
`util/argo/normalizers/diff_normalizer.go`.
"""

import re
from dataclasses import dataclass

from deployer.errors import ConfigurationError
from deployer.fields import Fields
from deployer.glob import matches
from deployer.manifest import ObjectKey

_POINTER = re.compile(r"(/([^~/]|~[01])*)+", re.DOTALL)


@dataclass(frozen=True)
class IgnoreRule:
    """Fields that may differ from Git, and of which objects.

    `group` and `kind` are globs, and the group `""` is the core group; `name` and `namespace` are exact, and `""` is
    any. `json_pointers` are the parts of each pointer, unescaped. `managed_fields_managers` are names of field
    managers: whatever they own of what Git has, too, may differ.
    """

    kind: str
    group: str = ""
    name: str = ""
    namespace: str = ""
    json_pointers: tuple[tuple[str, ...], ...] = ()
    jq_path_expressions: tuple[str, ...] = ()
    managed_fields_managers: tuple[str, ...] = ()

    def is_for(self, key: ObjectKey) -> bool:
        """Whether the rule is for an object."""
        return (
            matches(self.group, key.group)
            and matches(self.kind, key.kind)
            and self.name in ("", key.name)
            and self.namespace in ("", key.namespace)
        )


def parse_ignore_differences(spec: Fields) -> tuple[IgnoreRule, ...]:
    """Read `spec.ignoreDifferences`; empty where it is absent.

    A jq expression is only known to be one when it is compiled, where it is used. Raises ConfigurationError.
    """
    return tuple(map(_parse_rule, spec.sections("ignoreDifferences")))


def _parse_rule(rule: Fields) -> IgnoreRule:
    rule.allow("group", "kind", "name", "namespace", "jsonPointers", "jqPathExpressions", "managedFieldsManagers")
    found = IgnoreRule(
        kind=_glob(rule, "kind", rule.required_text("kind")),
        group=_glob(rule, "group", rule.text("group")),
        name=rule.text("name"),
        namespace=rule.text("namespace"),
        json_pointers=tuple(_parse_pointer(rule, pointer) for pointer in rule.texts("jsonPointers")),
        jq_path_expressions=rule.texts("jqPathExpressions"),
        managed_fields_managers=rule.texts("managedFieldsManagers"),
    )
    if not (found.json_pointers or found.jq_path_expressions or found.managed_fields_managers):
        raise rule.error(
            "jsonPointers",
            "the rule ignores nothing; name fields in jsonPointers, jqPathExpressions or managedFieldsManagers",
        )
    if "deployer" in found.managed_fields_managers:
        raise rule.error(
            "managedFieldsManagers",
            "deployer writes what is in Git: with its fields ignored, no change in Git would be deployed; remove it",
        )
    return found


def _glob(rule: Fields, name: str, pattern: str) -> str:
    try:
        matches(pattern, "")
    except ConfigurationError as error:
        raise rule.error(name, str(error)) from None
    return pattern


def _parse_pointer(rule: Fields, pointer: str) -> tuple[str, ...]:
    """Split a JSON pointer at its slashes (RFC 6901: `~1` is a slash, `~0` is `~`)."""
    if not _POINTER.fullmatch(pointer):
        raise rule.error(
            "jsonPointers",
            f"{pointer[:80]!r} is no JSON pointer to a field; one is such as /spec/replicas, where a / in a name is "
            "written ~1, and a ~ is written ~0",
        )
    return tuple(part.replace("~1", "/").replace("~0", "~") for part in pointer.split("/")[1:])
