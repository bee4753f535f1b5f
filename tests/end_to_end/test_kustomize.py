"""Kustomize: an overlay is pushed and goes live, and what it must not reach for is said on the commit."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from local import example
from local.world import World
from tests.world import Bench, config_map, deployment, kubectl

SHARED = Path(__file__).parents[3] / "shared" / "manifests" / "online-boutique" / "kustomize"
BASE = {
    "base/kustomization.yaml": "resources: [web.json]\nconfigMapGenerator: [{name: menu, files: [menu.txt]}]\n",
    "base/web.json": deployment("web"),
    "base/menu.txt": "coffee",
    "overlay/kustomization.yaml": "resources: [../base]\nnameSuffix: -eu\n",
}


def objects(bench: Bench, kind: str) -> list[str]:
    found = bench.kubectl("get", kind, "-n", bench.name, "-l", "applyset.kubernetes.io/part-of", "-o", "name")
    return [line.rpartition("/")[2] for line in found.split()]


def test_a_change_of_a_base_goes_live(bench: Bench) -> None:
    state, description = bench.deploy(BASE, path="overlay", kustomize={"images": ["nginx:1.29.2"]})
    assert (state, description.rpartition(" in ")[0]) == ("success", "2 objects in staging: 2 created, healthy")
    web = bench.live("deployment", "web-eu")
    assert web["spec"]["template"]["spec"]["containers"][0]["image"] == "nginx:1.29.2"
    (menu,) = objects(bench, "configmap")
    assert menu.startswith("menu-eu-")
    assert bench.settled(bench.push({"base/menu.txt": "tea"}))[0] == "success"
    (other,) = set(objects(bench, "configmap")) - {menu}
    assert bench.live("configmap", other)["data"] == {"menu.txt": "tea"}


def test_a_file_beside_the_manifests_changes_the_image(bench: Bench) -> None:
    images = json.dumps({"kustomize": {"images": ["nginx:1.29.1"]}})
    files = {**BASE, f"overlay/.argocd-source-{bench.name}.yaml": images}
    assert bench.deploy(files, path="overlay")[0] == "success"
    web = bench.live("deployment", "web-eu")
    assert web["spec"]["template"]["spec"]["containers"][0]["image"] == "nginx:1.29.1"


def test_several_sources_are_one_application(bench: Bench) -> None:
    files = {**BASE, "plain/a.yaml": config_map("a")}
    assert bench.deploy(files, sources=[{"path": "overlay"}, {"path": "plain"}])[0] == "success"
    assert "a" in objects(bench, "configmap")
    assert objects(bench, "deployment") == ["web-eu"]


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({"kustomization.yaml": "resources: [https://example.com/a.yaml]"}, "kustomization.yaml"),
        ({"kustomization.yaml": "resources:\n- ../../../etc"}, "kustomization.yaml"),
        ({"kustomization.yaml": "resources: [gone.yaml]"}, "gone.yaml"),
        ({"kustomization.yaml": "helmCharts: [{name: redis, repo: https://example.com}]"}, "helmCharts"),
        ({"kustomization.yaml": "resources: [a]", "a/kustomization.yaml": "resources: [../]"}, "kustomization.yaml"),
    ],
)
def test_what_it_must_not_reach_for_is_said_on_the_commit(bench: Bench, files: dict[str, str], said: str) -> None:
    state, description = bench.deploy({f"overlay/{name}": text for name, text in files.items()}, path="overlay")
    assert state == "failure"
    assert said in description


@pytest.mark.shared
@pytest.mark.skipif(not SHARED.exists(), reason="the real manifests are not here")
def test_a_real_project_goes_live(bench: Bench) -> None:
    shutil.copytree(SHARED, bench.clone.folder / "kustomize")
    state, description = bench.deploy({}, path="kustomize", timeout=120)
    assert state == "success", description
    assert "frontend" in objects(bench, "deployment")


def test_the_example_goes_live_in_both_clusters(world: World, tmp_path: Path) -> None:
    configuration = Path(world.exports["DEPLOYER_CONFIG"]) / "cafe.yaml"
    try:
        said: list[str] = []
        for greeting in ("hello, world", "hello, world, for the 2. time"):
            commit = example.push(tmp_path / "cafe", world.exports, example.CAFE)
            assert example.follow(world.exports, commit, said.append, example=example.CAFE), said
            for cluster in ("staging", "production"):
                assert [greeting] == [one["GREETING"] for one in menus(world, cluster)], "the old menu is gone"
    finally:
        configuration.unlink(missing_ok=True)


def menus(world: World, cluster: str) -> list[dict[str, Any]]:
    """What the cafe's ConfigMaps in a cluster hold."""
    found = json.loads(kubectl(world, cluster, "get", "configmaps", "-n", "cafe", "-o", "json"))["items"]
    return [one["data"] for one in found if one["metadata"]["name"].startswith("menu-")]
