"""What a kustomization reaches is read in few requests, and nothing outside of it is reached."""

import json

import pytest

from deployer.errors import DeployerError, RenderError, SourceError
from deployer.kustomize import Kustomize, Patch
from deployer.limits import DEFAULT_LIMITS, Limits
from deployer.rendering.kustomize.reach import MAX_DEPTH, Reached, reach
from tests.rendering.kustomize.building import BOMB, DEPLOYMENT, built, config_map
from tests.trees import MemoryTree

COMPONENT = "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\n"


def reached(
    tree: MemoryTree, folder: str = "app", kustomize: Kustomize | None = None, limits: Limits = DEFAULT_LIMITS
) -> Reached:
    return reach(tree, folder, kustomize or Kustomize(), limits)


def test_only_what_is_named_is_read_level_by_level() -> None:
    tree = MemoryTree(
        {
            "app/kustomization.yaml": "resources: [a.yaml, ../base, ../other]\nsecretGenerator: [{files: [one.txt]}]",
            "app/a.yaml": DEPLOYMENT,
            "app/one.txt": "one",
            "app/not-named.yaml": DEPLOYMENT,
            "base/kustomization.yaml": "resources: [b.yaml, ../deep]",
            "base/b.yaml": config_map("b"),
            "other/kustomization.yaml": "resources: [../deep]",
            "deep/kustomization.yaml": "resources: [c.yaml]",
            "deep/c.yaml": config_map("c"),
        }
    )
    found = reached(tree)
    assert tree.reads == [
        {"app/kustomization.yaml"},
        {"app/a.yaml", "app/one.txt", "base/kustomization.yaml", "other/kustomization.yaml"},
        {"base/b.yaml", "deep/kustomization.yaml"},
        {"deep/c.yaml"},
    ]
    assert set(found.files) == set().union(*tree.reads)
    assert (found.folder, found.links) == ("app", {})


def test_the_settings_are_in_the_first_kustomization_only() -> None:
    tree = MemoryTree(
        {
            "app/kustomization.yaml": "resources: [../base]",
            "app/scale.yaml": "",
            "base/kustomization.yaml": "resources: []",
            "extra/kustomization.yaml": COMPONENT,
        }
    )
    kustomize = Kustomize(name_prefix="x-", components=("../extra",), patches=(Patch("scale.yaml"),))
    found = reached(tree, kustomize=kustomize)
    assert json.loads(found.files["app/kustomization.yaml"]) == {
        "resources": ["../base"],
        "namePrefix": "x-",
        "components": ["../extra"],
        "patches": [{"path": "scale.yaml"}],
    }
    assert json.loads(found.files["base/kustomization.yaml"]) == {"resources": []}
    assert {"app/scale.yaml", "extra/kustomization.yaml"} <= found.files.keys()


def test_links_are_kept_and_read_at_once() -> None:
    links = {f"app/{name}": f"real/{name}" for name in ("a.yaml", "b.yaml", "c.yaml")}
    files = {f"app/{target}": config_map(target[5]) for target in links.values()}
    tree = MemoryTree({"app/kustomization.yaml": "resources: [a.yaml, b.yaml, c.yaml]", **files}, links)
    found = reached(tree)
    assert found.links == links
    assert set(found.files) == {"app/kustomization.yaml", *files}


