from dataclasses import replace
from typing import Any

import pytest

from deployer.annotations import DEFAULT_TIMEOUT, Annotations, parse_annotations
from deployer.errors import ConfigurationError
from deployer.fields import Fields


def timeout(**annotations: object) -> float:
    return parse_annotations(Fields({"annotations": annotations}, "a.yaml", "metadata")).timeout


@pytest.mark.parametrize(("text", "seconds"), [("30", 30.0), ("0.5", 0.5), ("86400", 86400.0), ("", DEFAULT_TIMEOUT)])
def test_timeout(text: str, seconds: float) -> None:
    assert timeout(**{"deployer/timeout": text}) == seconds


def test_timeout_by_default() -> None:
    assert parse_annotations(Fields({}, "a.yaml")).timeout == DEFAULT_TIMEOUT == 300


@pytest.mark.parametrize("text", ["0", "0.0", "-1", "5m", "1e3", "nan", "inf", " 30", "1_0", "٣", "9999999999"])
def test_timeout_refused(text: str) -> None:
    with pytest.raises(ConfigurationError, match=r"^a.yaml: metadata\.annotations\.deployer/timeout: .* is no time"):
        timeout(**{"deployer/timeout": text})


@pytest.mark.parametrize(("text", "percentage"), [("0", 0), ("7", 7), ("100", 100), ("", 50)])
def test_max_prune_percentage(text: str, percentage: int) -> None:
    annotations = {"deployer/max-prune-percentage": text}
    found = parse_annotations(Fields({"annotations": annotations}, "a.yaml", "metadata"))
    assert found.max_prune_percentage == percentage


@pytest.mark.parametrize("text", ["101", "-1", "50%", "0.5", "1e1", " 5", "٣", "1000"])
def test_max_prune_percentage_refused(text: str) -> None:
    with pytest.raises(ConfigurationError, match=r"deployer/max-prune-percentage: .* is no percentage; allowed"):
        timeout(**{"deployer/max-prune-percentage": text})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("deployer/require-checks", ""),
        ("deployer/require-verified", "false"),
        ("argocd.argoproj.io/tracking-id", "x"),
        ("argocd.argoproj.io/compare-options", "IgnoreExtraneous"),
        ("argocd.argoproj.io/refresh", "normal"),
        ("argocd.argoproj.io/managed-by-url", "https://example.com"),
        ("notifications.argoproj.io/subscribe.on-deployed.slack", "general"),
        ("link.argocd.argoproj.io/external-link", "https://example.com"),
        ("kubectl.kubernetes.io/last-applied-configuration", "{}"),
    ],
)
def test_what_asks_for_nothing_is_accepted(name: str, value: str) -> None:
    assert timeout(**{name: value}) == DEFAULT_TIMEOUT


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("deployer/environment-url", "https://example.com"),
    ],
)
def test_what_is_not_supported_yet_is_refused_by_name(name: str, value: str) -> None:
    with pytest.raises(ConfigurationError, match=rf"metadata\.annotations\.{name}: not supported yet; remove"):
        timeout(**{name: value})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("argocd.argoproj.io/sync-wave", "1"),
        ("argocd.argoproj.io/sync-options", "Prune=false"),
        ("argocd.argoproj.io/hook", "PreSync"),
        ("argocd.argoproj.io/hook-delete-policy", "HookSucceeded"),
        ("argocd.argoproj.io/deletion-approved", "2026-01-01T00:00:00Z"),
        ("argocd.argoproj.io/client-side-apply-migration-manager", "helm"),
    ],
)
def test_what_makes_no_sense_here_is_refused_with_the_reason(name: str, value: str) -> None:
    with pytest.raises(ConfigurationError, match=rf"{name}: not supported: [a-z' ]{{20,}}.*; remove the annotation$"):
        timeout(**{name: value})


@pytest.mark.parametrize(("text", "flag"), [("true", True), ("false", False), ("", False)])
@pytest.mark.parametrize(
    ("name", "field"),
    [
        ("deployer/rollback", "rollback"),
        ("deployer/require-verified", "require_verified"),
        ("argocd.argoproj.io/skip-reconcile", "skip_reconcile"),
    ],
)
def test_flags(name: str, field: str, text: str, flag: bool) -> None:
    found = parse_annotations(Fields({"annotations": {name: text}}, "a.yaml", "metadata"))
    changed: dict[str, Any] = {field: flag}
    assert found == replace(Annotations(), **changed)


@pytest.mark.parametrize(
    "name", ["deployer/rollback", "deployer/require-verified", "argocd.argoproj.io/skip-reconcile"]
)
@pytest.mark.parametrize("text", ["True", "TRUE", "yes", "1", " true"])
def test_flags_refused(name: str, text: str) -> None:
    with pytest.raises(ConfigurationError, match=rf"{name}: '{text}' is neither; allowed: \"true\", \"false\"$"):
        timeout(**{name: text})


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("", ()),
        ("build", ("build",)),
        ("build, ci/test ,lint", ("build", "ci/test", "lint")),
        ("build,build", ("build",)),
        ("test (3.13, ubuntu-latest), test (3.12, macos)", ("test (3.13, ubuntu-latest)", "test (3.12, macos)")),
        ("Build: all, prüfen", ("Build: all", "prüfen")),
        ("my-deployer", ("my-deployer",)),
    ],
)
def test_required_checks(text: str, names: tuple[str, ...]) -> None:
    found = parse_annotations(Fields({"annotations": {"deployer/require-checks": text}}, "a.yaml", "metadata"))
    assert found.require_checks == names


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (" ", "'' is no name of a check; allowed: names with \",\" between, at most 255 characters each"),
        ("build,", "'' is no name of a check"),
        ("build,,lint", "'' is no name of a check"),
        ("build\nlint", r"'build\\nlint' is no name of a check"),
        ("x" * 256, "'x{40}' is no name of a check"),
        ("build, deployer/shop", "'deployer/shop' is what the deployer itself says of a commit"),
        ("Deployer", "'Deployer' is what the deployer itself says of a commit"),
        (",".join(map(str, range(31))), "31 checks are too many; allowed: 30"),
    ],
)
def test_required_checks_refused(text: str, told: str) -> None:
    with pytest.raises(ConfigurationError, match=rf"metadata\.annotations\.deployer/require-checks: {told}"):
        timeout(**{"deployer/require-checks": text})


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("deployer/tmeout", r"unknown annotation; did you mean deployer/timeout\?; allowed: deployer/timeout, "),
        ("deployer/", r"unknown annotation"),
        (
            "argocd.argoproj.io/refesh",
            r"unknown annotation of Argo CD; did you mean argocd.argoproj.io/refresh\?; remove it",
        ),
        ("argocd.argoproj.io/zzz", r"unknown annotation of Argo CD"),
    ],
)
def test_what_is_not_known_is_refused(name: str, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        timeout(**{name: "30"})


def test_an_annotation_is_text() -> None:
    with pytest.raises(ConfigurationError, match=r"metadata\.annotations\.deployer/timeout: must be text"):
        timeout(**{"deployer/timeout": 30})
