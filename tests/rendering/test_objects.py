from typing import Any

import pytest

from deployer.errors import RenderError
from deployer.rendering.objects import looks_like_object, manifests


def config_map(**metadata: Any) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "web", **metadata}}


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (config_map(), True),
        ({"kind": "ConfigMap"}, True),
        ({"kind": None}, True),
        ({"apiVersion": "v2", "name": "chart"}, True),
        ({"apiVersion": 1, "datasources": []}, False),
        ({"replicas": 3}, False),
        ({}, False),
        ([config_map()], False),
        ("kind", False),
        (None, False),
    ],
)
def test_looks_like_object(value: Any, expected: bool) -> None:
    assert looks_like_object(value) is expected


@pytest.mark.parametrize("name", ["web", "system:auth-delegator", "a b", "é", "v1.apps", "a" * 253, "..."])
def test_an_object_is_its_own_manifest(name: str) -> None:
    body = config_map(name=name, namespace="shop", labels={"a": ""}, annotations=None, generateName="x-")
    (manifest,) = manifests(body, "web.yaml, document 1")
    assert manifest.body is body
    assert (manifest.name, manifest.place) == (name, "web.yaml, document 1")


@pytest.mark.parametrize("name", [None, ""])
@pytest.mark.parametrize("hook", [{"argocd.argoproj.io/hook": "PreSync"}, {"helm.sh/hook": "test"}])
def test_a_hook_may_have_its_names_made_for_it(name: str | None, hook: dict[str, str]) -> None:
    (manifest,) = manifests(config_map(name=name, generateName="migrate-", annotations=hook), "web.yaml")
    assert (manifest.name, str(manifest.key)) == ("migrate-", "ConfigMap/migrate-")


@pytest.mark.parametrize("field", ["namespace", "labels", "annotations"])
def test_an_empty_field_is_no_field(field: str) -> None:
    assert len(list(manifests(config_map(**{field: None}), "web.yaml"))) == 1
    assert next(manifests(config_map(namespace=""), "web.yaml")).namespace == ""


@pytest.mark.parametrize("api_version", ["v1", "apps/v1", "networking.k8s.io/v1beta1", "a.b-c.d/v1-x"])
@pytest.mark.parametrize("kind", ["ConfigMap", "x", "My-Kind2"])
def test_types(api_version: str, kind: str) -> None:
    (manifest,) = manifests(config_map() | {"apiVersion": api_version, "kind": kind}, "web.yaml")
    assert (manifest.api_version, manifest.kind) == (api_version, kind)


def test_a_list_is_its_items() -> None:
    for kind in ("List", "ConfigMapList"):
        items = [config_map(), config_map(name="db")]
        found = list(
            manifests({"apiVersion": "v1", "kind": kind, "metadata": {}, "items": items}, "all.yaml, document 1")
        )
        assert [(manifest.name, manifest.place) for manifest in found] == [
            ("web", "all.yaml, document 1, item 1"),
            ("db", "all.yaml, document 1, item 2"),
        ]


def test_a_list_may_be_empty() -> None:
    assert list(manifests({"apiVersion": "v1", "kind": "List", "items": []}, "all.yaml")) == []
    assert list(manifests({"apiVersion": "v1", "kind": "List", "items": None}, "all.yaml")) == []


@pytest.mark.parametrize("fields", [{"items": {}}, {"items": None, "spec": {}}, {"items": None, "status": {}}])
def test_items_do_not_make_every_object_a_list(fields: dict[str, Any]) -> None:
    assert [manifest.name for manifest in manifests(config_map() | fields, "web.yaml")] == ["web"]


