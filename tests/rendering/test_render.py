import time
from pathlib import Path

import pytest

from deployer.errors import RenderError
from deployer.limits import DEFAULT_LIMITS, Limits
from deployer.source import Directory
from tests.rendering.rendered import render

SHARED = Path(__file__).parents[2].parent / "shared/manifests"


def config_map(name: str, extra: str = "") -> bytes:
    return f"apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {name}\n{extra}".encode()


PLAIN = Directory()


def rendered(
    files: dict[str, bytes], directory: Directory = PLAIN, limits: Limits = DEFAULT_LIMITS
) -> list[tuple[str, str]]:
    return [(str(manifest.key), manifest.place) for manifest in render(files, directory, limits)]


def refusal(files: dict[str, bytes], limits: Limits = DEFAULT_LIMITS) -> str:
    with pytest.raises(RenderError) as error:
        rendered(files, limits=limits)
    return str(error.value)


def test_files_become_manifests_in_the_order_of_their_names() -> None:
    files = {
        "web.yaml": config_map("web") + b"---\n# nothing\n---\n" + config_map("web-2"),
        "db.json": b'{"apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": {"name": "db"}}',
        "list.yml": b"apiVersion: v1\nkind: List\nitems:\n- {apiVersion: v1, kind: Secret, metadata: {name: s}}\n",
        "README.md": b"# not a manifest: [",
        "sub/deep.yaml": config_map("deep"),
    }
    assert rendered(files) == [
        ("StatefulSet/db", "db.json, document 1"),
        ("Secret/s", "list.yml, document 1, item 1"),
        ("ConfigMap/web", "web.yaml, document 1"),
        ("ConfigMap/web-2", "web.yaml, document 3"),
    ]
    assert ("ConfigMap/deep", "sub/deep.yaml, document 1") in rendered(files, Directory(recurse=True))
    assert rendered(files, Directory(include="*.json")) == [("StatefulSet/db", "db.json, document 1")]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("template.yaml", b"{{ kind }}: {{ metadata }}\n"),
        ("values.yaml", b"replicas: 3\n"),
        ("template.yaml", b"replicas: {{ .Values.replicas }}\n"),
        ("list.yaml", b"- apiVersion\n- kind\n"),
        ("text.yaml", b"just text\n"),
        ("provisioning.yaml", b"apiVersion: 1\ndatasources: []\n"),
        ("empty.yaml", b""),
        ("comments.yaml", b"# apiVersion: v1\n# kind: Pod\n# metadata: {}\n"),
        ("package.json", b'{"name": "web", "version": "1.0.0"}'),
        ("array.json", b"[1, 2]"),
        ("skipped.yaml", b"# +argocd:skip-file-rendering\n" + config_map("web", "broken: [")),
        ("skipped.yaml", "# +argocd:skip-file-rendering\nkind: X\n".encode("utf-16")),
    ],
)
def test_a_file_that_is_no_manifest_is_skipped(name: str, content: bytes) -> None:
    assert rendered({name: content}) == []


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (config_map("web", "\nnot: [valid\n"), "web.yaml, document 1, line 7: did not find expected"),
        (
            config_map("a") + b"---\n" + config_map("b", "\nnot: [valid\n"),
            "web.yaml, document 2, line 12: did not find",
        ),
        (config_map("a") + b"---\nbroken: [\n", "web.yaml, document 2, line 7: did not find expected node content"),
        (config_map("a") + b"---\nreplicas: 3\n", "web.yaml, document 2: an object without apiVersion"),
        (config_map("a") + b"---\n- 1\n", "web.yaml, document 2: a list where an object is expected"),
        (b"kind: ConfigMap\nmetadata: {name: web}\n", "web.yaml, document 1: an object without apiVersion"),
        (b"apiVersion: v1\nmetadata: {name: web}\n", "web.yaml, document 1: an object without kind"),
        (b"apiVersion: v1\nkind: ConfigMap\n", "web.yaml, document 1: ConfigMap without metadata.name"),
        (config_map("../../x"), "web.yaml, document 1: ConfigMap: metadata.name: '../../x' is no name"),
        (config_map("web", "data: {a: 1, a: 2}\n"), "web.yaml, document 1, line 5: the key 'a' stands twice"),
        (
            config_map("web", "  annotations: {argocd.argoproj.io/hook: Presync}\n"),
            "web.yaml, document 1: ConfigMap/web: metadata.annotations: argocd.argoproj.io/hook: 'Presync' is unknown",
        ),
        (config_map("web").replace(b"web", b"\xff"), "web.yaml, line 4: not valid UTF-8"),
        (config_map("web").decode().encode("utf-16-le"), "web.yaml: not text, or UTF-16 without a byte-order mark"),
        (
            b'{"apiVersion": "v1", "kind" : "Pod",\n"metadata": {]',
            "web.yaml, document 1, line 2: did not find expected",
        ),
        (
            config_map("web", "data: " + "[" * 200),
            "web.yaml, document 1, line 5: lists and mappings are nested more than",
        ),
    ],
)
def test_what_is_wrong_names_file_and_place(content: bytes, problem: str) -> None:
    assert problem in refusal({"a.yaml": config_map("fine"), "web.yaml": content})


def test_broken_json_is_always_an_error() -> None:
    assert "web.json, document 1, line 2: not valid JSON" in refusal({"web.json": b'{"name": "web",\n}'})


def test_a_list_of_objects_without_a_kind_is_not_skipped() -> None:
    # Argo CD fails here too: it cannot decode the list, and finds the three words.
    assert "web.yaml, document 1: a list where" in refusal(
        {"web.yaml": b"- apiVersion: v1\n  kind: Pod\n  metadata: {}\n"}
    )


