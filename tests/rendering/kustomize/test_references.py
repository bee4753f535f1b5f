"""Every path is found, and whatever Kustomize would take for an address, or for a program, is refused."""

import pytest

from deployer.errors import RenderError
from deployer.limits import DEFAULT_LIMITS
from deployer.rendering.kustomize.kustomization import parse_kustomization
from deployer.rendering.kustomize.reading import Reader
from deployer.rendering.kustomize.references import Kind, Reference, not_local, plugin_references, references
from deployer.rendering.kustomize.text import Text


def found(kustomization: str) -> list[tuple[str, str, Kind]]:
    reader = Reader(DEFAULT_LIMITS)
    value, text = parse_kustomization("kustomization.yaml", kustomization.encode(), reader)
    return [(one.field, one.path, one.kind) for one in references(value, text, reader)]


def in_plugin(config: str) -> list[tuple[str, str]]:
    reader = Reader(DEFAULT_LIMITS)
    documents = reader.file("p.yaml", config.encode())
    return [(one.field, one.path) for value, text in documents for one in plugin_references(value, text, reader)]


@pytest.mark.parametrize(
    ("kustomization", "expected"),
    [
        ("resources: [a, b]", [("resources", "a", Kind.RESOURCE), ("resources", "b", Kind.RESOURCE)]),
        ("bases: [a]", [("bases", "a", Kind.RESOURCE)]),
        ("components: [a]", [("components", "a", Kind.FOLDER)]),
        ("crds: [a]\nconfigurations: [b]", [("crds", "a", Kind.FILE), ("configurations", "b", Kind.FILE)]),
        (
            "patches: [{path: a}, {PATH: b}, {patch: '{kind: A, metadata: {name: a}}'}]",
            [("patches.path", "a", Kind.OBJECTS), ("patches.path", "b", Kind.OBJECTS)],
        ),
        ("patchesJson6902: [{path: a, target: {}}]", [("patchesJson6902.path", "a", Kind.OBJECTS)]),
        ("patchesStrategicMerge: [a, 'kind: A']", [("patchesStrategicMerge", "a", Kind.OBJECTS)]),
        ("replacements: [{path: a}, {source: {}}]", [("replacements.path", "a", Kind.OBJECTS)]),
        ("openapi: {path: a}", [("openapi.path", "a", Kind.FILE)]),
        ("openapi: {version: v1}", []),
        (
            "configMapGenerator: [{files: [a, b=c], envs: [d], env: e, literals: [f=g]}]",
            [
                (f"configMapGenerator.{name}", path, Kind.FILE)
                for name, path in (("envs", "d"), ("envs", "e"), ("files", "a"), ("files", "c"))
            ],
        ),
        ("secretGenerator: [{Files: [a]}]", [("secretGenerator.files", "a", Kind.FILE)]),
        (
            "generators: [a]\ntransformers: [b]\nvalidators: [c]",
            [("generators", "a", Kind.PLUGIN), ("transformers", "b", Kind.PLUGIN), ("validators", "c", Kind.PLUGIN)],
        ),
        (
            "transformers: ['{apiVersion: builtin, kind: PatchTransformer, Path: a}']",
            [("PatchTransformer.path", "a", Kind.OBJECTS)],
        ),
        ("resources: null\nnamePrefix: a", []),
        ("", []),
    ],
)
def test_every_path_is_found(kustomization: str, expected: list[tuple[str, str, Kind]]) -> None:
    assert found(kustomization) == expected


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        ("kind: PatchJson6902Transformer\npath: a", [("PatchJson6902Transformer.path", "a")]),
        (
            "kind: PatchStrategicMergeTransformer\npaths: [a, 'kind: B']",
            [("PatchStrategicMergeTransformer.paths", "a")],
        ),
        (
            "kind: ReplacementTransformer\nreplacements: [{path: a}, {source: {}}]",
            [("ReplacementTransformer.replacements.path", "a")],
        ),
        (
            "kind: ConfigMapGenerator\nFILES: [x=a]\nenvs: [b]",
            [("ConfigMapGenerator.envs", "b"), ("ConfigMapGenerator.files", "a")],
        ),
        ("kind: SecretGenerator\nenv: a", [("SecretGenerator.envs", "a")]),
        ("kind: LabelTransformer\nlabels: {a: b}", []),
        (
            "kind: PatchTransformer\npath: a\n---\napiVersion: builtin\nkind: PatchTransformer\npath: b\n---\n",
            [("PatchTransformer.path", "a"), ("PatchTransformer.path", "b")],
        ),
        (
            "kind: AList\nitems: [{apiVersion: builtin, kind: PatchTransformer, path: a}]",
            [("PatchTransformer.path", "a")],
        ),
    ],
)
def test_every_path_in_a_builtin_plugins_configuration_is_found(config: str, expected: list[tuple[str, str]]) -> None:
    assert in_plugin(f"apiVersion: builtin\n{config}") == expected


