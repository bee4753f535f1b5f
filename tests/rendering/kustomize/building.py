"""What tests of Kustomize share: the way from a tree to what is printed, and what kubectl prints by itself."""

import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping
from itertools import pairwise
from pathlib import Path

from deployer.kustomize import Kustomize
from deployer.limits import DEFAULT_LIMITS, Limits
from deployer.rendering.kustomize.build import BUILT, build
from deployer.rendering.kustomize.reach import reach
from tests.trees import MemoryTree

KUBECTL = str(Path(sys.executable).with_name("kubectl"))

BOMB = "a: &a [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{key}: &{key} [{', '.join([f'*{before}'] * 10)}]\n" for before, key in pairwise("abcdefgh")
)


def config_map(name: str, **data: str) -> str:
    lines = [f"  {key}: {value!r}" for key, value in data.items()]
    return "\n".join(["apiVersion: v1", "kind: ConfigMap", f"metadata: {{name: {name}}}", "data:", *lines, ""])


DEPLOYMENT = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 1
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: "nginx:1.29"}]}
"""


def built(
    files: Mapping[str, str | bytes],
    folder: str = ".",
    *,
    kustomize: Kustomize | None = None,
    links: Mapping[str, str] | None = None,
    submodules: Iterable[str] = (),
    limits: Limits = DEFAULT_LIMITS,
) -> str:
    """What is printed for a folder of a tree with these files; nothing comes from an earlier build."""
    BUILT.clear()
    tree = MemoryTree(files, links, list(submodules))
    return build(reach(tree, folder, kustomize or Kustomize(), limits), limits).decode()


def plain(
    files: Mapping[str, str | bytes], folder: str = ".", *, links: Mapping[str, str] | None = None
) -> tuple[str, str]:
    """What kubectl prints for the same folder on a disk, and what it says."""
    with tempfile.TemporaryDirectory() as root:
        MemoryTree(files, links).write(Path(root))
        done = subprocess.run(
            [KUBECTL, "kustomize", str(Path(root) / folder)], capture_output=True, text=True, timeout=60
        )
    return done.stdout, done.stderr if done.returncode else ""
