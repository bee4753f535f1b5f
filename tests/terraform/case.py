"""A root module that calls `terraform/`, and what terraform makes of it."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tests.terraform.provider import PROJECT_NUMBER


@dataclass(frozen=True)
class Case:
    """One root module.

    Attributes:
        name: its folder.
        inputs: what it says to the module.
        state: what `terraform apply` leaves, as `terraform show -json` tells it.
        again: what `terraform plan` prints after that.
    """

    name: str
    inputs: dict[str, Any]
    state: dict[str, Any]
    again: str

    @property
    def prefix(self) -> str:
        """The beginning of all names."""
        return str(self.inputs.get("name") or "deployer")

    @property
    def project(self) -> str:
        """The project's ID."""
        return str(self.inputs["project"])

    @property
    def conditions(self) -> dict[str, bool]:
        """The words that say when something holds, and whether they do."""
        is_inline = self.inputs.get("queue") == "inline"
        is_app = bool((self.inputs.get("github") or {}).get("app_id"))
        return {
            "inline": is_inline,
            "pubsub": not is_inline,
            "app": is_app,
            "token": not is_app,
            "gke": bool(self.gke_projects()),
            "connect-gateway": bool(self.gke_projects("connect-gateway")),
            "schedule": "schedule" not in self.inputs or self.inputs["schedule"] is not None,
        }

    def gke_projects(self, endpoint: str | None = None) -> set[str]:
        """The projects of the clusters of GKE; those reached by one kind of endpoint only, where it is given."""
        gke = [cluster["gke"] for cluster in self.inputs["clusters"].values() if cluster.get("gke")]
        return {one["cluster"].split("/")[1] for one in gke if endpoint in (None, one.get("endpoint", "dns"))}

    @property
    def kubeconfig_secrets(self) -> set[str]:
        """The secrets that hold kubeconfigs."""
        found = (cluster.get("kubeconfig_secret") for cluster in self.inputs["clusters"].values())
        return {secret for secret in found if secret}

    def fill(self, text: str) -> str:
        """A name of the documentation with this case's words in the place of those in capitals."""
        words = {
            "NAME": self.prefix,
            "PROJECT": self.project,
            "NUMBER": PROJECT_NUMBER,
            "REGION": self.inputs["region"],
        }
        for word, value in words.items():
            text = text.replace(word, str(value))
        return text

    def of(self, kind: str) -> dict[str, dict[str, Any]]:
        """The resources of a kind that terraform made: address → values."""
        return {one["address"]: one["values"] for one in resources(self.state) if one["type"] == kind}

    def functions(self) -> dict[str, dict[str, Any]]:
        """The `service_config` of each function: entry point → values."""
        made = self.of("google_cloudfunctions2_function").values()
        return {one["build_config"][0]["entry_point"]: one["service_config"][0] for one in made}


def resources(state: dict[str, Any], mode: str = "managed") -> Iterator[dict[str, Any]]:
    """The resources of a state or of planned values, those of all modules; with the mode "data", what was only read."""

    def walk(module: dict[str, Any]) -> Iterator[dict[str, Any]]:
        yield from (one for one in module.get("resources", []) if one["mode"] == mode)
        for child in module.get("child_modules", []):
            yield from walk(child)

    yield from walk(state["root_module"])


def texts(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Every text in a value, with where it stands: `a.0.b`."""
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, dict):
        for name, inner in value.items():
            yield from texts(inner, f"{path}.{name}".lstrip("."))
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from texts(inner, f"{path}.{number}".lstrip("."))
