from typing import Any

import pytest

from deployer.errors import RenderError
from deployer.manifest import Manifest
from deployer.object_options import (
    DEFAULTS,
    ObjectOptions,
    extraneous_ignored,
    kept_by,
    option_values,
    parse_object_options,
    with_options,
)

SAYS = "argocd.argoproj.io/sync-options"
COMPARES = "argocd.argoproj.io/compare-options"
HEALTH = "argocd.argoproj.io/ignore-healthcheck"
KEEP = "helm.sh/resource-policy"
FLUX = "kustomize.toolkit.fluxcd.io"
SSA, FORCE, PRUNE, RECONCILE = f"{FLUX}/ssa", f"{FLUX}/force", f"{FLUX}/prune", f"{FLUX}/reconcile"


def deployment(annotations: dict[str, str], labels: dict[str, str] | None = None, **body: Any) -> Manifest:
    metadata = {"name": "web", "annotations": annotations, "labels": labels}
    return Manifest({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, **body}, "web.yaml")


def parse(annotations: dict[str, str], defaults: ObjectOptions = DEFAULTS) -> ObjectOptions:
    return parse_object_options(deployment(annotations), defaults)


@pytest.mark.parametrize(
    ("annotations", "expected"),
    [
        ({}, ObjectOptions()),
        ({SAYS: ""}, ObjectOptions()),
        ({SAYS: "Validate=false"}, ObjectOptions(validate=False)),
        ({SAYS: "SkipDryRunOnMissingResource=true"}, ObjectOptions(skip_dry_run_on_missing=True)),
        ({SAYS: "Replace=true"}, ObjectOptions(replace=True)),
        ({SAYS: "Force=true"}, ObjectOptions(force=True)),
        ({SAYS: "PruneLast=true"}, ObjectOptions(prune_last=True)),
        ({SAYS: " Force=true, ,Replace=true,Force=true"}, ObjectOptions(force=True, replace=True)),
        ({SAYS: "ServerSideApply=true"}, ObjectOptions()),
        ({SAYS: "ServerSideApply=false"}, ObjectOptions()),
        ({SAYS: "Prune=confirm,Delete=false"}, ObjectOptions()),
        ({SSA: "Override"}, ObjectOptions()),
        ({SSA: "merge"}, ObjectOptions(ssa="Merge", take_over=False)),
        ({SSA: "IFNOTPRESENT"}, ObjectOptions(ssa="IfNotPresent")),
        ({SSA: "Ignore"}, ObjectOptions(ssa="Ignore")),
        ({SSA: ""}, ObjectOptions()),
        ({RECONCILE: "Disabled"}, ObjectOptions(ssa="Ignore")),
        ({RECONCILE: "disabled", SSA: "Override"}, ObjectOptions(ssa="Ignore")),
        ({RECONCILE: "enabled", SSA: "IfNotPresent"}, ObjectOptions(ssa="IfNotPresent")),
        ({RECONCILE: "disabled", SAYS: "Replace=true"}, ObjectOptions(ssa="Ignore", replace=True)),
        ({FORCE: "Enabled"}, ObjectOptions(force=True)),
        ({FORCE: "disabled"}, ObjectOptions()),
        ({FORCE: "enabled", SAYS: "Force=true"}, ObjectOptions(force=True)),
        ({PRUNE: "disabled"}, ObjectOptions()),
        ({PRUNE: "disabled", SAYS: "Prune=false,Delete=false"}, ObjectOptions()),
        ({PRUNE: "enabled", SAYS: "Prune=confirm"}, ObjectOptions()),
        ({KEEP: "keep"}, ObjectOptions()),
        ({KEEP: "keep", SAYS: "Prune=false,Delete=false"}, ObjectOptions()),
        ({HEALTH: "true"}, ObjectOptions(ignore_health=True)),
        ({HEALTH: "false"}, ObjectOptions()),
        ({COMPARES: "IgnoreExtraneous, ServerSideDiff=true,IncludeMutationWebhook=true"}, ObjectOptions()),
        ({COMPARES: "ServerSideDiff=false"}, ObjectOptions()),
        ({COMPARES: ""}, ObjectOptions()),
    ],
)
def test_what_an_object_asks_for(annotations: dict[str, str], expected: ObjectOptions) -> None:
    assert parse(annotations) == expected


ALL = ObjectOptions(False, True, True, True, True, take_over=False)


