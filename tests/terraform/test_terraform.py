import os
import re
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.terraform.conftest import EXAMPLES
from tests.terraform.terraform import MODULE, Terraform, copy_module, served

FOLDERS = [".", *(f"examples/{example}" for example in EXAMPLES)]


def _format(folder: Path) -> subprocess.CompletedProcess[str]:
    return Terraform(folder, {}).run("fmt", "-check", "-recursive", "-diff", "-no-color")


def test_formatted() -> None:
    done = _format(MODULE)
    assert done.returncode == 0, f"run `terraform fmt -recursive terraform`:\n{done.stdout}"


def test_what_is_not_formatted_is_found(tmp_path: Path) -> None:
    (tmp_path / "main.tf").write_text("locals {\n  a   = 1\n}\n")
    (tmp_path / "good.tf").write_text("locals {\n  b = 1\n}\n")

    done = _format(tmp_path)

    assert done.returncode == 3
    assert done.stdout.startswith("main.tf\n")


@pytest.mark.parametrize("folder", FOLDERS)
def test_valid(folder: str, module: Path) -> None:
    with served(module / folder, module) as terraform:
        assert "Success! The configuration is valid." in terraform.must("validate")


def test_the_modules_own_tests_pass(module: Path) -> None:
    with served(module, module) as terraform:
        said = terraform.must("test")
    assert re.search(r"Success! [1-9]\d* passed, 0 failed", said), said


class Fault(NamedTuple):
    """A pattern in a file, what stands in its place when the fault is planted, and Terraform's words for that."""

    file: str
    pattern: str
    planted: str
    words: str


REQUIRED = 'The argument "{}" is required, but no definition was found.'
UNEXPECTED = 'An argument named "{}" is not expected here.'
FAULTS = {
    "an argument that does not exist": Fault(
        "queue.tf", r'(resource "google_pubsub_topic" "\w+" \{)', r"\1\n  nmae = 1", UNEXPECTED.format("nmae")
    ),
    "a required argument is missing": Fault(
        "functions.tf", r"\n *location *= var\.region", "", REQUIRED.format("location")
    ),
    "a required argument of a block is missing": Fault(
        "queue.tf", r"\n *push_endpoint *=.*", "", REQUIRED.format("push_endpoint")
    ),
    "a wrong type": Fault(
        "queue.tf", r"ack_deadline_seconds *=.*", 'ack_deadline_seconds = "soon"', "a number is required"
    ),
    "a list for a text": Fault(
        "functions.tf", r"location *= var\.region", "location = [var.region]", "string required"
    ),
    "a block that does not exist": Fault(
        "queue.tf", r"push_config \{", "push_conf {", 'Blocks of type "push_conf" are not expected here'
    ),
    "a block twice": Fault(
        "queue.tf", r"(\n *retry_policy \{)", r"\1\n  }\1", 'No more than 1 "retry_policy" blocks are allowed'
    ),
    "an argument written as a block": Fault(
        "functions.tf", r"environment_variables *= \{", "environment_variables {", "Unsupported block type"
    ),
    "a reference to nothing": Fault(
        "queue.tf",
        r"google_pubsub_topic\.topic\[var\.name\]\.name",
        "google_pubsub_topic.nothing.name",
        "Reference to undeclared resource",
    ),
    "an attribute that does not exist": Fault(
        "queue.tf",
        r"\.service_config\[0\]\.uri",
        ".service_config[0].url",
        'This object has no argument, nested block, or exported attribute named "url".',
    ),
    "a variable that does not exist": Fault(
        "queue.tf", r"var\.region", "var.regoin", 'An input variable with the name "regoin" has not been declared'
    ),
    "a kind of resource that does not exist": Fault(
        "queue.tf",
        r'resource "google_pubsub_topic" ',
        'resource "google_pubsub_topik" ',
        'does not support resource type "google_pubsub_topik"',
    ),
    "a value that Google does not know": Fault(
        "functions.tf",
        r"ingress_settings *=.*",
        'ingress_settings = "ALLOW_EVERYTHING"',
        "expected ingress_settings to be one of",
    ),
    "an input that the module does not have": Fault(
        "examples/complete/main.tf", r"(\n *region *=)", r"\n  zone = 1\1", UNEXPECTED.format("zone")
    ),
    "an input that is missing": Fault("examples/complete/main.tf", r"\n *region *=.*", "", REQUIRED.format("region")),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_planted_fault_is_found(fault: str, tmp_path: Path) -> None:
    file, pattern, planted, words = FAULTS[fault]
    module = copy_module(tmp_path, source=False)
    text, count = re.subn(pattern, planted, (module / file).read_text(), count=1)
    assert count == 1, f"{file} has changed: plant the fault in its new words"
    (module / file).write_text(text)

    with served(module / "examples" / "complete", module) as terraform:
        done = terraform.run("validate", "-no-color")

    assert done.returncode == 1
    said = " ".join(re.sub("[│╷╵]", "", done.stdout).split())  # Terraform breaks lines as it likes
    assert words in said
    assert f"{Path(file).name} line " in said


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Terraform:
    """terraform in a copy of the module, with the real providers, where they can be had."""
    module = copy_module(tmp_path_factory.mktemp("real"), source=False)
    cache = Path(sys.prefix) / "terraform" / "providers"
    cache.mkdir(parents=True, exist_ok=True)
    configured = {"TF_CLI_CONFIG_FILE": os.environ.get("TF_CLI_CONFIG_FILE", "")}  # it may name a mirror
    terraform = Terraform(
        module,
        {name: value for name, value in configured.items() if Path(value).is_file()}
        | {
            "TF_PLUGIN_CACHE_DIR": str(cache),
            "TF_REGISTRY_CLIENT_TIMEOUT": "5",
            "TF_REGISTRY_DISCOVERY_RETRY": "0",
        },
    )
    done = terraform.run("init", "-input=false", "-no-color")
    if done.returncode:
        reason = re.search(r"Error: (.+)", done.stdout)
        pytest.skip(
            f"no real providers here ({reason[1] if reason else 'init failed'}): served schemas are what is checked"
        )
    return terraform


def test_valid_with_the_real_providers(registry: Terraform) -> None:
    assert "Success! The configuration is valid." in registry.must("validate")


def test_the_modules_own_tests_pass_with_the_real_providers(registry: Terraform) -> None:
    assert re.search(r"Success! [1-9]\d* passed, 0 failed", registry.must("test"))
