"""What end-to-end tests do in the world: configure an application, push, wait for the commit's status, look around."""

import hashlib
import hmac
import json
import os
import subprocess
import sys
import time
import urllib.request
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

from deployer.cluster.inventory import MEMBER
from local.github import Delivery
from local.kubectl import KUBECTL
from local.world import World
from tests.local.github.helpers import Clone, signing_key

MANIFESTS = Path(__file__).resolve().parents[1].parent / "shared" / "manifests"
"""Real manifests, written by others; tests that need them are skipped where they are not."""

CONFIG_MAP = """\
apiVersion: v1
kind: ConfigMap
metadata:
  name: {name}
data:
  key: {value}
"""


def config_map(name: str, value: object = "1") -> str:
    """A manifest that needs nothing; its value is a text, where it is to be accepted."""
    return CONFIG_MAP.format(name=name, value=json.dumps(value))


def deployment(name: str, image: str = "nginx:1.29.3", **spec: Any) -> str:
    """A manifest that rolls out; the image says how its pods fare (see `local/stages.yaml`)."""
    labels = {"app": name}
    pod = {"containers": [{"name": name, "image": image}]}
    template = {"metadata": {"labels": labels}, "spec": pod}
    body = {"replicas": 1, "selector": {"matchLabels": labels}, "template": template, **spec}
    return json.dumps({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name}, "spec": body})


def disown(kubectl: Callable[..., str]) -> None:
    """Take away from every application of a cluster what it has: the next may have it."""
    everything = kubectl("api-resources", "--verbs=list,patch", "-o", "name").split()
    kubectl("label", ",".join(everything), "-A", "-l", MEMBER, f"{MEMBER}-")


def kubectl(world: World, cluster: str, *arguments: str) -> str:
    """What kubectl says about a cluster, as its administrator."""
    config = world.exports[f"DEPLOYER_LOCAL_KUBECONFIG_{cluster.upper()}"]
    done = subprocess.run([KUBECTL, "--kubeconfig", config, *arguments], capture_output=True, text=True, timeout=120)
    if done.returncode:
        raise AssertionError(f"kubectl {arguments}: {done.stderr}")
    return done.stdout