@pytest.mark.parametrize(
    ("config", "problem"),
    [
        (
            "apiVersion: someteam.example.com/v1\nkind: Run",
            "p.yaml, line 2: 'Run' is no builtin plugin of Kustomize, and no other is run",
        ),
        ("apiVersion: builtin\nkind: Run", "'Run' is no builtin plugin"),
        ("apiVersion: builtin\nkind: SortOrderTransformer", "'SortOrderTransformer' is no builtin plugin"),
        ("apiVersion: a/builtin\nkind: PatchTransformer\npath: a", "is no builtin plugin"),
        (
            "apiVersion: builtin\nkind: HashTransformer\n"
            "metadata: {annotations: {config.kubernetes.io/function: 'exec: {path: a}'}}",
            "is no builtin plugin",
        ),
        (
            "apiVersion: builtin\nkind: HashTransformer\n"
            "metadata: {annotations: {config.k8s.io/function: 'container: {image: a}'}}",
            "is no builtin plugin",
        ),
        (
            "apiVersion: builtin\nkind: HelmChartInflationGenerator\nname: a",
            "p.yaml, line 2: HelmChartInflationGenerator: Helm charts in a kustomization are not rendered",
        ),
        ("- a", "is no builtin plugin"),
        ("a: [", "p.yaml, document 1, line"),
        ("apiVersion: builtin\nkind: PatchTransformer\npath: [a]", "PatchTransformer: path must be text"),
        ("apiVersion: builtin\nkind: ConfigMapGenerator\nenv: [a]", "ConfigMapGenerator: env must be text"),
        (
            "apiVersion: builtin\nkind: ConfigMapGenerator\nfiles: [a=b=c]",
            "line 3: ConfigMapGenerator.files: 'a=b=c' is neither PATH nor KEY=PATH",
        ),
        ("apiVersion: builtin\nkind: ConfigMapGenerator\nfiles: [=c]", "'=c' is neither PATH nor KEY=PATH"),
    ],
)
def test_programs_containers_and_helm_are_refused(config: str, problem: str) -> None:
    with pytest.raises(RenderError) as caught:
        in_plugin(config)
    assert problem in str(caught.value)


@pytest.mark.parametrize(
    "kustomization",
    ["\nhelmCharts: [{name: a}]", "\nhelmChartInflationGenerator: [{chartName: a}]", "\nhelmGlobals: {chartHome: a}"],
)
def test_helm_is_refused_with_what_to_do(kustomization: str) -> None:
    with pytest.raises(RenderError, match=r"line 2: helm\w+: Helm charts .* not rendered; commit what `helm template`"):
        found(kustomization)


FOLDERS = [
    "github.com/acme/web",
    "GitHub.com/acme/web//k8s?ref=main",
    "G\u0130THUB.com/acme/web",
    "github.com:acme/web",
    "git@example.com:acme/web.git",
    "git@example.com/acme/web",
    "org-1@host/a/b/c",
    "git::https://example.com/a/b",
    "GIT::example.com/a/b",
    "acme/web?ref=main",
]
FILES = [
    "https://example.com/a.yaml",
    "HTTP://example.com/a.yaml",
    "http:example.com/a.yaml",
    " https://example.com/a.yaml",
    "ssh://git@example.com/a/b",
    "file:///etc/passwd",
    "oci://example.com/a",
]


@pytest.mark.parametrize("path", [*FOLDERS, *FILES])
@pytest.mark.parametrize("kind", [Kind.RESOURCE, Kind.FOLDER, Kind.PLUGIN])
def test_what_is_elsewhere_is_refused(path: str, kind: Kind) -> None:
    problem = not_local(Reference("resources", path, kind, Text("", b"")))
    assert problem.startswith("is elsewhere, and nothing is fetched while rendering; copy it into the repository")


@pytest.mark.parametrize("path", FILES)
def test_files_that_are_elsewhere_are_refused(path: str) -> None:
    assert "is elsewhere" in not_local(Reference("crds", path, Kind.FILE, Text("", b"")))


@pytest.mark.parametrize("path", ["a.yaml", "../base", "icon@2x/a.png", "git@a", "github.com", "a:b", "httpd/a.yaml"])
def test_what_only_looks_like_an_address_is_a_path(path: str) -> None:
    assert not not_local(Reference("crds", path, Kind.FILE, Text("", b"")))
