"""A sync's outcome in words and in JSON."""

import pytest

from deployer.cluster.health import Health, Status
from deployer.manifest import ObjectKey
from deployer.report.words import as_json, headline
from deployer.sync.result import Action, ObjectResult, Outcome, SyncResult


def result(outcome: Outcome, *actions: Action, message: str = "") -> SyncResult:
    objects = tuple(
        ObjectResult(ObjectKey("", "ConfigMap", "shop", str(n)), "v1", action) for n, action in enumerate(actions)
    )
    return SyncResult(outcome, message, "", objects)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (
            result("succeeded", "created", "created", "updated", "unchanged"),
            "4 objects in production: 2 created, 1 changed, healthy in 4.2 s",
        ),
        (result("succeeded", "unchanged"), "1 object in production: nothing to change, healthy in 4.2 s"),
        (result("unfinished", "updated"), "1 object in production: 1 changed, health not waited for"),
        (result("failed", "created", "failed", message="Deployment/web: no"), "Deployment/web: no"),
    ],
)
def test_the_sentence_that_the_commit_gets(given: SyncResult, words: str) -> None:
    assert headline(given, "production", 4.21) == words


def test_the_document_for_scripts() -> None:
    key = ObjectKey("apps", "Deployment", "shop", "web")
    objects = (
        ObjectResult(key, "v1", "updated", Health(Status.DEGRADED, "it crashes")),
        ObjectResult(ObjectKey("", "Service", "shop", "web"), "v1", "failed", None, "refused"),
    )
    given = SyncResult("failed", "Deployment/web: it crashes", "Degraded", objects, {"apply": 0.12345})
    requests = {"github": 3, "cluster": 8}
    assert as_json(given, application="shop", cluster="production", revision="1a2b", requests=requests) == {
        "application": "shop",
        "cluster": "production",
        "revision": "1a2b",
        "outcome": "failed",
        "health": "Degraded",
        "message": "Deployment/web: it crashes",
        "objects": [
            {
                "group": "apps",
                "version": "v1",
                "kind": "Deployment",
                "namespace": "shop",
                "name": "web",
                "action": "updated",
                "health": "Degraded",
                "message": "it crashes",
            },
            {
                "group": "",
                "version": "v1",
                "kind": "Service",
                "namespace": "shop",
                "name": "web",
                "action": "failed",
                "health": None,
                "message": "refused",
            },
        ],
        "durations": {"apply": 0.123},
        "requests": requests,
    }