@pytest.mark.parametrize(
    ("kustomization", "problem"),
    [
        (
            "resources:\n- https://example.com/a.yaml",
            "line 2: resources: 'https://example.com/a.yaml' is elsewhere, and nothing is fetched while rendering; "
            "copy it into the repository",
        ),
        (
            "resources: [gone.yaml]",
            "line 1: resources: 'gone.yaml' is not in acme/web at 1234567, at app/gone.yaml; put",
        ),
        ("resources: ['']", "resources: '' is empty; name a file or folder, or remove it"),
        ("resources: [..]", "resources: '..' is the kustomization's own folder, or above it, and leads back to it"),
        ("resources: [.]", "'.' is the kustomization's own folder"),
        ("resources: [../app]", "'../app' is the kustomization's own folder"),
        ("resources: [../../etc/passwd]", "'../../etc/passwd' leaves acme/web at 1234567; copy what it names into it"),
        ("resources: [../..]", "'../..' leaves acme/web at 1234567"),
        ("resources: [/etc/passwd]", "'/etc/passwd' is absolute; write it relative to the kustomization"),
        ("resources: [out]", "resources: acme/web at 1234567: the link app/out leaves the repository"),
        ("resources: [module]", "resources: acme/web at 1234567: app/module is a submodule"),
        ("resources: [lfs.yaml]", "app/lfs.yaml is kept in Git LFS"),
        (
            "resources: [../base/cm.yaml]",
            "is outside of the kustomization's folder, where Kustomize reads no files; move it there",
        ),
        ("resources: [over.yaml]", "'over.yaml' is outside of the kustomization's folder"),
        ("resources: [empty]", "resources: 'empty' has no file kustomization.yaml"),
        ("resources: [two]", "'two' has both kustomization.yaml and kustomization.yml; leave one"),
        ("resources: [folder]", "'folder' has no file kustomization.yaml"),
        ("resources: [a.yaml/b.yaml]", "'a.yaml/b.yaml' is not in acme/web"),
        ("resources: [kustomization.yaml]", "'kustomization.yaml' is a kustomization, and Kustomize reads it as one"),
        ("resources: a.yaml", "line 1: resources must be a list of texts"),
        ("resources: [1]", "resources must be a list of texts"),
        ("components: [a.yaml]", "components: 'a.yaml' has to be a folder with a kustomization"),
        ("patches: [{path: ../base}]", "patches.path: '../base' has to be a file"),
        ("patches: [{path: ../base/cm.yaml}]", "'../base/cm.yaml' is outside of the kustomization's folder"),
        (
            "configMapGenerator: [{name: a, files: [x=../../etc/passwd]}]",
            "line 1: configMapGenerator.files: '../../etc/passwd' leaves acme/web at 1234567; copy what it names",
        ),
        ("secretGenerator: [{name: a, envs: [out/passwd]}]", "the link app/out leaves the repository"),
        (
            "patchesStrategicMerge:\n- |\n  kind: Secret\n   data: {a: aHVudGVyMg}\n",
            "line 2: patchesStrategicMerge: the text, document 1, line 2: mapping values are not allowed",
        ),
    ],
)
def test_what_must_not_be_reached_is_named_with_its_place(kustomization: str, problem: str) -> None:
    tree = MemoryTree(
        {
            "app/kustomization.yaml": kustomization,
            "app/a.yaml": DEPLOYMENT,
            "app/lfs.yaml": "version https://git-lfs.github.com/spec/v1\noid sha256:ab\nsize 1\n",
            "app/empty/a.yaml": DEPLOYMENT,
            "app/two/kustomization.yaml": "",
            "app/two/kustomization.yml": "",
            "app/folder/kustomization.yaml/a.yaml": "",
            "base/cm.yaml": config_map("base"),
            "base/kustomization.yaml": "resources: [cm.yaml]",
        },
        {"app/out": "../../etc", "app/over.yaml": "../base/cm.yaml"},
        ["app/module"],
    )
    with pytest.raises(DeployerError) as caught:
        reached(tree)
    assert problem in str(caught.value)
    assert "aHVudGVyMg" not in str(caught.value)


def test_a_folder_that_is_not_there_is_a_fault_of_the_source() -> None:
    with pytest.raises(SourceError, match="has no path 'app'") as caught:
        reached(MemoryTree({"other/kustomization.yaml": ""}))
    assert caught.value.status == 404


def test_a_fault_that_may_pass_stays_one() -> None:
    class Failing(MemoryTree):
        def entry(self, path: str) -> None:
            if path.endswith("a.yaml"):
                raise SourceError("GitHub does not answer", transient=True, retry_after=3)
            return super().entry(path)  # type: ignore[return-value]

    with pytest.raises(SourceError, match=r"^GitHub does not answer$") as caught:
        reached(Failing({"app/kustomization.yaml": "crds: [a.yaml]"}))
    assert (caught.value.transient, caught.value.retry_after) == (True, 3)


@pytest.mark.parametrize(
    ("files", "problem"),
    [
        (
            {"a/kustomization.yaml": "resources: [../b]", "b/kustomization.yaml": "resources: [../a]"},
            "bases lead back to where they began: a → b → a",
        ),
        (
            {
                "a/kustomization.yaml": "resources: [../b]",
                "b/kustomization.yaml": "components: [../c]",
                "c/kustomization.yaml": "resources: [../b]",
            },
            "b → c → b",
        ),
        (
            {"a/kustomization.yaml": "components: [b]", "a/b/kustomization.yaml": "resources: ['..']"},
            "'..' is the kustomization's own folder, or above it",
        ),
        ({"a/kustomization.yaml": "transformers: [../b]", "b/kustomization.yaml": "resources: [../a]"}, "a → b → a"),
    ],
)
def test_bases_in_a_circle_are_named(files: dict[str, str], problem: str) -> None:
    with pytest.raises(RenderError) as caught:
        reached(MemoryTree(files), "a")
    assert problem in str(caught.value)


def test_a_base_above_one_on_the_way_is_found_by_kustomize() -> None:
    files = {
        "a/b/kustomization.yaml": "resources: [../../c]",
        "c/kustomization.yaml": "resources: [../a]",
        "a/kustomization.yaml": "resources: []",
    }
    with pytest.raises(RenderError, match=r"a/b: Kustomize says: .*cycle detected: candidate root 'a' contains"):
        built(files, "a/b")


def test_a_base_that_two_others_have_is_read_once() -> None:
    tree = MemoryTree(
        {
            "app/kustomization.yaml": "resources: [../b, ../c]",
            "b/kustomization.yaml": "resources: [../d]\nnamePrefix: b-",
            "c/kustomization.yaml": "resources: [../d]\nnamePrefix: c-",
            "d/kustomization.yaml": "resources: [d.yaml]",
            "d/d.yaml": config_map("d"),
        }
    )
    reached(tree)
    assert [path for read in tree.reads for path in read].count("d/kustomization.yaml") == 1


