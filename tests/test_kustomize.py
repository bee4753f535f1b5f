"""`source.kustomize` means what it means in Argo CD, and what makes no sense is refused by its field."""

import dataclasses
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from deployer.errors import ConfigurationError
from deployer.fields import Fields
from deployer.kustomize import (
    KUSTOMIZE_VERSION,
    Image,
    Kustomize,
    Patch,
    Replica,
    build_environment,
    fill,
    parse_image,
    parse_kustomize,
)

ENVIRONMENT = build_environment(
    name="web",
    namespace="shop",
    project="default",
    revision="0123456789abcdef",
    path="k8s",
    repo_url="https://github.com/acme/web",
    target_revision="main",
)


def parsed(values: dict[str, Any]) -> Kustomize:
    return parse_kustomize(Fields(values, "web.yaml, document 1", "spec.source.kustomize"))


def test_every_field_is_read() -> None:
    found = parsed(
        {
            "namePrefix": "a-",
            "nameSuffix": "-b",
            "images": ["nginx:1"],
            "replicas": [{"name": "web", "count": 2}, {"name": "db", "count": "3"}],
            "patches": [
                {"path": "p.yaml"},
                {"patch": "x", "target": {"kind": "A", "name": ""}, "options": {"allowNameChange": True}},
            ],
            "components": ["../c"],
            "ignoreMissingComponents": True,
            "commonLabels": {"l": "1"},
            "commonAnnotations": {"a": '"true"'},
            "commonAnnotationsEnvsubst": True,
            "forceCommonLabels": True,
            "forceCommonAnnotations": True,
            "labelWithoutSelector": True,
            "labelIncludeTemplates": True,
            "namespace": "shop",
            "version": f"v{KUSTOMIZE_VERSION}",
            "kubeVersion": "1.30.0",
            "apiVersions": ["v1"],
        }
    )
    assert found == Kustomize(
        name_prefix="a-",
        name_suffix="-b",
        images=("nginx:1",),
        replicas=(Replica("web", 2), Replica("db", 3)),
        patches=(Patch("p.yaml"), Patch("", "x", {"kind": "A"}, {"allowNameChange": True})),
        components=("../c",),
        ignore_missing_components=True,
        common_labels={"l": "1"},
        common_annotations={"a": "true"},  # `kustomize edit add annotation` drops the quotes
        common_annotations_envsubst=True,
        force_common_labels=True,
        force_common_annotations=True,
        label_without_selector=True,
        label_include_templates=True,
        namespace="shop",
        version=f"v{KUSTOMIZE_VERSION}",
        kube_version="1.30.0",
        api_versions=("v1",),
    )
    assert all(getattr(found, field.name) != field.default for field in dataclasses.fields(Kustomize))
    assert hash(found) != hash(Kustomize())


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({}, False),
        ({"namePrefix": ""}, False),
        ({"forceCommonLabels": True, "labelWithoutSelector": True, "commonAnnotationsEnvsubst": True}, False),
        ({"nameSuffix": "a"}, True),
        ({"version": KUSTOMIZE_VERSION}, True),
        ({"kubeVersion": "1.30"}, True),
        ({"apiVersions": ["v1"]}, True),
        ({"ignoreMissingComponents": True}, True),
        ({"replicas": [{"name": "a", "count": 0}]}, True),
        ({"commonAnnotations": {"a": "b"}}, True),
    ],
)
def test_what_makes_a_source_one_of_kustomize(values: dict[str, Any], expected: bool) -> None:
    assert parsed(values).is_set is expected


