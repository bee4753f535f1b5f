from typing import Any

import pytest

from deployer.sync.hook_object import HOOK_OF, OPERATION, generated_name, hook_body, hook_owner, operation_of
from tests.sync.helpers import manifest

GOES = {"ttlSecondsAfterFinished": 0}


def made(body: dict[str, Any]) -> dict[str, Any]:
    return hook_body(body, owner_id="applyset-x-v1", operation_id="1a2b", name="migrate")


def test_a_hook_has_a_name_and_says_whose_it_is() -> None:
    body = manifest("v1", "ConfigMap", "", data={"a": "1"})
    body["metadata"] = {"generateName": "migrate-", "namespace": "shop", "labels": {"app": "web", OPERATION: "forged"}}
    before = repr(body)
    assert made(body) == {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {
            "name": "migrate",
            "namespace": "shop",
            "labels": {"app": "web", HOOK_OF: "applyset-x-v1", OPERATION: "1a2b"},
        },
        "data": {"a": "1"},
    }
    assert repr(body) == before
    assert (hook_owner(made(body)), operation_of(made(body))) == ("applyset-x-v1", "1a2b")


@pytest.mark.parametrize(
    ("version", "kind", "spec", "finalizers", "expected"),
    [
        ("batch/v1", "Job", GOES, None, ["deployer/hook"]),
        ("batch/v1", "Job", {"ttlSecondsAfterFinished": 100}, ["a/b"], ["a/b", "deployer/hook"]),
        ("batch/v1", "Job", GOES, ["deployer/hook", "a/b"], ["a/b", "deployer/hook"]),
        ("batch/v1", "Job", {"ttlSecondsAfterFinished": None}, None, None),
        ("batch/v1", "Job", {}, ["a/b"], ["a/b"]),
        ("batch/v1", "Job", None, None, None),
        ("batch/v1", "CronJob", GOES, None, None),
        ("example.com/v1", "Job", GOES, None, None),
    ],
)
def test_a_job_that_goes_by_itself_is_kept(
    version: str, kind: str, spec: Any, finalizers: list[str] | None, expected: list[str] | None
) -> None:
    body = manifest(version, kind, "a", spec=spec)
    if finalizers:
        body["metadata"]["finalizers"] = finalizers
    assert made(body)["metadata"].get("finalizers") == expected


def test_a_name_is_made_of_revision_phase_and_the_begin() -> None:
    assert generated_name("migrate-", "1a2b3c4d" * 5, "PreSync", 1760000000.9) == "migrate-1a2b3c4-presync-1760000000"


@pytest.mark.parametrize("labels", [None, {}, {"app": "web"}])
def test_what_is_no_hook_is_nobodys(labels: Any) -> None:
    live = {"metadata": {"name": "a", **({} if labels is None else {"labels": labels})}}
    assert (hook_owner(live), operation_of(live)) == ("", "")
