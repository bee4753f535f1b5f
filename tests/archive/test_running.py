"""The archive, built as Google builds it, and run as terraform plans it: a push goes live."""

import json
import re
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from bench.servers import Request, ask, delivery
from local.example import Example, follow
from local.leash import Leash
from local.world import World
from tests.archive.deployed import PING, Deployed, deploy
from tests.archive.image import VERSIONS, BuildError, Image, build, find_python
from tests.archive.imports import installed
from tests.archive.planned import KUSTOMIZED, PLAIN, Planned
from tests.local.github.helpers import Clone
from tests.world import config_map, deployment, kubectl

_IMPORT = "import importlib, sys; [importlib.import_module(name) for name in sys.argv[1:]]"


@pytest.fixture(scope="module", params=VERSIONS)
def image(request: pytest.FixtureRequest, archive: Path, planned: Planned) -> Iterator[Image]:
    """The archive built with each version of Python that it may run on, as far as this machine has them."""
    python = find_python(request.param)
    if python is None:
        pytest.skip(f"Python {request.param} is missing")
    with tempfile.TemporaryDirectory() as folder:  # of 220 MB; pytest would keep it
        yield build(python, archive, Path(folder), planned.build)


@pytest.fixture(scope="module")
def deployed(
    image: Image, planned: Planned, world: World, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Deployed]:
    """Its functions in the world."""
    leash = Leash(tmp_path_factory.mktemp("archive") / "leash")
    try:
        with leash, deploy(image, planned, world, leash) as deployed:
            yield deployed
    finally:
        for name in (PLAIN, KUSTOMIZED):
            world.github.delete(f"acme/{name}")
            kubectl(world, "staging", "delete", "namespace", name, "--ignore-not-found", "--wait=false")


def imported(image: Image, *modules: str) -> str:
    """Import modules where the function does, in a process of its own; returns what went wrong."""
    command = [str(image.python), "-c", _IMPORT, *modules]
    return subprocess.run(command, cwd=image.workspace, capture_output=True, text=True, timeout=120).stderr


def test_all_that_it_imports_is_there(image: Image, planned: Planned) -> None:
    files = [name for name in planned.files if name.startswith("deployer/")]
    ours = [re.sub("/__init__$", "", name.removesuffix(".py")).replace("/", ".") for name in files]
    assert imported(image, *ours, *installed(planned.files)) == ""
    assert "No module named 'rich'" in imported(image, "rich")
    assert "No module named 'deployer.cli'" in imported(image, "deployer.cli")


def test_the_door_opens_with_its_secret_and_its_topic_alone(deployed: Deployed, planned: Planned) -> None:
    assert {name for name in planned.functions["webhook"] if name.startswith("DEPLOYER_")} == {
        "DEPLOYER_WEBHOOK_SECRET",
        "DEPLOYER_QUEUE",
        "DEPLOYER_PUBSUB_TOPIC",
    }
    port = deployed.functions["webhook"].port
    assert ask(port, PING) == 200
    assert ask(port, delivery("push", b"{}", 403, secret="another secret of that length")) == 403


def test_a_push_goes_live(deployed: Deployed, world: World, tmp_path: Path) -> None:
    """One of plain files that rolls out, and one that the kubectl of requirements.txt builds."""
    value = uuid.uuid4().hex
    plain = {"web.json": deployment("web"), "a.yaml": config_map("a", value)}
    kustomized = {
        "base/kustomization.yaml": "resources: [a.yaml]\n",
        "base/a.yaml": config_map("a", value),
        "overlay/kustomization.yaml": "resources: [../base]\nnameSuffix: -eu\n",
    }
    for name, files, made in ((PLAIN, plain, "a"), (KUSTOMIZED, kustomized, "a-eu")):
        said: list[str] = []
        clone = Clone(tmp_path / name, f"{world.github.git_url}/acme/{name}.git")
        commit = clone.commit("all of it", files)
        clone.push("main")
        assert follow(world.exports, commit, said.append, 60, Example(name, "", (name,))), (said, deployed.log())
        live = kubectl(world, "staging", "get", "configmap", made, "-n", name, "-o", "jsonpath={.data.key}")
        assert live == value
    assert ask(deployed.functions["reconcile"].port, Request("POST", 200)) == 200
    assert deployed.pubsub.drained()
    logged = [json.loads(line) for line in deployed.log().splitlines()]
    assert [one for one in logged if one["severity"] not in ("INFO", "WARNING")] == []


def test_a_file_with_another_hash_is_not_installed(planned: Planned, tmp_path: Path) -> None:
    pinned = planned.files["requirements.txt"]
    other = re.sub(r"sha256:\w{64}", "sha256:" + "0" * 64, pinned)
    assert other != pinned
    replace(planned, files={**planned.files, "requirements.txt": other}).write(tmp_path / "source.zip")
    with pytest.raises(BuildError, match="THESE PACKAGES DO NOT MATCH THE HASHES"):
        build(sys.executable, tmp_path / "source.zip", tmp_path / "built", planned.build)