@pytest.mark.parametrize(
    ("annotations", "expected"),
    [
        ({}, ALL),
        (
            {SAYS: "Validate=true,SkipDryRunOnMissingResource=false,Replace=false,Force=false,PruneLast=false"},
            ObjectOptions(take_over=False),
        ),
        ({SSA: "Merge"}, ObjectOptions(False, True, False, True, True, take_over=False, ssa="Merge")),
        ({SSA: "IfNotPresent"}, ObjectOptions(False, True, False, True, True, take_over=False, ssa="IfNotPresent")),
        ({FORCE: "disabled"}, ObjectOptions(False, True, True, False, True, take_over=False)),
    ],
)
def test_the_objects_own_word_goes_before_its_applications(
    annotations: dict[str, str], expected: ObjectOptions
) -> None:
    assert parse(annotations, ALL) == expected


@pytest.mark.parametrize("name", [SSA, FORCE, PRUNE, RECONCILE])
def test_fluxs_words_count_as_labels_too(name: str) -> None:
    value = {SSA: "ignore", FORCE: "enabled"}.get(name, "disabled")
    assert parse_object_options(deployment({}, {name: value})) == parse({name: value})
    assert parse_object_options(deployment({name: value}, {name: value.upper()})) == parse({name: value})
    with pytest.raises(RenderError, match=f"metadata.labels: {name}: 'x' is unknown; allowed: "):
        parse_object_options(deployment({}, {name: "x"}))


@pytest.mark.parametrize("option", ["Force=true", "Force=true,Replace=true"])
@pytest.mark.parametrize(
    ("api_version", "kind", "force"),
    [
        ("v1", "Namespace", False),
        ("apiextensions.k8s.io/v1", "CustomResourceDefinition", False),
        ("example.com/v1", "Namespace", True),
        ("batch/v1", "Job", True),
    ],
)
def test_what_takes_others_with_it_is_never_deleted_to_be_made_again(
    option: str, api_version: str, kind: str, force: bool
) -> None:
    for annotations in ({SAYS: option}, {FORCE: "enabled"}):
        one = deployment(annotations, apiVersion=api_version, kind=kind)
        assert parse_object_options(one).force is force


@pytest.mark.parametrize(
    ("annotations", "problem"),
    [
        ({SAYS: "Replaces=true"}, f"{SAYS}: unknown option 'Replaces=true'; did you mean Replace?; allowed: "),
        ({SAYS: "Zzz"}, f"{SAYS}: unknown option 'Zzz'; allowed: ServerSideApply, "),
        ({SAYS: "replace=true"}, f"{SAYS}: unknown option 'replace=true'; did you mean Replace?; allowed: "),
        ({SAYS: "Replace"}, f"{SAYS}: 'Replace' is not a value of Replace; allowed: Replace=true, Replace=false"),
        ({SAYS: "Replace = true"}, f"{SAYS}: unknown option 'Replace = true'; did you mean Replace?"),
        (
            {SAYS: "Prune=Confirm"},
            f"{SAYS}: 'Prune=Confirm' is not a value of Prune; allowed: Prune=true, Prune=false, ",
        ),
        ({SAYS: "x" * 99}, f"{SAYS}: unknown option '{'x' * 80}'; allowed: "),
        *(
            (
                {SAYS: f"{option}=true"},
                f"{SAYS}: {option}=true is for whole applications; write it into spec.syncPolicy.syncOptions of one",
            )
            for option in (
                *("CreateNamespace", "ApplyOutOfSyncOnly", "PrunePropagationPolicy", "ClientSideApplyMigration"),
                *("FailOnSharedResource", "RespectIgnoreDifferences"),
            )
        ),
        ({SAYS: "Prune=true,Prune=false"}, f"{SAYS}: Prune=true and Prune=false contradict each other; keep one"),
        ({SAYS: "Replace=true", SSA: "merge"}, f"{SAYS}: Replace=true and {SSA}: Merge contradict each other"),
        ({SAYS: "Replace=true", SSA: "IfNotPresent"}, f"{SAYS}: Replace=true and {SSA}: IfNotPresent contradict"),
        ({SAYS: "Force=true", FORCE: "disabled"}, f"{SAYS}: Force=true and {FORCE}: disabled contradict each other"),
        ({SAYS: "Force=false", FORCE: "enabled"}, f"{SAYS}: Force=false and {FORCE}: enabled contradict each other"),
        ({SAYS: "Prune=false", PRUNE: "enabled"}, f"{SAYS}: Prune=false and {PRUNE}: enabled contradict each other"),
        *(
            ({SAYS: option, **other}, f"{SAYS}: {option} and {told} contradict each other; keep one")
            for option in ("Prune=true", "Prune=confirm", "Delete=true", "Delete=confirm")
            for other, told in (
                ({PRUNE: "Disabled"}, f"{PRUNE}: disabled"),
                ({KEEP: "keep"}, f"{KEEP}: keep"),
            )
        ),
        ({KEEP: "delete"}, f"{KEEP}: 'delete' is unknown; allowed: keep"),
        ({KEEP: ""}, f"{KEEP}: '' is unknown; allowed: keep"),
        ({SSA: "Merged"}, f"{SSA}: 'Merged' is unknown; did you mean Merge?; allowed: Override, Merge, IfNotPresent, "),
        ({FORCE: "true"}, f"{FORCE}: 'true' is unknown; allowed: enabled, disabled"),
        ({PRUNE: "disable"}, f"{PRUNE}: 'disable' is unknown; did you mean disabled?; allowed: enabled, disabled"),
        ({RECONCILE: "off"}, f"{RECONCILE}: 'off' is unknown; allowed: enabled, disabled"),
        ({HEALTH: "True"}, f'{HEALTH}: \'True\' is neither; allowed: "true", "false"'),
        ({HEALTH: ""}, f"{HEALTH}: '' is neither"),
        (
            {COMPARES: "IgnoreExtranous"},
            f"{COMPARES}: 'IgnoreExtranous' is unknown; did you mean IgnoreExtraneous?; allowed: IgnoreExtraneous, ",
        ),
        ({COMPARES: "IncludeMutationWebhook=false"}, f"{COMPARES}: 'IncludeMutationWebhook=false' is unknown"),
    ],
)
def test_what_makes_no_sense_is_refused_with_its_place(annotations: dict[str, str], problem: str) -> None:
    with pytest.raises(RenderError) as error:
        parse(annotations)
    assert str(error.value).startswith(f"web.yaml: Deployment/web: metadata.annotations: {problem}")