class Bench:
    """One application in the world, with a clone of its repository."""

    def __init__(self, world: World, folder: Path) -> None:
        self.world = world
        self.name = f"app-{uuid.uuid4().hex[:8]}"
        self.repository = f"acme/{self.name}"
        self.clone = Clone(folder / "clone", f"{world.github.git_url}/{self.repository}.git")
        self._document = Path(world.exports["DEPLOYER_CONFIG"]) / f"{self.name}.yaml"
        self._cluster = "staging"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._document.unlink(missing_ok=True)
        self.kubectl("delete", "namespace", self.name, "--ignore-not-found", "--wait=false")

    def configure(
        self,
        cluster: str = "staging",
        *,
        timeout: float = 60,
        automated: bool = True,
        self_heal: bool = False,
        url: str = "",
        options: Sequence[str] = (),
        ignore_differences: Sequence[Mapping[str, Any]] = (),
        rollback: bool = False,
        require_checks: str = "",
        require_verified: bool = False,
        generate_paths: str = "",
        sources: Sequence[Mapping[str, Any]] = (),
        **source: Any,
    ) -> None:
        """Write the application's document; `source` and `sources` are over defaults, `options` are sync options."""
        self._cluster = cluster
        annotations = {
            "deployer/timeout": str(timeout),
            "deployer/rollback": str(rollback).lower(),
            "deployer/require-checks": require_checks,
            "deployer/require-verified": str(require_verified).lower(),
            "argocd.argoproj.io/manifest-generate-paths": generate_paths,
        }
        default: dict[str, Any] = {"repoURL": url or self.clone.url, "targetRevision": "main", "path": "."}
        document: dict[str, Any] = {
            "apiVersion": "argoproj.io/v1alpha1",
            "kind": "Application",
            "metadata": {"name": self.name, "annotations": annotations},
            "spec": {
                "source": {**default, **source},
                "destination": {"name": cluster, "namespace": self.name},
                "syncPolicy": {
                    **({"automated": {"selfHeal": self_heal}} if automated else {}),
                    "syncOptions": ["CreateNamespace=true", *options],
                },
                "ignoreDifferences": list(ignore_differences),
            },
        }
        if sources:
            document["spec"]["sources"] = [{**default, **one} for one in sources]
        self._document.write_text(json.dumps(document))

    def push(self, files: dict[str, str], key: Path | None = None) -> str:
        """Commit files, signed with a key if there is one, and push; returns the commit.

        The message names the application: the same files in the same second would be the same commit in two
        repositories, and a delivery is found by its commit.
        """
        commit = self.clone.commit(f"change {self.name}", files, key)
        self.clone.push("main")
        return commit

    def known_key(self) -> Path:
        """Make a key to sign commits with, which GitHub knows."""
        key, public = signing_key(self.clone.folder.parent / "signing-key")
        self.world.github.signers.add("ada@example.com", public)
        return key

    def deploy(self, files: dict[str, str], **options: Any) -> tuple[str, str]:
        """Configure, push and wait; returns the commit's final state and description."""
        self.configure(**options)
        return self.settled(self.push(files))

    def send(self, payload: Mapping[str, Any], event: str = "push") -> tuple[int, dict[str, Any]]:
        """Deliver a payload as GitHub would, and wait for the answer."""
        body = json.dumps(payload).encode()
        secret = self.world.exports["DEPLOYER_LOCAL_WEBHOOK_SECRET"]
        headers = {
            "Content-Type": "application/json",
            "X-GitHub-Event": event,
            "X-GitHub-Delivery": str(uuid.uuid4()),
            "X-Hub-Signature-256": "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest(),
        }
        request = urllib.request.Request(self.world.exports["DEPLOYER_LOCAL_WEBHOOK_URL"], body, headers)
        with urllib.request.urlopen(request, timeout=120) as answer:
            return answer.status, json.load(answer)

    def reconcile(self) -> str:
        """Call the entry point `reconcile`, and return how it says that the application stands."""
        request = urllib.request.Request(self.world.exports["DEPLOYER_LOCAL_RECONCILE_URL"], b"")
        with urllib.request.urlopen(request, timeout=120) as answer:
            found: dict[str, str] = {one["application"]: one["outcome"] for one in json.load(answer)["applications"]}
        return found[self.name]

    def reconciled(self, commit: str, timeout: float = 120) -> tuple[str, str]:
        """Call `reconcile` until the commit has its final status; returns that."""
        return self.settled(commit, timeout, self.reconcile)

    @contextmanager
    def syncing(self, reached: Callable[[str], bool]) -> Iterator[subprocess.Popen[str]]:
        """`deployer sync` as a process of its own, from when a line of its progress says that it has come so far."""
        with subprocess.Popen(
            [sys.executable, "-m", "deployer", "sync", self.name],
            env={**os.environ, **self.world.exports},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            assert process.stderr
            next(line for line in process.stderr if reached(line))
            yield process

    def statuses(self, commit: str) -> list[tuple[str, str]]:
        """Every status of the application that the commit had, the oldest first."""
        request = urllib.request.Request(
            f"{self.world.github.api_url}/repos/{self.repository}/commits/{commit}/statuses",
            headers={"Authorization": f"Bearer {self.world.exports['DEPLOYER_LOCAL_GITHUB_TOKEN']}"},
        )
        with urllib.request.urlopen(request, timeout=20) as answer:
            found = json.load(answer)
        return [
            (one["state"], one["description"]) for one in reversed(found) if one["context"] == f"deployer/{self.name}"
        ]

    def deliveries(self, event: str) -> list[Delivery]:
        """The deliveries of a kind that were about the repository, and have ended."""
        return [
            one
            for one in self.world.github.deliveries
            if one.event == event and one.payload["repository"]["full_name"] == self.repository
        ]

    @contextmanager
    def delivered(self, event: str, count: int = 1) -> Iterator[list[Delivery]]:
        """Wait, at the end of the block, for so many more deliveries of a kind to end; the list holds them then."""
        before, found = len(self.deliveries(event)), list[Delivery]()
        yield found
        deadline = time.monotonic() + 30
        while len(self.deliveries(event)) < before + count:
            assert time.monotonic() < deadline, f"no {count} deliveries of {event}"
            time.sleep(0.02)
        found += self.deliveries(event)[before:]

    def settled(
        self, commit: str, timeout: float = 120, meanwhile: Callable[[], object] = lambda: time.sleep(0.05)
    ) -> tuple[str, str]:
        """Wait for the commit's final status: its state and description; do something again and again `meanwhile`."""
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            found = self.statuses(commit)
            if found and found[-1][0] != "pending":
                return found[-1]
            meanwhile()
        raise AssertionError(f"no final status in {timeout} s; the function's log ends with:\n{self.log()[-2000:]}")

    def logged(self, commit: str) -> str:
        """The line of the log that says what became of a commit; it comes a moment after the status."""
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            if found := [line for line in self.log().splitlines() if commit in line]:
                return found[-1]
            time.sleep(0.02)
        raise AssertionError(f"the log does not speak of {commit}; it ends with:\n{self.log()[-2000:]}")

    def log(self) -> str:
        """The function's log, with those of the instances of `sync`, where there are any."""
        folder = self.world.folder
        return "".join(log.read_text() for log in (folder / "function.log", *sorted(folder.glob("sync*.log"))))

    def kubectl(self, *arguments: str) -> str:
        """What kubectl says about the application's cluster, as its administrator."""
        return kubectl(self.world, self._cluster, *arguments)

    def versions(self, kinds: str = "deployments,services,serviceaccounts,configmaps") -> dict[str, str]:
        """The resourceVersion of each object in the application's namespace; it moves when somebody writes.

        The inventory is not among them: it tells of each sync.
        """
        selector = "!applyset.kubernetes.io/id"
        items = json.loads(self.kubectl("get", kinds, "-n", self.name, "-l", selector, "-o", "json"))["items"]
        return {f"{one['kind']}/{one['metadata']['name']}": one["metadata"]["resourceVersion"] for one in items}

    def live(self, kind: str, name: str) -> dict[str, Any]:
        """One live object of the application's namespace, owners of its fields included."""
        text = self.kubectl("get", kind, name, "-n", self.name, "-o", "json", "--show-managed-fields")
        found: dict[str, Any] = json.loads(text)
        return found
