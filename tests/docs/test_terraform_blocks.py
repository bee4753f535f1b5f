"""The Terraform of the documentation, done with the real terraform, and providers that need no network.

The tutorial's commands of terraform are run as they are printed, from the first apply to the last; each block of the
other pages is planned.
"""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from deployer.configuration import load_configuration
from tests.docs.commands import PAGES, ROOT, fences
from tests.docs.test_gcloud import gcloud_commands
from tests.terraform.terraform import Terraform, copy_module, served

pytestmark = pytest.mark.skipif(not shutil.which("terraform"), reason="terraform is missing: developer.hashicorp.com")

TUTORIAL = fences((ROOT / "docs/tutorials/google-cloud.md").read_text())


def written(language: str, words: str) -> str:
    """The tutorial's fence in a language with some words in it."""
    (text,) = (fence.text for fence in TUTORIAL if fence.language == language and words in fence.text)
    return text


MAIN = written("hcl", "backend")
OTHERS = [
    pytest.param(fence.text, id=f"{page.stem}:{fence.line}")
    for page in PAGES
    for fence in fences(page.read_text())
    if fence.language == "hcl" and fence.text != MAIN
]


@dataclass
class Reader:
    """Somebody with a clone and `production/` in it, who says yes when terraform asks."""

    clone: Path
    terraform: Terraform
    ran: list[str] = field(default_factory=list)

    def runs(self, words: str, then: str = "") -> str:
        """Run the tutorial's block with some words in it, and then something more; returns what is printed."""
        block = written("sh", words)
        self.ran.append(block)
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", f"{block}\n{then}"],
            cwd=self.clone,
            env={
                **self.terraform.environment,
                "project": "acme-deployer",
                "region": "europe-west1",
                "zone": "europe-west1-b",
                "channel": "projects/acme-deployer/notificationChannels/1",
            },
            input="yes\n",
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=300,
        )
        assert done.returncode == 0, done.stdout
        return done.stdout

    def has(self, kind: str) -> list[dict[str, Any]]:
        """What has been made of a kind, with its values."""
        state = json.loads((self.terraform.folder / "terraform.tfstate").read_text())
        made = [one["instances"] for one in state["resources"] if (one["mode"], one["type"]) == ("managed", kind)]
        return [instance["attributes"] for instances in made for instance in instances]

    def plans(self, main: str, folder: str) -> subprocess.CompletedProcess[str]:
        """Plan another `main.tf`, in a folder beside `production/` that is like it, and has nothing in its state."""
        other = shutil.copytree(self.terraform.folder, self.clone / re.sub(r"\W", "-", folder))
        for state in other.glob("*.tfstate*"):
            state.unlink()
        (other / "main.tf").write_text(main)
        return self.terraform.run(f"-chdir={other}", "plan", "-no-color", "-input=false")


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reader]:
    """A reader who has done all that stands before the first apply."""
    clone = tmp_path_factory.mktemp("clone")
    module = copy_module(clone, source=False)
    production = clone / "production"
    (production / "config").mkdir(parents=True)
    (production / "main.tf").write_text(MAIN)
    (production / "config" / "shop.yaml").write_text(written("yaml", "kind: Application"))
    # Its state is kept in a bucket; here, beside it.
    (production / "backend_override.tf").write_text('terraform {\n  backend "local" {}\n}\n')
    with served(production, module) as terraform:
        reader = Reader(clone, terraform)
        reader.runs("terraform.tfvars <<EOF")
        yield reader


def test_the_tutorial(reader: Reader) -> None:
    reader.runs("-var deploy_functions=false")
    assert not reader.has("google_cloudfunctions2_function")
    secrets = {secret["secret_id"] for secret in reader.has("google_secret_manager_secret")}
    assert secrets == {"deployer-webhook-secret", "deployer-github-token"}

    names = reader.runs("account() {", 'echo "$sync $reconcile"').split()
    assert names == [f"deployer-{role}@acme-deployer.iam.gserviceaccount.com" for role in ("sync", "reconcile")]

    told = reader.runs("output -raw next_steps")
    functions = {one["name"]: one for one in reader.has("google_cloudfunctions2_function")}
    assert functions.keys() == {"deployer-webhook", "deployer-sync", "deployer-reconcile"}
    url = functions["deployer-webhook"]["service_config"][0]["uri"]
    assert url in told

    printed = reader.runs("output -raw cluster_documents", 'echo "$url $DEPLOYER_PUBSUB_TOPIC"').split()
    assert printed == [url, "projects/acme-deployer/topics/deployer"]
    configuration = load_configuration(reader.clone / "production" / "config")
    cluster = configuration.cluster_for(configuration.application("shop"))
    assert str(cluster.gke) == "projects/acme-deployer/locations/europe-west1-b/clusters/production"

    reader.runs("notification_channels = ")
    alerts = reader.has("google_monitoring_alert_policy")
    assert alerts
    assert all(alert["notification_channels"] == ["projects/acme-deployer/notificationChannels/1"] for alert in alerts)

    reader.runs("destroy")
    assert not reader.has("google_service_account")

    mine = [fence.text for fence in TUTORIAL if fence.marks.get("run by") == "tests/docs/test_terraform_blocks.py"]
    assert reader.ran == mine, "each block, and in the order of the page"


def test_the_secrets_that_the_pages_give_values_are_the_modules_own() -> None:
    used = set()
    for page in PAGES:
        known: dict[str, str] = {}
        for fence in fences(page.read_text()):
            if fence.language == "sh":
                for command in gcloud_commands(fence.text, known):
                    used |= set(re.findall(r"\bversions (?:add|list) (deployer-[\w-]+)", command))
                    used |= set(re.findall(r"\bversions .*--secret=(deployer-[\w-]+)", command))
    assert used == {"deployer-webhook-secret", "deployer-github-token", "deployer-github-app-key"}


@pytest.mark.parametrize("block", OTHERS)
def test_a_block_is_planned(block: str, reader: Reader, request: pytest.FixtureRequest) -> None:
    done = reader.plans(block, request.node.name)
    assert done.returncode == 0, done.stdout
    assert 'google_cloudfunctions2_function.function["webhook"] will be created' in done.stdout


@pytest.mark.parametrize("block", [pytest.param(MAIN, id="tutorial"), *OTHERS])
def test_a_block_is_formatted(block: str) -> None:
    done = subprocess.run(["terraform", "fmt", "-check", "-diff", "-"], input=block, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("right", "wrong", "words"),
    [
        ("  clusters = {", "  cluster = {", 'An argument named "cluster" is not expected here'),
        ("  region  = var.region\n", "", 'The argument "region" is required'),
        ("/clusters/production", "", "gke.cluster must be projects/PROJECT/locations/LOCATION/clusters/NAME"),
        ("module.deployer.topic ", "module.deployer.topics ", "This object does not have an attribute named"),
    ],
    ids=["unknown argument", "missing argument", "wrong value", "unknown output"],
)
def test_a_planted_fault_is_found(
    right: str, wrong: str, words: str, reader: Reader, request: pytest.FixtureRequest
) -> None:
    assert right in MAIN
    done = reader.plans(MAIN.replace(right, wrong), request.node.name)
    assert done.returncode == 1
    assert words in re.sub(r"\s+", " ", done.stdout)
