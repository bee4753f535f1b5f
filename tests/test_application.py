import copy
from typing import Any

import pytest

from deployer.application import Application, Destination, parse_application
from deployer.errors import ConfigurationError
from deployer.ignore_differences import IgnoreRule
from deployer.object_options import ObjectOptions
from deployer.repository import Repository
from deployer.retry_policy import RetryPolicy
from deployer.source import Directory, Source

PLACE = "apps/web.yaml, document 1"


def document(**changes: Any) -> dict[str, Any]:
    """A document, with fields changed by path: `document(**{"spec.source.path": "x"})`; `...` takes a field out."""
    made: dict[str, Any] = {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Application",
        "metadata": {"name": "web"},
        "spec": {
            "project": "default",
            "source": {"repoURL": "https://github.com/Acme/Web.git", "path": "k8s", "targetRevision": "main"},
            "destination": {"name": "production", "namespace": "web"},
            "syncPolicy": {"automated": {}},
        },
    }
    for path, value in changes.items():
        *folders, name = path.split(".")
        inner = made
        for folder in folders:
            inner = inner.setdefault(folder, {})
        if value is ...:
            del inner[name]
        else:
            inner[name] = value
    return made


def parse(**changes: Any) -> Application:
    return parse_application(document(**changes), PLACE)


def test_an_application() -> None:
    assert parse() == Application(
        name="web",
        project="default",
        source=Source("https://github.com/Acme/Web.git", Repository("github.com", "acme/web"), "k8s", "main"),
        destination=Destination("production", "", "web"),
        automated=True,
        prune=False,
        self_heal=False,
        allow_empty=False,
        create_namespace=False,
        timeout=300.0,
        place=PLACE,
        revision_history_limit=10,
        max_prune_percentage=50,
        prune_propagation="Background",
        prune_option="true",
        retry=RetryPolicy(5, 5.0, 2, 180.0),
    )


def test_all_that_may_be_set() -> None:
    made = parse(
        **{
            "metadata.annotations": {
                "deployer/timeout": "30",
                "deployer/max-prune-percentage": "80",
                "argocd.argoproj.io/manifest-generate-paths": ".;/shared",
            },
            "metadata.namespace": "argocd",
            "metadata.labels": {"team": "web"},
            "metadata.finalizers": ["resources-finalizer.argocd.argoproj.io"],
            "spec.info": [{"name": "url", "value": "https://example.com"}],
            "spec.revisionHistoryLimit": 3,
            "spec.source.directory": {"recurse": True, "include": "*.yaml", "exclude": "{a,b}.yaml"},
            "spec.syncPolicy.automated": {"enabled": True, "prune": True, "selfHeal": True, "allowEmpty": True},
            "spec.syncPolicy.syncOptions": ["CreateNamespace=true", "PrunePropagationPolicy=foreground"],
            "spec.syncPolicy.retry": {"limit": 3},
            "spec.syncPolicy.managedNamespaceMetadata": {"labels": {"a": "b"}},
            "status": {"anything": "Argo CD wrote"},
        }
    )
    assert made.source.directory == Directory(True, "*.yaml", "{a,b}.yaml")
    assert made.source.explicit_directory
    assert (made.automated, made.prune, made.self_heal, made.allow_empty) == (True, True, True, True)
    assert made.create_namespace
    assert made.timeout == 30
    assert (made.revision_history_limit, made.max_prune_percentage, made.prune_propagation) == (3, 80, "Foreground")
    assert made.retry == RetryPolicy(limit=3)
    assert made.generate_paths == ("k8s", "shared")
    assert made.namespace_metadata == {"labels": {"a": "b"}}


@pytest.mark.parametrize("value", ["true", "false", "confirm"])
def test_what_becomes_of_objects_that_leave_git(value: str) -> None:
    made = parse(**{"spec.syncPolicy.syncOptions": [f"Prune={value}"]})
    assert (made.prune_option, made.delete_option) == (value, "true")
    made = parse(**{"spec.syncPolicy.syncOptions": [f"Delete={value}"]})
    assert (made.prune_option, made.delete_option) == ("true", value)


