"""Folders and links, however many there are, are reached in few requests, and not built without end."""

import pytest

from deployer.errors import RenderError
from deployer.kustomize import Kustomize
from deployer.rendering.kustomize.reach import Reached, reach
from tests.rendering.kustomize.building import config_map
from tests.trees import MemoryTree


def reached(tree: MemoryTree, folder: str = "app") -> Reached:
    return reach(tree, folder, Kustomize())


MANY = range(40)


@pytest.mark.parametrize(
    ("kustomizations", "links"),
    [
        (
            {"app/kustomization.yaml": f"resources: [{', '.join(f'l{n}/c.yaml' for n in MANY)}]"},
            {f"app/l{n}": f"d{n}" for n in MANY},
        ),
        (
            {
                "app/kustomization.yaml": f"resources: [{', '.join(f'd{n}' for n in MANY)}]",
                **{f"app/d{n}/kustomization.yaml": "resources: [l.yaml]" for n in MANY},
            },
            {f"app/d{n}/l.yaml": "c.yaml" for n in MANY},
        ),
        (
            {
                "app/kustomization.yaml": f"resources: [{', '.join(f'd{n}' for n in MANY)}]",
                **{f"app/d{n}/k.yaml": "resources: [c.yaml]" for n in MANY},
            },
            {f"app/d{n}/kustomization.yaml": "k.yaml" for n in MANY},
        ),
    ],
)
def test_links_are_read_together_wherever_they_stand(kustomizations: dict[str, str], links: dict[str, str]) -> None:
    files = {f"app/d{n}/c.yaml": config_map(f"c{n}") for n in MANY}
    tree = MemoryTree({**files, **kustomizations}, links)
    assert len(reached(tree).links) == len(MANY)
    assert len(tree.link_reads) == 1
    assert len(tree.reads) <= 3


def test_bases_that_name_the_same_bases_again_and_again_are_refused() -> None:
    files = {"app/kustomization.yaml": "resources: [../a0, ../b0]", "a14/kustomization.yaml": ""}
    files["b14/kustomization.yaml"] = ""
    for number in range(14):
        for side in "ab":
            both = f"resources: [../a{number + 1}, ../b{number + 1}]"
            files[f"{side}{number}/kustomization.yaml"] = both
    with pytest.raises(RenderError, match=r"has folders built more than 10,000 times, .*; name each one once"):
        reached(MemoryTree(files))
    files["app/kustomization.yaml"] = "resources: [../a6, ../b6]"
    assert len(reached(MemoryTree(files)).files) == 19


def test_a_kustomization_that_two_folders_share_is_refused() -> None:
    files = {"app/sub/kustomization.yaml": "resources: []", "app/kustomization.yml": "resources: [sub]"}
    tree = MemoryTree(files | {"x/kustomization.yaml": "resources: [../app, z]"}, {"x/z": "../app/sub"})
    assert reached(tree, "x").links == {"x/z": "../app/sub"}
    shared = MemoryTree(
        {"app/sub/kustomization.yaml": "resources: []", "top/kustomization.yaml": "resources: [../app, ../app/sub]"},
        {"app/kustomization.yaml": "sub/kustomization.yaml"},
    )
    with pytest.raises(RenderError, match=r"app/sub/kustomization.yaml is the kustomization of app/sub and app; give"):
        reached(shared, "top")