def test_a_name_that_leaves_its_path_is_refused() -> None:
    problem = refusal({"web.yaml": config_map("../../other-ns/secrets/x")})
    assert "metadata.name: '../../other-ns/secrets/x' is no name" in problem


@pytest.mark.parametrize(
    "text",
    [
        "stringData: {password: *hunter2}",
        "stringData: {password: &hunter2 *hunter2}",
        "stringData: {password: @hunter2}",
        "stringData: {password: !!int hunter2}",
        "stringData: {password: !!binary hunter2!}",
        "stringData: {password: !!timestamp hunter2}",
        "stringData: {password: !hunter2!x y}",
        'stringData: {password: "\\hunter2"}',
        "stringData:\n  password: hunter2: 1",
        "stringData: {password: hunter2",
        "stringData: {<<: hunter2}",
        "stringData: {? [hunter2]}",
        "data: {a: hunter2, a: hunter2}",
        "metadata: {name: x, labels: [hunter2]}",
        "metadata: {name: x, annotations: {a: [hunter2]}}",
        "metadata: {name: x, annotations: hunter2}",
    ],
)
def test_no_error_quotes_a_value(text: str) -> None:
    problem = refusal({"web.yaml": f"apiVersion: v1\nkind: Secret\nmetadata: {{name: s}}\n{text}\n".encode()})
    assert "hunter2" not in problem


@pytest.mark.parametrize(
    "text", ['{"a": hunter2}', '{"a": "hunter2}', '{"a": "\\hunter2"}', '{"a": "hunter2", "a": 1}']
)
def test_no_error_of_json_quotes_a_value(text: str) -> None:
    assert "hunter2" not in refusal({"web.json": text.encode()})


def test_jsonnet_is_refused_by_its_name() -> None:
    assert refusal({"web.jsonnet": b"{}"}).startswith("web.jsonnet: Jsonnet is not supported")


def test_an_object_may_stand_there_only_once() -> None:
    files = {"a.yaml": config_map("web", "  namespace: one\n"), "b.yaml": config_map("web", "  namespace: two\n")}
    assert len(rendered(files)) == 2
    files["c.yaml"] = config_map("fine") + b"---\n" + files["a.yaml"]
    assert "c.yaml, document 2: ConfigMap/web is in a.yaml, document 1 already; remove one" in refusal(files)


def test_the_version_of_an_api_makes_no_other_object() -> None:
    other = config_map("web").replace(b"v1", b"v2")
    assert "is in a.yaml, document 1 already" in refusal({"a.yaml": config_map("web"), "b.yaml": other})


@pytest.mark.parametrize(
    ("limits", "problem"),
    [
        (Limits(total_bytes=101), "b.yaml: up to here the files have 102 bytes, where 101 are allowed; {}BYTES"),
        (Limits(files=1), "2 manifest files, where 1 are allowed; {}FILES"),
        (Limits(documents=1), "b.yaml, document 1, line 1: up to here are more than 1 documents; {}DOCUMENTS"),
        (Limits(objects=1), "b.yaml, document 1: up to here are more than 1 objects; {}OBJECTS"),
        (
            Limits(nodes=17),
            "b.yaml, document 1, line 4: up to here are more than 17 keys and values, with what aliases stand for"
            " counted every time; {}NODES",
        ),
        (
            Limits(depth=1),
            "a.yaml, document 1, line 4: lists and mappings are nested more than 1 deep;"
            " nest less, or raise DEPLOYER_MAX_DEPTH",
        ),
    ],
)
def test_each_limit_says_what_where_and_how_many(limits: Limits, problem: str) -> None:
    files = {"a.yaml": config_map("a"), "b.yaml": config_map("b"), "notes.txt": b"x" * 1000}
    assert len(rendered(files, limits=Limits(102, files=2, documents=2, objects=2, nodes=18, depth=2))) == 2
    assert refusal(files, limits) == problem.format("split the application, or raise DEPLOYER_MAX_")


def test_a_limit_is_an_error_in_a_file_that_is_no_manifest_too() -> None:
    assert "bomb.yaml, document 1, line 1: lists and mappings are nested" in refusal({"bomb.yaml": b"[" * 100_000})


def shared_files(folder: str) -> dict[str, bytes]:
    root = SHARED / folder
    if not root.is_dir():
        pytest.skip(f"the real manifests are missing: {root}")
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in root.rglob("*") if path.is_file()}


@pytest.mark.shared
@pytest.mark.parametrize("folder", ["kube-prometheus/manifests", "online-boutique/kubernetes-manifests"])
def test_real_manifests_are_well_within_the_limits(folder: str) -> None:
    files = shared_files(folder)
    directory = Directory(recurse=True, exclude="kustomization.yaml")
    one_fourth = Limits(files=500, documents=2_500, objects=2_500, nodes=125_000, depth=30)
    assert render(files, directory, one_fourth) == render(files, directory)


@pytest.mark.shared
def test_kube_prometheus_renders_in_a_second() -> None:
    files = shared_files("kube-prometheus/manifests")
    start = time.perf_counter()
    found = render(files, Directory(recurse=True))
    assert len(found) == 131
    assert sum(manifest.kind == "CustomResourceDefinition" for manifest in found) == 10
    # A second where nothing else runs; the rest is for machines that are busy.
    assert time.perf_counter() - start < 5


@pytest.mark.shared
def test_online_boutique_renders() -> None:
    found = render(shared_files("online-boutique/kubernetes-manifests"), Directory(exclude="kustomization.yaml"))
    kinds = [manifest.kind for manifest in found]
    assert {kind: kinds.count(kind) for kind in kinds} == {"Deployment": 12, "Service": 12, "ServiceAccount": 11}