def test_what_its_objects_are_told_by_default() -> None:
    assert parse().object_defaults == ObjectOptions()
    options = ["Validate=false", "Replace=true", "PruneLast=true", "ClientSideApplyMigration=false"]
    made = parse(**{"spec.syncPolicy.syncOptions": [*options, "SkipDryRunOnMissingResource=true"]})
    assert made.object_defaults == ObjectOptions(
        validate=False, skip_dry_run_on_missing=True, replace=True, prune_last=True, take_over=False
    )


@pytest.mark.parametrize(("value", "respected"), [("true", True), ("false", False)])
def test_ignored_differences_are_respected_where_asked_for(value: str, respected: bool) -> None:
    assert not parse().respect_ignore_differences
    made = parse(**{"spec.syncPolicy.syncOptions": [f"RespectIgnoreDifferences={value}"]})
    assert made.respect_ignore_differences is respected


def test_rollback_and_rest_are_asked_for_by_annotation() -> None:
    assert (parse().rollback, parse().skip_reconcile) == (False, False)
    assert parse(**{"metadata.annotations": {"deployer/rollback": "true"}}).rollback
    assert parse(**{"metadata.annotations": {"argocd.argoproj.io/skip-reconcile": "true"}}).skip_reconcile
    assert parse(**{"metadata.annotations": {"deployer/require-checks": "a, b"}}).require_checks == ("a", "b")
    assert not parse().require_verified
    assert parse(**{"metadata.annotations": {"deployer/require-verified": "true"}}).require_verified


@pytest.mark.parametrize(
    ("changes", "automated"),
    [
        ({"spec.syncPolicy.automated": {}}, True),
        ({"spec.syncPolicy.automated": {"enabled": None}}, True),
        ({"spec.syncPolicy.automated": {"enabled": False, "prune": True}}, False),
        ({"spec.syncPolicy.automated": None}, False),
        ({"spec.syncPolicy": {}}, False),
        ({"spec.syncPolicy": ...}, False),
    ],
)
def test_automated(changes: dict[str, Any], automated: bool) -> None:
    assert parse(**changes).automated is automated


@pytest.mark.parametrize(("written", "project"), [("team-a", "team-a"), ("", "default"), (None, "default")])
def test_project(written: str | None, project: str) -> None:
    assert parse(**{"spec.project": written}).project == project


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("spec.sourceHydrator", {"drySource": {}}),
        ("operation", {"sync": {}}),
    ],
)
def test_what_is_not_supported_is_refused_by_name(field: str, value: object) -> None:
    with pytest.raises(ConfigurationError, match=rf"^{PLACE}: {field}: .*not supported"):
        parse(**{field: value})


