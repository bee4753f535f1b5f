"""Root modules that call `terraform/`, each carried out by the real terraform against served providers."""

import functools
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.terraform.case import Case
from tests.terraform.terraform import MODULE, copy_module, served

EXAMPLES = sorted(folder.name for folder in (MODULE / "examples").iterdir())

_GKE = "projects/{0}-project/locations/us-east4/clusters/{0}"

# What the examples do not show: an App with the inline queue, a token with Pub/Sub, the Connect Gateway, no schedule.
_OTHER: dict[str, dict[str, Any]] = {
    "gateway": {
        "name": "gitops",
        "project": "some-project",
        "region": "us-east4",
        "config": "${path.module}/../../examples/complete/config",
        "clusters": {
            "blue": {"gke": {"cluster": _GKE.format("blue"), "endpoint": "connect-gateway"}},
            "green": {"gke": {"cluster": _GKE.format("green")}},
            "in-cluster": {"kubeconfig_secret": "first-kubeconfig"},
            "second": {"kubeconfig_secret": "second-kubeconfig"},
        },
    },
    "inline-app": {
        "project": "some-project",
        "region": "us-east4",
        "config": "${path.module}/../../examples/smallest/config",
        "queue": "inline",
        "github": {"app_id": "123456"},
        "clusters": {"production": {"gke": {"cluster": _GKE.format("blue"), "endpoint": "connect-gateway"}}},
    },
    "unscheduled": {
        "project": "some-project",
        "region": "us-east4",
        "config": "${path.module}/../../examples/smallest/config",
        "schedule": None,
        "clusters": {"production": {"kubeconfig_secret": "production-kubeconfig"}},
    },
}
CASES = [*EXAMPLES, *_OTHER]


@pytest.fixture(scope="session", autouse=True)
def _terraform() -> None:
    if shutil.which("terraform") is None:
        pytest.skip("terraform is not on the PATH: nothing of terraform/ is checked")


@pytest.fixture(scope="session")
def module(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of `terraform/` that no test changes, with a root module in `cases/` for each of ours."""
    module = copy_module(tmp_path_factory.mktemp("module"), source=False)
    for name, inputs in _OTHER.items():
        folder = module / "cases" / name
        folder.mkdir(parents=True)
        calls = {"module": {"deployer": {"source": "../..", **inputs}}}
        (folder / "main.tf.json").write_text(json.dumps(calls))
    return module


@pytest.fixture(scope="session")
def make_case(module: Path) -> Callable[[str], Case]:
    """What terraform makes of the root module of that name; each is made once."""

    @functools.cache
    def make(name: str) -> Case:
        with served(module / ("examples" if name in EXAMPLES else "cases") / name, module) as terraform:
            plan = terraform.plan()
            state = terraform.apply("plan")
            again = terraform.must("plan")
        return Case(name, _inputs(plan), state, again)

    return make


@pytest.fixture(params=CASES)
def case(request: pytest.FixtureRequest, make_case: Callable[[str], Case]) -> Case:
    """Each root module in turn."""
    return make_case(request.param)


@pytest.fixture
def complete(make_case: Callable[[str], Case]) -> Case:
    """The complete example."""
    return make_case("complete")


def _inputs(plan: dict[str, Any]) -> dict[str, Any]:
    """What a root module says to the module: constants, and variables by their values; None for what is neither."""
    inputs = {}
    for name, said in plan["configuration"]["root_module"]["module_calls"]["deployer"]["expressions"].items():
        variables = [word.removeprefix("var.") for word in said.get("references", []) if word.startswith("var.")]
        inputs[name] = plan["variables"][variables[0]]["value"] if variables else said.get("constant_value")
    return inputs
