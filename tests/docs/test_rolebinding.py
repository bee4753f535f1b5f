"""The binding for GKE's accounts, as the tutorial and docs/how-to/gke.md make it, in a real API server."""

import os
import re
import shutil
import subprocess
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from local.kubectl import KUBECTL
from local.world import World
from tests.docs.commands import ROOT, fences
from tests.world import kubectl

PAGES = ["docs/tutorials/google-cloud.md", "docs/how-to/gke.md"]
USERS = [f"deployer-{role}@acme-deployer.iam.gserviceaccount.com" for role in ("sync", "reconcile")]


@pytest.fixture
def namespace(world: World) -> Iterator[str]:
    name = f"shop-{uuid.uuid4().hex[:8]}"
    yield name
    kubectl(world, "staging", "delete", "namespace", name, "--wait=false")


@pytest.mark.parametrize("page", PAGES)
def test_the_accounts_may_deploy_to_their_namespace_and_no_other(
    page: str, world: World, namespace: str, tmp_path: Path
) -> None:
    (block,) = (one.text for one in fences((ROOT / page).read_text()) if "kubectl create rolebinding" in one.text)
    (tmp_path / "examples").mkdir()
    (tmp_path / "production").mkdir()
    shutil.copy(ROOT / "examples" / "rbac.yaml", tmp_path / "examples")
    # A namespace of its own, in the manifest and in the block alike.
    manifest = tmp_path / "examples" / "rbac.yaml"
    manifest.write_text(re.sub(r"\bshop\b", namespace, manifest.read_text()))
    subprocess.run(
        ["bash", "-euo", "pipefail", "-c", re.sub(r"\bshop\b", namespace, block)],
        cwd=tmp_path,
        env={
            **os.environ,
            "PATH": f"{Path(KUBECTL).parent}{os.pathsep}{os.environ['PATH']}",
            "KUBECONFIG": world.exports["DEPLOYER_LOCAL_KUBECONFIG_STAGING"],
            "sync": USERS[0],
            "reconcile": USERS[1],
        },
        check=True,
    )

    (made,) = (file for file in tmp_path.rglob("rbac.yaml") if file != manifest)
    kinds = [document["kind"] for document in yaml.safe_load_all(made.read_text())]
    assert kinds == ["Namespace", "Role", "RoleBinding"], "no ServiceAccount, and no token"
    for user in USERS:
        assert may(world, user, namespace)
        assert not may(world, user, "default")
    assert not may(world, "somebody@example.com", namespace)


def may(world: World, user: str, namespace: str) -> bool:
    """Whether a user may do in a namespace what a deployment of a Deployment takes."""
    config = world.exports["DEPLOYER_LOCAL_KUBECONFIG_STAGING"]
    ask = [KUBECTL, "--kubeconfig", config, "auth", "can-i", f"--as={user}", f"--namespace={namespace}"]
    told = [
        subprocess.run([*ask, verb, "deployments.apps"], capture_output=True, text=True).stdout.strip()
        for verb in ("get", "list", "create", "patch", "delete")
    ]
    assert set(told) in ({"yes"}, {"no"}), told
    return told[0] == "yes"
