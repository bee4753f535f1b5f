"""The Application's settings do what they do in Argo CD: each is compared with the kustomization that it would make."""

from typing import Any

import pytest

from deployer.errors import RenderError
from deployer.kustomize import Kustomize, Patch, Replica
from deployer.limits import DEFAULT_LIMITS
from deployer.rendering.kustomize.edit import edit
from deployer.rendering.kustomize.kustomization import parse_kustomization
from deployer.rendering.kustomize.reading import Reader
from tests.rendering.kustomize.building import DEPLOYMENT, built, config_map, plain

BEFORE = """\
resources: [web.yaml, map.yaml]
namePrefix: old-
images: [{name: nginx, newName: mirror/nginx, newTag: "1"}, {name: other, newTag: "2"}]
replicas: [{name: web, count: 7}]
commonAnnotations: {here: before}
labels: [{pairs: {tier: front}, includeTemplates: true}]
patches: [{path: scale.yaml}]
"""
SCALE = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec: {minReadySeconds: 9}\n"
FILES = {
    "app/web.yaml": DEPLOYMENT,
    "app/map.yaml": config_map("map"),
    "app/scale.yaml": SCALE,
    "app/more.yaml": SCALE.replace("9", "10"),
    "component/kustomization.yaml": "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\nnameSuffix: -c\n",
}
IMAGES = 'images: [{name: nginx, newName: mirror/nginx, newTag: "1"}, {name: other, newTag: "2"}]'
CASES = [
    (Kustomize(name_prefix="new-"), ("namePrefix: old-", "namePrefix: new-")),
    (Kustomize(name_suffix="-x"), ("namePrefix", "nameSuffix: -x\nnamePrefix")),
    (Kustomize(namespace="shop"), ("namePrefix", "namespace: shop\nnamePrefix")),
    (Kustomize(images=("nginx:2",)), (IMAGES, 'images: [{name: nginx, newTag: "2"}]')),
    (
        Kustomize(images=("nginx=eu.gcr.io:80/a/nginx:2@sha256:ab",)),
        (IMAGES, 'images: [{name: nginx, newName: "eu.gcr.io:80/a/nginx", newTag: "2", digest: "sha256:ab"}]'),
    ),
    (Kustomize(images=("nginx=*:2",)), (IMAGES, 'images: [{name: nginx, newName: mirror/nginx, newTag: "2"}]')),
    (Kustomize(images=("nginx@sha256:ab",)), (IMAGES, 'images: [{name: nginx, digest: "sha256:ab"}]')),
    (Kustomize(replicas=(Replica("web", 2),)), ("count: 7", "count: 2")),
    (Kustomize(common_labels={"team": "a"}), ("namePrefix", "commonLabels: {team: a}\nnamePrefix")),
    (
        Kustomize(common_labels={"team": "a"}, label_without_selector=True),
        ("labels: [", "labels: [{pairs: {team: a}}, "),
    ),
    (
        Kustomize(common_labels={"team": "a"}, label_without_selector=True, label_include_templates=True),
        ("{tier: front}", "{tier: front, team: a}"),
    ),
    (
        Kustomize(
            common_labels={"tier": "b"},
            label_without_selector=True,
            label_include_templates=True,
            force_common_labels=True,
        ),
        ("{tier: front}", "{tier: b}"),
    ),
    (Kustomize(common_annotations={"there": "a"}), ("{here: before}", "{here: before, there: a}")),
    (
        Kustomize(common_annotations={"here": "a"}, force_common_annotations=True),
        ("{here: before}", "{here: a}"),
    ),
    (Kustomize(patches=(Patch(path="more.yaml"),)), ("{path: scale.yaml}", "{path: scale.yaml}, {path: more.yaml}")),
    (
        Kustomize(
            patches=(
                Patch(
                    text='[{"op": "add", "path": "/metadata/name", "value": "renamed"}]',
                    target={"kind": "Deployment", "name": "w.*"},
                    options={"allowNameChange": True},
                ),
            )
        ),
        (
            "{path: scale.yaml}",
            '{path: scale.yaml}, {patch: \'[{"op": "add", "path": "/metadata/name", "value": "renamed"}]\', '
            "target: {kind: Deployment, name: w.*}, options: {allowNameChange: true}}",
        ),
    ),
    (Kustomize(components=("../component",)), ("namePrefix", "components: [../component]\nnamePrefix")),
    (
        Kustomize(components=("../gone", "../component"), ignore_missing_components=True),
        ("namePrefix", "components: [../component]\nnamePrefix"),
    ),
    (Kustomize(components=("../gone",), ignore_missing_components=True), ("namePrefix", "namePrefix")),
    (Kustomize(kube_version="1.30.0", api_versions=("v1",), version="v5.8.1"), ("namePrefix", "namePrefix")),
]