EXCLUDE = "leave the file out with `directory.exclude`"


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        ([1], f"web.yaml: a list where an object is expected; if this is no manifest, {EXCLUDE}"),
        ("text", "web.yaml: text where an object is expected"),
        (7, "web.yaml: a number where an object is expected"),
        ({}, "web.yaml: an object without apiVersion; add it, or if this is no manifest, "),
        ({"kind": "ConfigMap"}, "web.yaml: an object without apiVersion"),
        ({"apiVersion": "v1", "metadata": {"name": "web"}}, "web.yaml: an object without kind"),
        ({"apiVersion": "v1", "kind": ""}, "web.yaml: an object without kind"),
        ({"apiVersion": 1.5, "kind": "ConfigMap"}, "web.yaml: apiVersion is a number where text is expected"),
        ({"apiVersion": "v1", "kind": ["a"]}, "web.yaml: kind is a list where text is expected"),
        ({"apiVersion": "v1", "kind": False}, "web.yaml: kind is a boolean where text is expected"),
        *(
            ({"apiVersion": version, "kind": "ConfigMap"}, f"web.yaml: {version!r} is no apiVersion")
            for version in ("V1", "apps/", "/v1", "a/b/v1", "apps/v1/../..", "..", "a%2f/v1", "v1\n", "a" * 64)
        ),
        *(
            ({"apiVersion": "v1", "kind": kind}, f"web.yaml: {kind!r} is no kind")
            for kind in ("../x", "Config Map", "1x", "Config/Map", "x\n")
        ),
        ({"apiVersion": "v1", "kind": "Pod"}, "web.yaml: Pod without metadata.name; add it, or if this is no manifest"),
        ({"apiVersion": "v1", "kind": "Pod", "metadata": None}, "web.yaml: Pod without metadata.name"),
        ({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": ""}}, "web.yaml: Pod without metadata.name"),
        ({"apiVersion": "v1", "kind": "Pod", "metadata": []}, "web.yaml: Pod: metadata is a list where a mapping"),
        (
            {"apiVersion": "v1", "kind": "Job", "metadata": {"generateName": "x-"}},
            "web.yaml: Job: generateName would make one more object at every sync; give it a name instead, or make it",
        ),
        (
            config_map(name=None, generateName="x-", annotations={"helm.sh/hook": "crd-install"}),
            "web.yaml: ConfigMap: generateName would make one more object",
        ),
        (
            config_map(name=None, generateName="x-", annotations={"argocd.argoproj.io/hook": "Presync"}),
            "web.yaml: ConfigMap/x-: metadata.annotations: argocd.argoproj.io/hook: 'Presync' is unknown; did you",
        ),
        (config_map(name=None, generateName=5), "web.yaml: ConfigMap: metadata.generateName is a number; quote it"),
        (config_map(name=None, generateName="../x"), "web.yaml: ConfigMap: metadata.generateName: '../x' is no name; "),
        (config_map(name=0, generateName="x-"), "web.yaml: ConfigMap: metadata.name is a number; quote it"),
        (config_map(name=5), "web.yaml: ConfigMap: metadata.name is a number; quote it"),
        (config_map(name=True), "web.yaml: ConfigMap: metadata.name is a boolean; quote it"),
        *(
            (
                config_map(name=name),
                f"web.yaml: ConfigMap: metadata.name: {name[:80]!r} is no name; allowed: at most 253",
            )
            for name in ("../../x", ".", "..", "a/b", "a%2f", "a\n", "a\x00", "a" * 254)
        ),
        *(
            (config_map(namespace=name), "web.yaml: ConfigMap/web: metadata.namespace: ")
            for name in ("../x", "a.b", "A", "-a", "a\n", "a" * 64)
        ),
        (config_map(namespace=False), "web.yaml: ConfigMap/web: metadata.namespace is a boolean; quote it"),
        (config_map(labels=["a"]), "web.yaml: ConfigMap/web: metadata.labels is a list where a mapping is expected"),
        (
            config_map(labels={"a": True}),
            "web.yaml: ConfigMap/web: metadata.labels: the value of a is a boolean; quote it",
        ),
        (config_map(annotations={"a": 1}), "metadata.annotations: the value of a is a number; quote it"),
        (config_map(annotations={"a": None}), "metadata.annotations: the value of a is null; quote it"),
        (config_map(annotations={"a": {}}), "metadata.annotations: the value of a is a mapping; quote it"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(body: Any, problem: str) -> None:
    with pytest.raises(RenderError) as error:
        list(manifests(body, "web.yaml"))
    assert problem in str(error.value)


def test_the_items_of_a_list_are_held_to_the_same() -> None:
    with pytest.raises(RenderError, match=r"all\.yaml, item 2: an object without kind"):
        list(manifests({"apiVersion": "v1", "kind": "List", "items": [config_map(), {"apiVersion": "v1"}]}, "all.yaml"))
    with pytest.raises(RenderError, match=r"all\.yaml, item 1: text where an object is expected"):
        list(manifests({"apiVersion": "v1", "kind": "List", "items": ["x"]}, "all.yaml"))
