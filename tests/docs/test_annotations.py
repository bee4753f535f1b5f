"""docs/reference/annotations.md: its tables of options, annotations and hooks, held against the code."""

import re

import pytest

from deployer import annotations
from deployer.errors import ConfigurationError, RenderError
from deployer.fields import Fields
from deployer.hooks import (
    ARGO_MOMENTS,
    HELM_HOOK,
    HELM_MOMENTS,
    HELM_POLICIES,
    HELM_POLICY,
    HELM_WEIGHT,
    HOOK,
    HOOK_POLICY,
    POLICIES,
    WAVE,
)
from deployer.manifest import Manifest
from deployer.object_options import (
    APPLICATION_OPTIONS,
    COMPARE,
    COMPARE_OPTIONS,
    FLUX,
    FLUX_OPTIONS,
    IGNORE_HEALTH,
    OBJECT_OPTIONS,
    RESOURCE_POLICY,
    SYNC_OPTIONS,
)
from deployer.rendering.annotations import ANNOTATIONS, ELSEWHERE, HARMLESS, check_annotations
from deployer.sync_options import parse_sync_options
from tests.docs.reference import codes, page, rows

Row = tuple[str, str, bool]
"""What a file says, where it says so (`Application` or `object`), and whether it is supported."""


def told() -> set[Row]:
    """The rows of the page's tables; one of several names is several."""
    return {
        (name, place, not here.startswith("refused: "))
        for names, places, here in rows("annotations", "| in a file | where | here |")
        for name in codes(names)
        for place in places.split(", ")
    }


def written() -> set[Row]:
    """What the code knows."""
    values: dict[str, tuple[str, ...]] = {
        HOOK: ("", *ARGO_MOMENTS),
        HOOK_POLICY: ("", *POLICIES),
        HELM_HOOK: ("", *HELM_MOMENTS),
        HELM_POLICY: ("", *HELM_POLICIES),
        COMPARE_OPTIONS: COMPARE,
        IGNORE_HEALTH: ("true|false",),
        RESOURCE_POLICY: ("keep",),
        **dict.fromkeys((WAVE, HELM_WEIGHT, SYNC_OPTIONS), ("",)),
    }
    assert set(values) == set(ANNOTATIONS)
    objects = {f"{name}: {value}".removesuffix(": ") for name in values for value in values[name]}
    objects |= {f"{FLUX}{key}: {'|'.join(known)}" for key, known in FLUX_OPTIONS.items()}
    objects |= {f"{name}={'|'.join(known)}" for name, known in OBJECT_OPTIONS.items()} | set(HARMLESS)
    flags = {"deployer/rollback", annotations.REQUIRE_VERIFIED, annotations.SKIP_RECONCILE}
    applications = {f"{name}={'|'.join(known)}" for name, known in APPLICATION_OPTIONS.items()}
    applications |= {f"{name}: true|false" for name in flags}
    applications |= set(annotations.OURS) - flags | {annotations.GENERATE_PATHS, *annotations.HARMLESS}
    return {
        *((name, "object", True) for name in objects),
        *((name, "object", False) for name in ELSEWHERE),
        *((name, "Application", True) for name in applications),
        *((name, "Application", False) for name in (*annotations.REFUSED, *annotations.OURS_LATER)),
    }


def test_the_tables_of_options_are_the_codes() -> None:
    assert sorted(told()) == sorted(written())


EXAMPLES = {WAVE: "1", HELM_WEIGHT: "-1", SYNC_OPTIONS: "Replace=true", HOOK: "PreSync,PostSync"}
EXAMPLES |= {HELM_HOOK: "pre-install,pre-upgrade", HOOK_POLICY: "HookFailed", HELM_POLICY: "hook-failed"}
EXAMPLES |= {"deployer/timeout": "60", "deployer/max-prune-percentage": "50"}


