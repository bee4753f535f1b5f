"""What terraform makes of the module, as far as the function is concerned: its archive, its settings, its messages."""

import json
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.terraform.case import resources
from tests.terraform.terraform import copy_module, served

PROJECT = "acme-archive"

APPLICATION = """\
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata:
  name: {name}
spec:
  source: {{repoURL: https://github.com/acme/{name}.git, targetRevision: main, path: {path}}}
  destination: {{name: staging, namespace: {name}}}
  syncPolicy: {{automated: {{prune: true}}, syncOptions: [CreateNamespace=true]}}
"""
PLAIN, KUSTOMIZED = "archive-plain", "archive-kustomized"
CONFIG = {f"{PLAIN}.yaml": (PLAIN, "."), f"{KUSTOMIZED}.yaml": (KUSTOMIZED, "overlay")}

_ROOT = f"""\
module "deployer" {{
  source   = "../terraform"
  project  = "{PROJECT}"
  region   = "europe-west1"
  config   = "./config"
  clusters = {{ staging = {{ kubeconfig_secret = "staging-kubeconfig" }} }}
}}
"""


@dataclass(frozen=True)
class Planned:
    """`files` are the archive's, by path; `build` and `functions` are environments, those of functions by entry point.

    `topics` and `subscriptions` are Pub/Sub's, as the arguments of their resources; `secrets` are full names.
    """

    files: Mapping[str, str]
    build: Mapping[str, str]
    functions: Mapping[str, Mapping[str, str]]
    topics: tuple[str, ...]
    subscriptions: tuple[dict[str, Any], ...]
    secrets: tuple[str, ...]

    def write(self, target: Path) -> None:
        """Write the archive, as the provider `archive` does: in the order of the names, every file as old as zip is."""
        with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
            for name in sorted(self.files):
                archive.writestr(zipfile.ZipInfo(name), self.files[name], zipfile.ZIP_DEFLATED)


def plan(folder: Path) -> Planned:
    """Have the real terraform carry the module out with one cluster and two applications, nowhere; see `provider.py`.

    Args:
        folder: for a copy of the module and a root module, which are made.
    """
    module, root = copy_module(folder), folder / "root"
    (root / "config").mkdir(parents=True)
    (root / "main.tf").write_text(_ROOT)
    for name, (application, path) in CONFIG.items():
        (root / "config" / name).write_text(APPLICATION.format(name=application, path=path))
    with served(root, module) as terraform:
        return _planned(terraform.apply())


def _planned(state: dict[str, Any]) -> Planned:
    def values(kind: str, mode: str = "managed") -> list[dict[str, Any]]:
        return [one["values"] for one in resources(state, mode) if one["type"] == kind]

    (archive,) = values("archive_file", "data")
    functions = {one["build_config"][0]["entry_point"]: one for one in values("google_cloudfunctions2_function")}
    (build,) = {json.dumps(one["build_config"][0]["environment_variables"]) for one in functions.values()}
    return Planned(
        files={one["filename"]: one["content"] for one in archive["source"]},
        build=json.loads(build),
        functions={name: one["service_config"][0]["environment_variables"] for name, one in functions.items()},
        topics=tuple(f"projects/{one['project']}/topics/{one['name']}" for one in values("google_pubsub_topic")),
        subscriptions=tuple(values("google_pubsub_subscription")),
        secrets=tuple(
            f"projects/{one['project']}/secrets/{one['secret_id']}" for one in values("google_secret_manager_secret")
        ),
    )