@pytest.mark.parametrize(
    ("values", "problem"),
    [
        ({"namePrfix": "a"}, "namePrfix: unknown field; did you mean namePrefix?"),
        ({"namePrefix": 1}, "namePrefix: must be text"),
        ({"images": ["nginx"]}, "images: 'nginx' is no image; allowed: IMAGE:TAG"),
        ({"images": ["-x=y"]}, "images: '-x=y' is no image"),
        ({"images": "nginx:1"}, "images: must be a list of texts"),
        ({"images": ["a:$TAG"]}, "images: $TAG is no variable of Argo CD"),
        ({"replicas": [{"count": 1}]}, "replicas[0].name: is missing"),
        ({"replicas": [{"name": "a=b", "count": 1}]}, "replicas[0].name: must be the name of an object"),
        ({"replicas": [{"name": "a"}]}, "replicas[0].count: is missing"),
        ({"replicas": [{"name": "a", "count": "x"}]}, "replicas[0].count: must be a whole number"),
        ({"replicas": [{"name": "a", "count": -1}]}, "replicas[0].count: must be a whole number"),
        ({"replicas": [{"name": "a", "count": True}]}, "replicas[0].count: must be a whole number"),
        ({"patches": [{"target": {"kind": "A"}}]}, "patches[0].path: name a file in `path`, or write the patch"),
        ({"patches": [{"path": "a", "patch": "b"}]}, "patches[0].path: name a file in `path`, or write the patch"),
        (
            {"patches": [{"path": "a", "target": {"knd": "A"}}]},
            "patches[0].target.knd: unknown field; did you mean kind?",
        ),
        ({"patches": [{"path": "a", "options": {"allowAll": True}}]}, "patches[0].options.allowAll: unknown field"),
        ({"patches": [{"path": "a", "options": {"allowNameChange": "yes"}}]}, "allowNameChange: must be true or false"),
        ({"components": ["../c/*"]}, "components: '../c/*' is a pattern, which is not supported: name each one"),
        ({"components": [""]}, "components: '' is no path of a component"),
        ({"components": ["--help"]}, "components: '--help' is no path of a component"),
        ({"commonLabels": {"a": 1}}, "commonLabels.a: must be text"),
        ({"commonLabels": {"a:b": "c"}}, "commonLabels.a:b: is no name of a label or annotation"),
        (
            {"commonLabels": {"a": "${ARGOCD_APP_REVISION}"}},
            "commonLabels: $ARGOCD_APP_REVISION changes with every commit",
        ),
        (
            {"commonLabels": {"a": "$ARGOCD_APP_NAM"}},
            "$ARGOCD_APP_NAM is no variable of Argo CD; did you mean ARGOCD_APP_NAME?",
        ),
        (
            {"commonAnnotations": {"a": "${ARGOCD_APP_REVISION_SHORT}"}, "commonAnnotationsEnvsubst": True},
            "commonAnnotations: $ARGOCD_APP_REVISION_SHORT changes with every commit, and so would every object",
        ),
        (
            {"commonLabels": {"a": "b"}, "labelIncludeTemplates": True},
            "labelIncludeTemplates: needs labelWithoutSelector: true",
        ),
        ({"namespace": "Shop"}, "namespace: is no namespace; allowed: a-z"),
        (
            {"version": "v4.5.7"},
            f"version: only {KUSTOMIZE_VERSION} is at hand; remove the field, or say v{KUSTOMIZE_VERSION}",
        ),
        ({"ignoreMissingComponents": "true"}, "ignoreMissingComponents: must be true or false"),
        ({"apiVersions": "v1"}, "apiVersions: must be a list of texts"),
    ],
)
def test_what_makes_no_sense_is_refused_by_its_field(values: dict[str, Any], problem: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        parsed(values)
    assert str(caught.value).startswith("web.yaml, document 1: spec.source.kustomize.")
    assert problem in str(caught.value)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("nginx:1", Image("nginx", "", "1")),
        ("nginx@sha256:ab", Image("nginx", "", "", "sha256:ab")),
        ("nginx:1@sha256:ab", Image("nginx", "", "1", "sha256:ab")),
        ("a.io:80/nginx:1", Image("a.io:80/nginx", "", "1")),
        ("nginx=a.io:80/x", Image("nginx", "a.io:80/x")),
        ("nginx=*:2", Image("nginx", "*", "2")),
        ("=x", Image("x")),
        ("a=b=c", Image("a", "b=c")),
    ],
)
def test_images(text: str, expected: Image) -> None:
    assert parse_image(text) == expected


def test_variables_are_filled_in_where_argo_cd_fills_them_in() -> None:
    texts = {"a": "$ARGOCD_APP_NAME-${ARGOCD_APP_NAMESPACE} $$ ${$} $ - ${", "b": "${ARGOCD_APP_SOURCE_PATH}"}
    filled = {"a": "web-shop $ $ $ - ", "b": "k8s"}
    kustomize = Kustomize(images=("a:${ARGOCD_APP_REVISION_SHORT}",), common_labels=texts, common_annotations=texts)
    found = fill(kustomize, ENVIRONMENT)
    assert (found.images, found.common_labels) == (("a:0123456",), filled)
    assert found.common_annotations == texts
    with_variables = dataclasses.replace(kustomize, common_annotations_envsubst=True)
    assert fill(with_variables, ENVIRONMENT).common_annotations == filled
    assert (
        fill(
            Kustomize(common_labels={"a": "${ARGOCD_APP_SOURCE_REPO_URL}@$ARGOCD_APP_SOURCE_TARGET_REVISION"}),
            ENVIRONMENT,
        ).common_labels["a"]
        == "https://github.com/acme/web@main"
    )


def test_variables_in_annotations_are_text_unless_asked_for() -> None:
    assert (
        parsed({"commonAnnotations": {"a": "$HOME ${ARGOCD_APP_REVISION}"}}).common_annotations["a"].startswith("$HOME")
    )


def test_the_version_at_hand_is_that_of_kubectl() -> None:
    kubectl = Path(sys.executable).with_name("kubectl")
    said = subprocess.run([kubectl, "version", "--client"], capture_output=True, text=True, check=True).stdout
    assert f"Kustomize Version: v{KUSTOMIZE_VERSION}\n" in said