def test_annotation_and_label_that_differ() -> None:
    with pytest.raises(RenderError, match=f"{SSA}: annotation and label, Ignore and Merge contradict each other"):
        parse_object_options(deployment({SSA: "merge"}, {SSA: "ignore"}))


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, ObjectOptions()),
        ({"ClientSideApplyMigration": "false"}, ObjectOptions(take_over=False)),
        ({"ClientSideApplyMigration": "true", "Prune": "false"}, ObjectOptions()),
        (
            {"Validate": "false", "SkipDryRunOnMissingResource": "true", "Replace": "true", "PruneLast": "true"},
            ObjectOptions(validate=False, skip_dry_run_on_missing=True, replace=True, prune_last=True),
        ),
    ],
)
def test_the_defaults_of_an_application(options: dict[str, str], expected: ObjectOptions) -> None:
    assert with_options(options) == expected


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("", set()),
        (" Prune=false, Replace=true,,Prune=true,x", {"false", "true"}),
        ("Prune", {""}),
        ("PruneLast=true", set()),
        ("Prune=no", {"no"}),
    ],
)
def test_option_values(text: str, values: set[str]) -> None:
    assert option_values(deployment({SAYS: text}), "Prune") == values


@pytest.mark.parametrize(
    ("annotations", "labels", "reason"),
    [
        ({}, {}, ""),
        ({KEEP: "keep"}, {}, f"{KEEP}: keep"),
        ({KEEP: "delete"}, {}, ""),
        ({}, {KEEP: "keep"}, ""),
        ({PRUNE: "Disabled"}, {}, f"{PRUNE}: disabled"),
        ({}, {PRUNE: "disabled"}, f"{PRUNE}: disabled"),
        ({PRUNE: "enabled"}, {RECONCILE: "enabled", SSA: "Merge"}, ""),
        ({RECONCILE: "disabled"}, {}, f"{RECONCILE}: disabled"),
        ({}, {SSA: "IGNORE"}, f"{SSA}: Ignore"),
        ({SSA: "IfNotPresent"}, {}, ""),
    ],
)
def test_what_keeps_a_live_object(annotations: dict[str, str], labels: dict[str, str], reason: str) -> None:
    assert kept_by(deployment(annotations, labels)) == reason


@pytest.mark.parametrize(
    ("text", "ignored"), [("IgnoreExtraneous", True), ("x, IgnoreExtraneous", True), ("", False), ("Ignore", False)]
)
def test_what_need_not_be_in_git(text: str, ignored: bool) -> None:
    assert extraneous_ignored({COMPARES: text}) is ignored
    assert not extraneous_ignored({"app": "IgnoreExtraneous"})
