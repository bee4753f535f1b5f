"""The function as a GitHub App, with its key in Secret Manager: no token stands in any setting."""

import json
import subprocess
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import yaml

from deployer.cluster.connection import Cluster
from local.function import start_function
from local.github import GitHub as LocalGitHub
from local.github.apps import InstallationToken
from local.github.hook import Hook
from local.leash import Leash
from local.world import World
from tests.local.github.helpers import SECRET, TOKEN, Clone
from tests.world import config_map

GRANTED = {"contents": "write", "statuses": "write", "checks": "read", "repository_hooks": "read", "issues": "write"}


class Deployed:
    """A function of its own, which is an App of a GitHub of its own, and deploys to a cluster of the world."""

    def __init__(self, world: World, namespace: str, folder: Path, stack: ExitStack) -> None:
        self.github = stack.enter_context(
            LocalGitHub(folder / "github", token=TOKEN, webhook_url=None, webhook_secret=SECRET)
        )
        self.app = self.github.apps.register("deployer", permissions=GRANTED)
        self.installation = self.github.apps.install(self.app, "acme")
        key = f"projects/local/secrets/app-{uuid.uuid4().hex[:8]}"
        world.secret_manager.put(key, self.app.private_key.encode())
        self.clone = Clone(folder / "clone", f"{self.github.git_url}/acme/web.git")
        self.settings = {
            "DEPLOYER_CONFIG": str(configuration(folder / "config", self.clone.url, namespace)),
            "DEPLOYER_WEBHOOK_SECRET": SECRET,
            "DEPLOYER_GITHUB_APP_ID": self.app.client_id,
            "DEPLOYER_GITHUB_APP_KEY": key,
            "DEPLOYER_GITHUB_API_URL": self.github.api_url,
            "DEPLOYER_SECRET_MANAGER_ENDPOINT": world.secret_manager.address,
        }
        self._leash = stack.enter_context(Leash(folder / "leash"))
        self.github.webhook = Hook(start_function(self._leash, self.settings), SECRET)

    def push(self, value: str) -> tuple[str, dict[str, Any]]:
        """Push, and wait for the delivery to be answered; returns the commit and the answer."""
        commit = self.clone.commit(f"value {value}", {"a.yaml": config_map("a", value)})
        self.clone.push("main")
        delivery = self.github.wait_for_delivery(commit, timeout=60)
        answer: dict[str, Any] = json.loads(delivery.body)
        return commit, answer

    def said(self, commit: str) -> list[str]:
        """The states that the commit was told."""
        return [one.state for one in self.github.statuses.of("acme/web", commit)]

    def tokens(self) -> list[InstallationToken]:
        """The tokens that GitHub has made."""
        return [one for one in self.github.tokens._known if isinstance(one, InstallationToken)]

    def log(self) -> str:
        return (self._leash.folder / "function.log").read_text()


def configuration(folder: Path, url: str, namespace: str) -> Path:
    folder.mkdir()
    documents = [
        {
            "apiVersion": "deployer/v1alpha1",
            "kind": "Cluster",
            "metadata": {"name": "staging"},
            "spec": {"kubeconfig": {"secret": "projects/local/secrets/staging-kubeconfig"}},
        },
        {
            "apiVersion": "argoproj.io/v1alpha1",
            "kind": "Application",
            "metadata": {"name": namespace},
            "spec": {
                "source": {"repoURL": url, "targetRevision": "main", "path": "."},
                "destination": {"name": "staging", "namespace": namespace},
                "syncPolicy": {"automated": {}, "syncOptions": ["CreateNamespace=true"]},
            },
        },
    ]
    (folder / "all.yaml").write_text(yaml.safe_dump_all(documents))
    return folder


@pytest.fixture
def deployed(world: World, namespace: str, tmp_path: Path) -> Iterator[Deployed]:
    with ExitStack() as stack:
        yield Deployed(world, namespace, tmp_path, stack)


def live(staging: Cluster, namespace: str) -> str:
    value: str = staging.request("GET", f"/api/v1/namespaces/{namespace}/configmaps/a")["data"]["key"]
    return value


def test_pushes_go_live_with_one_token_that_may_do_no_more_than_is_needed(
    deployed: Deployed, staging: Cluster, namespace: str
) -> None:
    for value in ("1", "2"):
        commit, _ = deployed.push(value)
        assert deployed.said(commit)[-1] == "success", deployed.log()
        assert live(staging, namespace) == value
    (token,) = deployed.tokens()
    assert token.permissions == {"metadata": "read", "contents": "read", "statuses": "write", "checks": "read"}
    assert len(token.repositories or ()) == 1
    assert token.value not in deployed.log()


def test_a_token_that_has_ended_is_made_anew(deployed: Deployed, staging: Cluster, namespace: str) -> None:
    deployed.github.apps.token_seconds = 4
    deployed.push("1")
    first = deployed.tokens()[-1]
    time.sleep(4.5)
    commit, _ = deployed.push("2")
    assert deployed.said(commit)[-1] == "success"
    assert live(staging, namespace) == "2"
    assert deployed.tokens()[-1] != first


def test_an_app_that_was_uninstalled_is_told_in_the_log_and_by_the_doctor(
    deployed: Deployed,
    staging: Cluster,
    namespace: str,
    deployer: Callable[..., subprocess.CompletedProcess[str]],
) -> None:
    deployed.push("1")
    assert doctor(deployed, deployer) == {
        "App": "ok",
        "installation": "ok",
        f"source of {namespace}": "ok",
        "statuses": "ok",
        "webhook": "ok",
    }
    deployed.github.apps.uninstall(deployed.installation)
    time.sleep(5)  # as long as a token is so new that GitHub may not know it yet
    commit, answer = deployed.push("2")
    assert answer["applications"][0]["outcome"] == "failed"
    assert live(staging, namespace) == "1"
    assert deployed.said(commit) == [], "whoever may not ask may not tell either"
    assert "the GitHub App is not installed for acme (any more): install it there, with acme/web" in deployed.log()
    found = doctor(deployed, deployer)
    assert (found["App"], found["installation"]) == ("ok", "failed")
    deployed.github.apps.install(deployed.app, "acme")
    time.sleep(2.5)  # longer than a refusal is kept for whoever asks next
    commit, _ = deployed.push("3")
    assert deployed.said(commit)[-1] == "success"
    assert live(staging, namespace) == "3"


def doctor(deployed: Deployed, deployer: Callable[..., subprocess.CompletedProcess[str]]) -> dict[str, str]:
    """What it finds of the App and the repository."""
    done = deployer("doctor", "-o", "json", **deployed.settings, DEPLOYER_GITHUB_TOKEN="")
    assert "PRIVATE KEY" not in done.stdout + done.stderr
    checks = json.loads(done.stdout)["checks"]
    return {one["name"]: one["status"] for one in checks if one["section"] in ("GitHub", "repository acme/web")}
