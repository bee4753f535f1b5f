"""What is printed is what kubectl prints by itself, for every field that names a file or folder."""

from pathlib import Path

import pytest

from tests.rendering.kustomize.building import DEPLOYMENT, built, config_map, plain

SHARED = Path(__file__).resolve().parents[4] / "shared" / "manifests" / "online-boutique" / "kustomize"
COMPONENT = "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\n"
PATCH = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec: {replicas: 3}\n"
JSON_PATCH = '[{"op": "replace", "path": "/spec/replicas", "value": 4}]'
REPLACEMENT = """\
source: {kind: Deployment, name: web, fieldPath: metadata.name}
targets: [{select: {kind: ConfigMap}, fieldPaths: [data.key]}]
"""
PLUGINS = """\
apiVersion: builtin
kind: PatchTransformer
metadata: {name: patch}
path: patch.yaml
---
apiVersion: builtin
kind: PatchJson6902Transformer
metadata: {name: json}
target: {kind: Deployment, name: web}
path: patch.json
---
apiVersion: builtin
kind: PatchStrategicMergeTransformer
metadata: {name: merge}
paths: [patch.yaml]
---
apiVersion: builtin
kind: ReplacementTransformer
metadata: {name: replace}
replacements: [{path: replacement.yaml}]
---
apiVersion: builtin
kind: LabelTransformer
metadata: {name: label}
labels: {a: b}
fieldSpecs: [{path: metadata/labels, create: true}]
"""
GENERATOR = """\
apiVersion: builtin
kind: ConfigMapGenerator
metadata: {name: made}
name: made
files: [one=one.txt]
env: one.env
---
apiVersion: builtin
kind: SecretGenerator
metadata: {name: secret}
name: secret
envs: [one.env]
"""
OPENAPI = '{"definitions": {"v1.C": {"properties": {"apiVersion": {"type": "string"}}}}}'
FILES = {
    "web.yaml": DEPLOYMENT,
    "map.yaml": config_map("map", key="value"),
    "base/kustomization.yml": "resources: [cm.yaml, ../other]\nnamePrefix: b-\n",
    "base/cm.yaml": config_map("base"),
    "other/Kustomization": '{"resources": ["cm.yaml"]}',
    "other/cm.yaml": config_map("other"),
    "component/kustomization.yaml": f"{COMPONENT}patches: [{{path: patch.yaml}}]\n",
    "component/patch.yaml": PATCH,
    "patch.yaml": PATCH,
    "patch.json": JSON_PATCH,
    "replacement.yaml": REPLACEMENT,
    "plugins.yaml": PLUGINS,
    "generator.yaml": GENERATOR,
    "plugins/kustomization.yaml": "resources: [it.yaml]\n",
    "plugins/it.yaml": GENERATOR,
    "one.txt": "one\n",
    "one.env": "A=1\n# not this\nB=2\n",
    "crd.json": OPENAPI,
    "openapi.json": OPENAPI,
    "configuration.yaml": "namePrefix: [{path: metadata/name}]\n",
}


