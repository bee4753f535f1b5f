"""Patches and plugins, in files or written out, are read before Kustomize does it, and named with their lines."""

import json

import pytest

from deployer.errors import RenderError
from deployer.kustomize import Kustomize
from deployer.limits import DEFAULT_LIMITS, Limits
from deployer.rendering.kustomize.reach import Reached, reach
from tests.rendering.kustomize.building import BOMB, DEPLOYMENT, built, plain
from tests.trees import MemoryTree


def reached(tree: MemoryTree, limits: Limits = DEFAULT_LIMITS) -> Reached:
    return reach(tree, "app", Kustomize(), limits)


def test_plugins_that_lead_to_themselves_are_read_once() -> None:
    config = "apiVersion: builtin\nkind: PatchTransformer\nmetadata: {name: a}\npath: ../p.yaml\n"
    tree = MemoryTree({"app/kustomization.yaml": "transformers: [t.yaml, t.yaml]", "app/t.yaml": config})
    with pytest.raises(RenderError, match=r"app/t.yaml, line 4: PatchTransformer.path: '../p.yaml' is not in"):
        reached(tree)
    tree = MemoryTree(
        {
            "app/kustomization.yaml": "transformers: [t.yaml]\nresources: [t.yaml]",
            "app/t.yaml": config.replace("../p", "t"),
        }
    )
    assert set(reached(tree, limits=Limits(documents=4)).files) == {"app/kustomization.yaml", "app/t.yaml"}


def test_the_line_is_that_of_the_document_that_is_wrong() -> None:
    config = "apiVersion: builtin\nkind: PrefixTransformer\n---\napiVersion: x/v1\nkind: PrefixTransformer\n"
    tree = MemoryTree({"app/kustomization.yaml": "transformers: [t.yaml]", "app/t.yaml": config})
    with pytest.raises(RenderError, match=r"^app/t\.yaml, line 5: 'PrefixTransformer' is no builtin plugin"):
        reached(tree)


def test_an_inline_text_over_the_limits_is_named() -> None:
    tree = MemoryTree({"app/kustomization.yaml": f"\npatchesStrategicMerge: [{json.dumps(BOMB)}]"})
    with pytest.raises(RenderError, match=r"^app/kustomization\.yaml, line 2: patchesStrategicMerge: the text, doc"):
        reached(tree)


def test_yaml_in_a_json_file_is_read_as_kustomize_reads_it() -> None:
    config = "apiVersion: builtin\nkind: PrefixTransformer\nmetadata: {name: a}\n"
    config += "prefix: x-\nfieldSpecs: [{path: metadata/name}]\n"
    files = {"kustomization.yaml": "resources: [a.json]\ntransformers: [t.json]", "a.json": DEPLOYMENT}
    assert "name: x-web\n" in built({**files, "t.json": config})


PATCHES = [
    ("path: web.yaml\n  patch: '{kind: A}'", "line 3: patches: name a file in `path`, or write the patch in `patch`"),
    ("target: {kind: A}", "line 2: patches: name a file in `path`, or write the patch in `patch`, one of the two"),
    ('patch: \'[{"op": "add"}]\'', "line 3: patches: the patch is a list of operations, which needs a `target`"),
    ("target: {kind: A}\n  patch: '[{op: add}]'", "line 4: patches: the patch begins with `[`, and is no JSON then"),
    ("patch: '{kind: A}'", "line 3: patches: the patch is neither a list of operations nor an object with `kind`"),
    ("patch: 'a'", "line 3: patches: the patch is neither a list of operations nor an object"),
    ("patch: '{a: b'", "line 3: patches: the patch, document 1, line 2: did not find expected"),
]


@pytest.mark.parametrize(("patch", "problem"), PATCHES)
def test_a_patch_that_kustomize_cannot_read_is_named_with_its_line(patch: str, problem: str) -> None:
    text = f"resources: [web.yaml]\npatches:\n- {patch}\n"
    files = {"app/kustomization.yaml": text, "app/web.yaml": DEPLOYMENT}
    with pytest.raises(RenderError) as caught:
        reached(MemoryTree(files))
    assert f"app/kustomization.yaml, {problem}" in str(caught.value)
    assert plain(files, "app")[1], "Kustomize refuses it, too"
