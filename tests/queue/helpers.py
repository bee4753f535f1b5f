"""What the tests of the queue share: applications that the world's own function does not see, and the log."""

import json
from typing import Any

import pytest

from deployer.settings import Settings
from tests.world import Bench


def configure(
    bench: Bench, settings: Settings, path: str, *, url: str = "", timeout: float = 30, automated: Any = None
) -> str:
    """Write an application for a folder of the bench's repository; `automated` False is manual. Returns its name."""
    name = f"{bench.name}-{path}"
    document = {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Application",
        "metadata": {"name": name, "annotations": {"deployer/timeout": str(timeout)}},
        "spec": {
            "source": {"repoURL": url or bench.clone.url, "targetRevision": "main", "path": path},
            "destination": {"name": "staging", "namespace": bench.name},
            "syncPolicy": {
                "syncOptions": ["CreateNamespace=true"],
                **({} if automated is False else {"automated": automated or {}}),
            },
        },
    }
    assert settings.config
    (settings.config / f"{name}.yaml").write_text(json.dumps(document))
    return name


def lines(log: pytest.LogCaptureFixture, level: str = "") -> list[tuple[str, dict[str, Any]]]:
    """Message and fields of each line."""
    return [
        (record.getMessage(), record.__dict__["fields"]) for record in log.records if level in ("", record.levelname)
    ]
