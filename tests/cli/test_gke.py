"""The command line as a function on Google Cloud has it: a real cluster behind Google's front ends, and no secret."""

import json
from typing import Any

import pytest
import yaml

from tests.cli.clinic import FILES, Clinic, Deployer
from tests.cluster.test_gke import described
from tests.google import DNS, EMAIL, NUMBER, Google, error

GATEWAY = "europe-west1-connectgateway.googleapis.com"
HERE = {"GOOGLE_APPLICATION_CREDENTIALS": "", "CLOUDSDK_CONFIG": "/does/not/exist"}


class Machine:
    """A clinic whose cluster `production` is `staging` of the world, as GKE has it."""

    def __init__(self, clinic: Clinic, google: Google, endpoint: str) -> None:
        self.clinic, self.google = clinic, google
        plane = clinic.bench.world.clusters["staging"]
        config = yaml.safe_load(plane.deployer_kubeconfig)
        google.tokens = [config["users"][0]["user"]["token"]]  # Google's front end takes it, and so does the cluster
        there = f"/v1/projects/{NUMBER}/locations/europe-west1/gkeMemberships/production"
        google.behind = {DNS: plane.url, f"{GATEWAY}{there}": plane.url}
        self.name = f"projects/acme/locations/europe-west1/clusters/{clinic.bench.name}"
        google.clusters[self.name] = described(
            endpoint=plane.url.removeprefix("https://"),
            masterAuth={"clusterCaCertificate": config["clusters"][0]["cluster"]["certificate-authority-data"]},
        )
        head: dict[str, Any] = {
            "apiVersion": "deployer/v1alpha1",
            "kind": "Cluster",
            "metadata": {"name": "production"},
        }
        clinic.write("cluster", {**head, "spec": {"gke": {"cluster": self.name, "endpoint": endpoint}}})
        clinic.application("production", options=("CreateNamespace=true",))
        clinic.bench.push(FILES)

    @property
    def environment(self) -> dict[str, str]:
        """That of a function on Google Cloud."""
        return {**self.google.on_google_cloud(), **HERE, "DEPLOYER_CONFIG": str(self.clinic.config)}


@pytest.mark.parametrize("endpoint", ["dns", "ip", "connect-gateway"])
def test_an_application_is_deployed_without_a_stored_secret(
    clinic: Clinic, google: Google, deployer: Deployer, endpoint: str
) -> None:
    machine = Machine(clinic, google, endpoint)
    done = deployer("sync", "web", "-o", "json", **machine.environment)
    assert done.returncode == 0, done.stderr
    outcome = json.loads(done.stdout)
    assert (outcome["outcome"], outcome["health"]) == ("succeeded", "Healthy")
    assert clinic.bench.kubectl("get", "configmap", "a", "-n", clinic.bench.name, "-o", "name") == "configmap/a\n"
    assert google.requests("container.googleapis.com") == [f"/v1/{machine.name}"]


def test_the_doctor_says_who_asks_and_where(clinic: Clinic, google: Google) -> None:
    machine = Machine(clinic, google, "dns")
    found = clinic.examine(**machine.environment)
    assert found.of("cluster production", "endpoint") == ("ok", f"dns of {machine.name}, asked as {EMAIL}", "")
    assert set(found.statuses("cluster production").values()) <= {"ok", "warning"}
    assert google.tokens[0] not in found.everything


def test_the_doctor_says_whom_to_give_what(clinic: Clinic, google: Google) -> None:
    machine = Machine(clinic, google, "dns")
    denied = error(403, 'Required "container.clusters.get" permission(s)', "IAM_PERMISSION_DENIED")
    google.faults.append(("container.googleapis.com", denied))
    status, message, hint = clinic.examine(**machine.environment).of("cluster production", "endpoint")
    assert status == "failed"
    assert message.endswith(f"; give {EMAIL} roles/container.clusterViewer on project acme")
    assert "docs/how-to/gke.md" in hint
    google.faults.append((DNS, error(403, "Permission denied on resource", "IAM_PERMISSION_DENIED")))
    found = clinic.examine(**machine.environment)
    status, message, hint = found.of("cluster production", "API server")
    assert (status, f"give {EMAIL} roles/container.clusterViewer" in message) == ("failed", True)
    assert "docs/how-to/gke.md" in hint
    assert found.statuses("cluster production")["kinds"] == "skipped"