def say(text: str, where: str) -> None:
    """Let a file say an option or annotation as a row of the tables has it; raises an error where it is refused."""
    name, _, value = text.partition(": ")
    option = "/" not in text
    if where == "Application" and option:
        parse_sync_options(Fields({"syncOptions": [text]}, "a.yaml"))
    elif where == "Application":
        metadata = {"annotations": {name: value or EXAMPLES.get(name, "x")}}
        annotations.parse_annotations(Fields(metadata, "a.yaml"))
    else:
        said = {SYNC_OPTIONS: text} if option else {name: value or EXAMPLES.get(name, "x")}
        if name in (HOOK_POLICY, HELM_POLICY):
            said[HOOK] = "Sync"
        metadata = {"annotations": said}
        check_annotations(
            Manifest({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a", **metadata}}, "a.yaml")
        )


def alternatives(text: str) -> list[str]:
    """`Prune=true` and `Prune=false` of `Prune=true|false`."""
    first, *others = text.split("|")
    return [first, *(re.sub(r"[^=: ]+$", other, first) for other in others)]


@pytest.mark.parametrize(("text", "where", "supported"), sorted(told()))
def test_what_the_tables_say_is_so(text: str, where: str, supported: bool) -> None:
    for one in alternatives(text):
        if supported:
            say(one, where)
        else:
            with pytest.raises((RenderError, ConfigurationError)):
                say(one, where)


@pytest.mark.parametrize("text", sorted({text for text, _, _ in told() if "=" in text and "/" not in text}))
def test_an_option_stands_nowhere_else(text: str) -> None:
    places = {where for name, where, _ in told() if name == text}
    for where in {"Application", "object"} - places:
        with pytest.raises((RenderError, ConfigurationError), match=r" is for (whole applications|single objects); "):
            say(alternatives(text)[0], where)


def test_alternatives() -> None:
    assert alternatives("Prune=true|confirm") == ["Prune=true", "Prune=confirm"]
    assert alternatives("a/b: c|d|e") == ["a/b: c", "a/b: d", "a/b: e"]
    assert alternatives("a/b") == ["a/b"]


CONTRADICTIONS: list[tuple[dict[str, str], dict[str, str]]] = [
    ({SYNC_OPTIONS: "Replace=true", f"{FLUX}ssa": "Merge"}, {}),
    ({SYNC_OPTIONS: "Replace=true", f"{FLUX}ssa": "IfNotPresent"}, {}),
    *(
        ({SYNC_OPTIONS: f"{name}={value}", **keeper}, {})
        for name in ("Prune", "Delete")
        for value in ("true", "confirm")
        for keeper in ({RESOURCE_POLICY: "keep"}, {f"{FLUX}prune": "disabled"})
    ),
    ({SYNC_OPTIONS: "Prune=false", f"{FLUX}prune": "enabled"}, {}),
    ({SYNC_OPTIONS: "Force=true", f"{FLUX}force": "disabled"}, {}),
    ({SYNC_OPTIONS: "Force=false", f"{FLUX}force": "enabled"}, {}),
    ({SYNC_OPTIONS: "Prune=true,Prune=false"}, {}),
    ({HOOK_POLICY: "HookFailed"}, {}),
    ({HELM_POLICY: "hook-failed"}, {}),
    ({HOOK: "Skip,Sync"}, {}),
    ({HOOK: ""}, {}),
    *(({HOOK: "PreSync", SYNC_OPTIONS: option}, {}) for option in ("Prune=true", "Prune=confirm", "PruneLast=true")),
    ({"applyset.kubernetes.io/id": "x"}, {}),
    ({}, {"deployer/hook": "x"}),
    ({}, {HOOK: "PreSync"}),
]
"""Annotations and labels that the page calls a contradiction, or reserved."""


def with_metadata(kind: str, said: dict[str, str], labels: dict[str, str]) -> Manifest:
    metadata = {"name": "a", "annotations": said, "labels": labels}
    return Manifest({"apiVersion": "v1", "kind": kind, "metadata": metadata}, "a.yaml")


@pytest.mark.parametrize(("said", "labels"), CONTRADICTIONS)
def test_what_contradicts_itself_is_refused(said: dict[str, str], labels: dict[str, str]) -> None:
    with pytest.raises(RenderError):
        check_annotations(with_metadata("Pod", said, labels))


def test_a_namespace_is_no_hook() -> None:
    check_annotations(with_metadata("Pod", {HOOK: "PreSync"}, {}))
    with pytest.raises(RenderError):
        check_annotations(with_metadata("Namespace", {HOOK: "PreSync"}, {}))


def test_the_bounds_of_our_annotations_are_those_of_the_page() -> None:
    text = page("annotations")
    assert f'default `"{annotations.DEFAULT_TIMEOUT:g}"`' in text
    assert f'default `"{annotations.DEFAULT_MAX_PRUNE_PERCENTAGE}"`' in text
    assert f"at most {annotations.MOST_CHECKS} names" in text
