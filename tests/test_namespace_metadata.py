"""What the Namespace bears that CreateNamespace=true makes."""

from typing import Any

import pytest

from deployer.errors import ConfigurationError
from deployer.fields import Fields
from deployer.namespace_metadata import NamespaceMetadata, parse_namespace_metadata


def parse(managed: Any, *, create_namespace: bool = True) -> NamespaceMetadata:
    policy = Fields({"managedNamespaceMetadata": managed}, "a.yaml", "spec.syncPolicy")
    return parse_namespace_metadata(policy, create_namespace=create_namespace)


@pytest.mark.parametrize(
    ("managed", "found"),
    [
        (None, {}),
        ({}, {}),
        ({"labels": {}, "annotations": None}, {}),
        ({"labels": {"team": "web"}}, {"labels": {"team": "web"}}),
        ({"annotations": {"a.io/b": ""}, "labels": {}}, {"annotations": {"a.io/b": ""}}),
        ({"labels": {"a": "1"}, "annotations": {"b": "2"}}, {"labels": {"a": "1"}, "annotations": {"b": "2"}}),
    ],
)
def test_labels_and_annotations(managed: object, found: object) -> None:
    assert parse(managed) == found


@pytest.mark.parametrize(
    ("managed", "problem"),
    [
        ([], ": must be a mapping"),
        ({"label": {}}, r"\.label: unknown field; did you mean labels\?"),
        ({"labels": {"a": 1}}, r"\.labels\.a: must be text"),
        (
            {"labels": {"a": None, "applyset.kubernetes.io/part-of": "x"}},
            r"\.labels\.applyset.*/part-of: is for members",
        ),
        ({"annotations": {"argocd.argoproj.io/sync-options": "Prune=false"}}, r"\.annotations\.argo.*: is for objects"),
        ({"labels": {"argocd.argoproj.io/instance": "web"}}, r"\.labels\.argocd.*: is for objects of an application"),
    ],
)
def test_what_is_wrong_is_refused(managed: object, problem: str) -> None:
    with pytest.raises(ConfigurationError, match=rf"^a\.yaml: spec\.syncPolicy\.managedNamespaceMetadata{problem}"):
        parse(managed)


def test_there_must_be_a_namespace_to_make() -> None:
    with pytest.raises(ConfigurationError, match=r"Metadata: needs the sync option CreateNamespace=true$"):
        parse({"labels": {"a": "1"}}, create_namespace=False)
    assert parse({}, create_namespace=False) == {}