@pytest.mark.parametrize(
    "kustomization",
    [
        "resources: [web.yaml, map.yaml]",
        "resources: [./web.yaml, base/../map.yaml]",
        "resources: [base]",
        "resources: [base/]",
        "bases: [base]",
        "Resources: [web.yaml]\nNAMEPREFIX: x-",
        "resources: [web.yaml]\ncomponents: [component]",
        "resources: [web.yaml]\ncrds: [crd.json]\nnamePrefix: a-",
        "resources: [web.yaml]\nconfigurations: [configuration.yaml]\nnamePrefix: a-",
        "resources: [web.yaml]\nopenapi: {path: openapi.json}",
        "resources: [web.yaml]\npatches: [{path: patch.yaml}]",
        "resources: [web.yaml]\npatches: [{Path: patch.json, target: {kind: Deployment}}]",
        f"resources: [web.yaml]\npatches:\n- target: {{kind: Deployment}}\n  patch: '{JSON_PATCH}'",
        "resources: [web.yaml]\npatchesStrategicMerge: [patch.yaml]",
        "resources: [web.yaml]\npatchesStrategicMerge:\n- |\n  " + PATCH.replace("\n", "\n  "),
        "resources: [web.yaml]\npatchesJson6902: [{path: patch.json, target: {kind: Deployment, name: web}}]",
        "resources: [web.yaml, map.yaml]\nreplacements: [{path: replacement.yaml}]",
        "configMapGenerator: [{name: a, files: [one.txt, two=one.txt], envs: [one.env], literals: [C=3]}]",
        "secretGenerator: [{name: a, files: [one.txt], env: one.env}]\ngeneratorOptions: {disableNameSuffixHash: true}",
        "resources: [web.yaml, map.yaml]\ntransformers: [plugins.yaml]",
        "resources: [web.yaml, map.yaml]\ntransformers:\n- |\n  " + PLUGINS.replace("\n", "\n  "),
        "generators: [generator.yaml]",
        "generators: [plugins]",
        "resources: [web.yaml, map.yaml]\nvalidators:\n- |\n  apiVersion: builtin\n  kind: HashTransformer\n"
        "  metadata: {name: x}",
        "resources: [base, web.yaml]\nimages: [{name: nginx, newTag: '1_30'}]\nreplicas: [{name: web, count: 2}]\n"
        "labels: [{pairs: {a: 'yes'}, includeSelectors: true}]\ncommonAnnotations: {b: \"\\x85\\u2028é😀\"}\n"
        "vars: [{name: X, objref: {apiVersion: v1, kind: ConfigMap, name: base}}]\nsortOptions: {order: fifo}\n"
        "buildMetadata: [originAnnotations]\nnamespace: shop\nnameSuffix: -x",
    ],
)
def test_every_field_gives_what_kubectl_gives(kustomization: str) -> None:
    files = {**FILES, "kustomization.yaml": kustomization}
    expected, problem = plain(files)
    assert not problem
    assert expected
    assert built(files) == expected


@pytest.mark.parametrize(
    ("links", "folder", "kustomization"),
    [
        ({"real/link.yaml": "web.yaml"}, "real", "resources: [link.yaml]"),
        ({"real/link.yaml": "../real/below/../web.yaml"}, "real", "resources: [link.yaml]"),
        ({"real/link": "../elsewhere"}, "real", "resources: [link]"),
        ({"real/way": "../over", "over/there": "../real/../elsewhere"}, "real", "resources: [way/there]"),
        ({"app": "real"}, "app", "resources: [web.yaml]"),
        ({"real/link": "../elsewhere"}, "real", "resources: [link/../web.yaml]"),
        ({"real/way": "below"}, "real", "configMapGenerator: [{name: a, files: [way/one.txt]}]"),
    ],
)
def test_links_lead_where_they_lead_kubectl(links: dict[str, str], folder: str, kustomization: str) -> None:
    files = {
        "real/kustomization.yaml": kustomization,
        "real/web.yaml": DEPLOYMENT,
        "real/below/one.txt": "one",
        "over/it.txt": "",
        "elsewhere/kustomization.yaml": "resources: [cm.yaml]",
        "elsewhere/cm.yaml": config_map("elsewhere"),
    }
    expected, problem = plain(files, folder, links=links)
    assert not problem
    assert built(files, folder, links=links) == expected


def test_a_kustomization_may_be_a_link_within_its_folder() -> None:
    files = {"real.yaml": "resources: [web.yaml]", "web.yaml": DEPLOYMENT}
    links = {"kustomization.yaml": "real.yaml"}
    assert built(files, links=links) == plain(files, links=links)[0]


@pytest.mark.shared
@pytest.mark.skipif(not SHARED.exists(), reason="the real manifests are not in ../shared")
def test_the_online_boutique_and_each_of_its_components() -> None:
    files = {
        path.relative_to(SHARED).as_posix(): path.read_bytes() for path in sorted(SHARED.rglob("*")) if path.is_file()
    }
    assert built(files) == plain(files)[0]
    names = sorted({path.split("/")[1] for path in files if path.startswith("components/") and path.count("/") == 2})
    assert len(names) > 10
    for name in names:
        overlay = {"overlay/kustomization.yaml": f"resources: [../base]\ncomponents: [../components/{name}]"}
        expected, problem = plain({**files, **overlay}, "overlay")
        assert not problem, name
        assert built({**files, **overlay}, "overlay") == expected, name
