"""`managedNamespaceMetadata`, for a push and for the schedule."""

import json
from pathlib import Path
from typing import Any

from tests.world import Bench, config_map


def manage(bench: Bench, **managed: dict[str, str]) -> None:
    """Have the application's Namespace bear labels and annotations, and heal itself."""
    bench.configure(self_heal=True)
    file = Path(bench.world.exports["DEPLOYER_CONFIG"]) / f"{bench.name}.yaml"
    document = json.loads(file.read_text())
    document["spec"]["syncPolicy"]["managedNamespaceMetadata"] = managed
    file.write_text(json.dumps(document))


def metadata(bench: Bench) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(bench.kubectl("get", "namespace", bench.name, "-o", "json"))["metadata"]
    return found


def test_the_namespace_bears_what_the_application_says(bench: Bench) -> None:
    manage(bench, labels={"team": "web"}, annotations={"cost": "42"})
    state, description = bench.settled(bench.push({"a.yaml": config_map("a")}))
    assert (state, description.partition(",")[0]) == ("success", "1 object in staging: 1 created")
    assert (metadata(bench)["labels"]["team"], metadata(bench)["annotations"]) == ("web", {"cost": "42"})
    assert bench.reconcile() == "in sync"
    version = metadata(bench)["resourceVersion"]
    assert bench.reconcile() == "in sync"
    assert metadata(bench)["resourceVersion"] == version

    bench.kubectl("label", "namespace", bench.name, "--overwrite", "team=mine", "more=theirs")
    assert bench.reconcile() == "succeeded"
    assert (metadata(bench)["labels"]["team"], metadata(bench)["labels"]["more"]) == ("web", "theirs")

    manage(bench, labels={"tier": "front"})
    assert bench.settled(bench.push({"a.yaml": config_map("a", "2")}))[0] == "success"
    assert metadata(bench)["labels"].keys() & {"team", "tier"} == {"tier"}
    assert bench.reconcile() == "in sync"