@pytest.mark.parametrize(
    "field",
    [
        *("specs", "metadata.nam", "spec.sorce", "spec.source.branch", "spec.source.directory.recursive"),
        *("spec.destination.cluster", "spec.syncPolicy.automatic", "spec.syncPolicy.automated.heal"),
        "spec.syncPolicy.retry.tries",
    ],
)
def test_what_is_not_known_is_refused(field: str) -> None:
    with pytest.raises(ConfigurationError, match=rf"^{PLACE}: {field}: unknown field.*; allowed: "):
        parse(**{field: {}})


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"metadata.name": ...}, "metadata.name: is missing"),
        ({"metadata.name": "Web"}, "metadata.name: 'Web' is no name"),
        ({"metadata.name": "a" * 247}, "metadata.name: .*at most 246 characters"),
        ({"metadata.annotations": {"deployer/timeout": "soon"}}, "metadata.annotations.deployer/timeout: 'soon' is no"),
        (
            {"metadata.annotations": {"argocd.argoproj.io/manifest-generate-paths": "../.."}},
            "metadata.annotations.argocd.argoproj.io/manifest-generate-paths: '../..' leaves the repository",
        ),
        ({"spec": ...}, "spec.destination.name: name the cluster"),
        ({"spec": []}, "spec: must be a mapping"),
        ({"spec.source": ...}, "spec.source.repoURL: is missing"),
        ({"spec.destination.server": "https://x"}, "spec.destination.name: name the cluster in either"),
        ({"spec.destination.name": ""}, "spec.destination.name: name the cluster in either"),
        ({"spec.destination.namespace": "Web"}, "spec.destination.namespace: 'Web' is no namespace"),
        ({"spec.destination.namespace": "a" * 64}, "spec.destination.namespace: 'a+' is no namespace"),
        ({"spec.syncPolicy.automated": True}, "spec.syncPolicy.automated: must be a mapping"),
        (
            {"spec.syncPolicy.syncOptions": ["Force=true"]},
            "spec.syncPolicy.syncOptions: Force=true is for single objects",
        ),
        (
            {"spec.syncPolicy.managedNamespaceMetadata": {"labels": {"a": "b"}}},
            "spec.syncPolicy.managedNamespaceMetadata: needs the sync option CreateNamespace=true",
        ),
        (
            {"spec.destination.namespace": "", "spec.syncPolicy.syncOptions": ["CreateNamespace=true"]},
            "spec.destination.namespace: is missing, and CreateNamespace=true needs it",
        ),
    ],
)
def test_what_is_wrong_is_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError, match=f"^{PLACE}: {message}"):
        parse(**changes)


REPOSITORY = "https://github.com/acme/web"


def test_several_sources_of_one_commit() -> None:
    sources = [
        {"repoURL": REPOSITORY, "path": "web", "targetRevision": "main", "name": "web"},
        {"repoURL": "git@github.com:acme/web.git", "path": "config", "targetRevision": "main"},
    ]
    made = parse(
        **{
            "spec.sources": sources,
            "metadata.annotations": {"argocd.argoproj.io/manifest-generate-paths": ".;/shared"},
        }
    )
    assert [one.path for one in made.sources] == ["web", "config"]
    assert made.source.path == "web", "Argo CD takes no notice of `source` beside `sources`"
    assert made.generate_paths == ("web", "shared", "config")


@pytest.mark.parametrize(
    "other", [{"repoURL": "https://github.com/acme/other"}, {"repoURL": REPOSITORY, "targetRevision": "v1"}]
)
def test_sources_of_several_commits_are_refused(other: dict[str, str]) -> None:
    with pytest.raises(
        ConfigurationError, match=r"spec\.sources\[1\]\.repoURL: sources of several repositories or revisions are not"
    ):
        parse(**{"spec.sources": [{"repoURL": REPOSITORY, "targetRevision": "main"}, other]})


def test_one_source_of_several_is_named_where_it_is_wrong() -> None:
    with pytest.raises(ConfigurationError, match=rf"^{PLACE}: spec\.sources\[1\]\.ref: references between sources"):
        parse(**{"spec.sources": [{"repoURL": REPOSITORY}, {"repoURL": REPOSITORY, "ref": "values"}]})


def test_a_destination_by_server() -> None:
    made = parse(**{"spec.destination": {"server": "https://kubernetes.default.svc"}})
    assert made.destination.cluster == "https://kubernetes.default.svc"
    assert made.destination.namespace == ""


def test_the_document_is_left_as_it_was() -> None:
    written = document()
    before = copy.deepcopy(written)
    parse_application(written, PLACE)
    assert written == before


def test_what_may_differ_from_git() -> None:
    rules = [{"kind": "Deployment", "group": "apps", "jsonPointers": ["/spec/replicas"]}]
    expected = IgnoreRule("Deployment", "apps", json_pointers=(("spec", "replicas"),))
    assert parse(**{"spec.ignoreDifferences": rules}).ignore_differences == (expected,)
    assert parse().ignore_differences == ()
    with pytest.raises(ConfigurationError, match=rf"^{PLACE}: spec\.ignoreDifferences\[0\]\.kind: is missing$"):
        parse(**{"spec.ignoreDifferences": [{}]})