@pytest.mark.parametrize(("kustomize", "change"), CASES)
def test_each_setting_is_as_if_it_stood_in_the_kustomization(kustomize: Kustomize, change: tuple[str, str]) -> None:
    assert change[0] in BEFORE
    expected, problem = plain({**FILES, "app/kustomization.yaml": BEFORE.replace(*change)}, "app")
    assert not problem
    assert built({**FILES, "app/kustomization.yaml": BEFORE}, "app", kustomize=kustomize) == expected


def edited(kustomization: str, kustomize: Kustomize) -> dict[str, Any]:
    return edit(*_parsed(kustomization, kustomize))


def _parsed(kustomization: str, kustomize: Kustomize) -> Any:
    found, text = parse_kustomization("kustomization.yaml", kustomization.encode(), Reader(DEFAULT_LIMITS))
    return found, kustomize, text


@pytest.mark.parametrize(
    ("before", "images", "after"),
    [
        ("", ["b:1", "a=c"], [{"name": "a", "newName": "c"}, {"name": "b", "newTag": "1"}]),
        (
            "images: [{name: a, newTag: '1'}, {name: a, newTag: '2'}]",
            ["b:1"],
            [{"name": "a", "newTag": "1"}, {"name": "b", "newTag": "1"}],
        ),
        ("imageTags: [{name: a, newTag: '1'}]", ["a=b"], [{"name": "a", "newName": "b"}]),
        (
            "images: [{name: a, newName: x, newTag: '1'}]",
            ["a=*:*@sha256:ab"],
            [{"name": "a", "newName": "x", "newTag": "1", "digest": "sha256:ab"}],
        ),
        ("", ["a=*:2"], [{"name": "a", "newName": "", "newTag": "2"}]),
        ("", ["a:1", "a:2"], [{"name": "a", "newTag": "2"}]),
    ],
)
def test_images_are_merged_by_name(before: str, images: list[str], after: list[dict[str, str]]) -> None:
    assert edited(before, Kustomize(images=tuple(images))) == {"images": after}


def test_replicas_are_merged_by_name() -> None:
    before = "replicas: [{name: c, count: 1}, {name: a, count: 1}, {name: a, count: 2}]"
    after = edited(before, Kustomize(replicas=(Replica("b", 0), Replica("c", 3))))
    assert [(one["name"], one["count"]) for one in after["replicas"]] == [("a", 1), ("b", 0), ("c", 3)]


def test_what_was_read_is_not_changed() -> None:
    """It may be kept, and given to the next one who reads the same text."""
    found, kustomize, text = _parsed(BEFORE, CASES[10][0])
    before = str(found)
    edit(found, kustomize, text)
    assert str(found) == before


@pytest.mark.parametrize(
    ("before", "kustomize", "problem"),
    [
        (
            "\ncommonLabels: {a: b}",
            Kustomize(common_labels={"a": "c"}),
            "kustomization.yaml, line 2: the label a stands there, and in the Application's kustomize, too; "
            "remove one, or say forceCommonLabels: true",
        ),
        (
            "commonAnnotations: {a: b}",
            Kustomize(common_annotations={"a": "b"}),
            "line 1: the annotation a stands there",
        ),
        (
            "labels: [{pairs: {a: b}}]",
            Kustomize(common_labels={"a": "c"}, label_without_selector=True),
            "the label a stands there",
        ),
        ("commonLabels: [a]", Kustomize(common_labels={"a": "c"}), "line 1: commonLabels must be a mapping of texts"),
        ("commonLabels: {b: 1}", Kustomize(common_labels={"a": "c"}), "commonLabels must be a mapping of texts"),
        ("labels: {a: b}", Kustomize(), "labels must be a list of mappings"),
        ("components: a", Kustomize(components=("b",)), "components must be a list of texts"),
        ("", Kustomize(images=("nginx",)), "the Application's kustomize.images: 'nginx' is no image"),
    ],
)
def test_what_does_not_go_together_is_refused(before: str, kustomize: Kustomize, problem: str) -> None:
    with pytest.raises(RenderError) as caught:
        edited(before, kustomize)
    assert problem in str(caught.value)


def test_components_are_added_once_and_none_is_taken_away() -> None:
    found = edited("components: [a, a, b]", Kustomize(components=("b", "c", "c")))
    assert found["components"] == ["a", "a", "b", "c"], "Kustomize itself says what is wrong with the first two"
