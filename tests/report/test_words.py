"""A sync's outcome in words and in JSON."""

from dataclasses import replace

import pytest

from deployer.cluster.health import Health, Status
from deployer.manifest import ObjectKey
from deployer.report.words import as_json, deleted_in_words, headline, next_step
from deployer.sync.result import Action, ObjectResult, Outcome, SyncResult


def result(outcome: Outcome, *actions: Action, message: str = "") -> SyncResult:
    objects = tuple(
        ObjectResult(ObjectKey("", "ConfigMap", "shop", str(n)), "v1", action) for n, action in enumerate(actions)
    )
    return SyncResult(outcome, message, "", objects)


def left(outcome: Outcome, *actions: Action) -> SyncResult:
    given = result(outcome, *actions)
    return replace(given, objects=tuple(replace(one, message="left Git; not pruned: why") for one in given.objects))


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (
            result("succeeded", "created", "created", "updated", "unchanged"),
            "4 objects in production: 2 created, 1 changed, healthy in 4.2 s",
        ),
        (result("succeeded", "unchanged"), "1 object in production: nothing to change, healthy in 4.2 s"),
        (result("succeeded", "unchanged", "pruned", "pruned"), "1 object in production: 2 pruned, healthy in 4.2 s"),
        (
            left("succeeded", "unchanged", "skipped"),
            "2 objects in production: nothing to change, 1 left Git but not pruned, healthy in 4.2 s",
        ),
        (result("unfinished", "updated"), "1 object in production: 1 changed, health not waited for"),
        (result("failed", "created", "failed", message="Deployment/web: no"), "Deployment/web: no"),
    ],
)
def test_the_sentence_that_the_commit_gets(given: SyncResult, words: str) -> None:
    assert headline(given, "production", 4.21) == words


def test_hooks_that_ran_are_counted() -> None:
    migrate = ObjectResult(ObjectKey("batch", "Job", "shop", "a"), "v1", "created", phase="PreSync")
    given = replace(result("succeeded", "updated"), hooks=(migrate,))
    assert headline(given, "production", 4.21) == "1 object in production: 1 changed, 1 hook ran, healthy in 4.2 s"
    assert "1 hook to run, nothing written" in headline(replace(given, outcome="unfinished"), "x", 1, dry_run=True)


@pytest.mark.parametrize(
    ("given", "hooks", "dry_run", "words"),
    [
        (result("succeeded", "pruned", "pruned"), 0, False, "2 objects deleted from production, in 4.2 s"),
        (result("succeeded", "pruned"), 2, False, "1 object deleted from production, 2 hooks ran, in 4.2 s"),
        (left("succeeded", "skipped", "skipped"), 0, False, "0 objects deleted from production, 2 stay, in 4.2 s"),
        (left("succeeded", "skipped"), 0, False, "0 objects deleted from production, 1 stays, in 4.2 s"),
        (
            result("unfinished", "pruned"),
            1,
            True,
            "1 object to delete from production, 1 hook to run, nothing written (dry-run)",
        ),
        (result("failed", "pruned", message="Job/backup: no"), 1, False, "Job/backup: no"),
    ],
)
def test_the_sentence_after_a_deletion(given: SyncResult, hooks: int, dry_run: bool, words: str) -> None:
    ran = ObjectResult(ObjectKey("batch", "Job", "shop", "a"), "v1", "created", phase="PreDelete")
    assert deleted_in_words(replace(given, hooks=(ran,) * hooks), "production", 4.21, dry_run=dry_run) == words


def test_a_hook_says_its_phase_in_the_document() -> None:
    ran = ObjectResult(ObjectKey("batch", "Job", "shop", "a"), "v1", "created", phase="PreSync")
    given = replace(result("succeeded", "updated"), hooks=(ran,))
    objects = as_json(given, application="shop", cluster="x", revision="", requests={})["objects"]
    assert [one.get("hook") for one in objects] == [None, "PreSync"]


def test_the_sentence_after_a_dry_run() -> None:
    given = result("unfinished", "created", "updated", "updated", "unchanged", "pruned")
    assert headline(given, "production", 1, dry_run=True) == (
        "4 objects in production: 1 to create, 2 to change, 1 to prune, nothing written (dry-run)"
    )
    refused = result("failed", "failed", message="Deployment/web: no")
    assert headline(refused, "production", 1, dry_run=True) == "Deployment/web: no"


def failed(*actions: Action, health: str = "", message: str = "") -> SyncResult:
    objects = tuple(ObjectResult(ObjectKey("", "ConfigMap", "shop", "a"), "v1", one, None, message) for one in actions)
    return SyncResult("failed", "no", health, objects)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (failed("failed", "skipped"), "nothing was changed in the cluster"),
        (failed(), "nothing was changed in the cluster"),
        (failed("created", "failed"), "what is applied stays: mend this"),
        (failed("unchanged", health="Degraded"), "what is applied stays: mend this"),
        (failed("pruned", "failed"), "what is applied stays: mend this"),
        (failed("updated", health="Missing"), "what is applied stays: mend this"),
        (failed("updated", health="Progressing"), "all is applied and may still get healthy: sync again"),
        (failed("failed", message='namespaces "shop" not found'), "create it with `kubectl create namespace shop`"),
        (failed("failed", message='configmaps "shop" not found'), "nothing was changed in the cluster"),
    ],
)
def test_what_to_do_after_a_failure(given: SyncResult, words: str) -> None:
    assert next_step(given).startswith(words)


def test_a_dry_run_that_fails_never_says_that_something_is_applied() -> None:
    # Its actions are those that a sync would take.
    assert next_step(failed("created", "failed"), dry_run=True).startswith("nothing was changed in the cluster")


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