@pytest.mark.parametrize(
    ("limits", "problem"),
    [
        (
            Limits(files=2),
            "app/b.yaml: up to here are more than 2 files; split the application, or raise DEPLOYER_MAX_FILES",
        ),
        (Limits(total_bytes=300), "app/b.yaml: up to here the files have 348 bytes, where 300 are allowed"),
    ],
)
def test_limits_hold_before_anything_more_is_read(limits: Limits, problem: str) -> None:
    text = "a" * 150
    tree = MemoryTree(
        {"app/kustomization.yaml": "crds: [a.yaml, b.yaml]".ljust(48), "app/a.yaml": text, "app/b.yaml": text}
    )
    with pytest.raises(RenderError) as caught:
        reached(tree, limits=limits)
    assert problem in str(caught.value)
    assert tree.reads == [{"app/kustomization.yaml"}]


def test_bases_may_not_stand_too_deep() -> None:
    files = {f"{number}/kustomization.yaml": f"resources: [../{number + 1}]" for number in range(MAX_DEPTH + 2)}
    with pytest.raises(RenderError, match="0: bases stand more than 50 deep on each other"):
        reached(MemoryTree(files), "0")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (BOMB, "more than 500,000 keys and values"),
        ("[" * 2000, "nested more than 100 deep"),
        ("resources: [a", "app/kustomization.yaml, document 1, line 2"),
        ("resources: []\nresources: []", "app/kustomization.yaml, document 1, line 2: "),
        ("resources: []\nRESOURCES: []", "line 2: 'RESOURCES' stands there twice; leave one"),
        ("resource: []", "line 1: 'resource' is no field of a kustomization; did you mean resources?"),
        ("a", "is no mapping of fields"),
        ("crds: []\n---\ncrds: []", "holds 2 documents, of which Kustomize reads the first"),
        ("\xff\x00", "not text"),
    ],
)
def test_a_kustomization_that_is_none_is_refused(text: str, problem: str) -> None:
    tree = MemoryTree({"app/kustomization.yaml": text.encode("latin-1")})
    with pytest.raises(RenderError) as caught:
        reached(tree)
    assert problem in str(caught.value)


@pytest.mark.parametrize(
    ("folder", "problem"),
    [
        ("app/a.yaml", "acme/web at 1234567: app/a.yaml is a file, and Kustomize builds folders"),
        ("app", "acme/web at 1234567: app has no file kustomization.yaml"),
        ("gone", "has no path 'gone': check the application's `path`"),
        ("broken", "has no path 'gone.yaml'"),
    ],
)
def test_a_path_that_is_no_kustomization_is_named(folder: str, problem: str) -> None:
    tree = MemoryTree({"app/a.yaml": DEPLOYMENT}, {"broken/kustomization.yaml": "../gone.yaml"})
    with pytest.raises(DeployerError) as caught:
        reached(tree, folder)
    assert problem in str(caught.value)


def test_what_the_application_names_is_said_to_be_its_own() -> None:
    tree = MemoryTree({"app/kustomization.yaml": "resources: []"})
    with pytest.raises(RenderError, match=r"^the Application's kustomize: patches.path: 'gone.yaml' is not in"):
        reached(tree, kustomize=Kustomize(patches=(Patch("gone.yaml"),)))
    with pytest.raises(RenderError, match=r"^the Application's kustomize: components: 'https://a/b' is elsewhere"):
        reached(tree, kustomize=Kustomize(components=("https://a/b",)))


def test_a_patch_of_the_application_that_is_none_is_said_to_be_its_own() -> None:
    tree = MemoryTree({"app/kustomization.yaml": "resources: []"})
    with pytest.raises(RenderError, match=r"^app/kustomization.yaml, with the Application's kustomize: patches: the p"):
        reached(tree, kustomize=Kustomize(patches=(Patch(text="kind: x"),)))


def test_a_component_that_leaves_the_repository_is_not_just_missing() -> None:
    tree = MemoryTree({"app/kustomization.yaml": "resources: []"}, {"app/out": "../../y"})
    for path, problem in (("../../x", "'../../x' leaves acme/web"), ("out/c", ".*the link app/out leaves the repo")):
        with pytest.raises(DeployerError, match=rf"^the Application's kustomize: components: {problem}"):
            reached(tree, kustomize=Kustomize(components=(path,), ignore_missing_components=True))


def test_control_characters_in_a_path_are_refused() -> None:
    for kustomization in ('resources: ["a\\0b"]', 'configMapGenerator: [{name: a, files: ["k=a\\tb"]}]'):
        with pytest.raises(RenderError, match=r"line 1: .* has characters that no path has; correct it$"):
            reached(MemoryTree({"app/kustomization.yaml": kustomization}))
    missing = Kustomize(components=("a\0b",), ignore_missing_components=True)
    with pytest.raises(RenderError, match=r"components: .* has characters that no path has"):
        reached(MemoryTree({"app/kustomization.yaml": ""}), kustomize=missing)
