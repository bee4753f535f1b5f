"""What a replacement keeps, case by case."""

from typing import Any

import pytest

from deployer.cluster.carried_over import carried_over
from tests.cluster.anew import manifest, resource

KNOWN = {"uid": "1", "resourceVersion": "7"}


def merged(version: str, kind: str, desired: dict[str, Any], live: dict[str, Any]) -> dict[str, Any]:
    """What an object with a `spec` is replaced with."""
    body = manifest(version, kind, "a", "shop", spec=desired)
    there = {**body, "metadata": {**body["metadata"], **KNOWN}, "spec": live}
    return dict(carried_over(resource(body), body, there)["spec"])


MADE = {"batch.kubernetes.io/controller-uid": "1", "controller-uid": "1", "job-name": "a", "their": "label"}
OF_JOB = {"selector": {"matchLabels": {"controller-uid": "1"}}, "template": {"metadata": {"labels": MADE}}}
SELECTED = {key: MADE[key] for key in MADE if key != "their"}


@pytest.mark.parametrize(
    ("version", "kind", "desired", "live", "whole"),
    [
        (
            "v1",
            "PersistentVolumeClaim",
            {"accessModes": ["a"]},
            {"volumeName": "v", "storageClassName": "s", "volumeMode": "Block"},
            {"accessModes": ["a"], "volumeName": "v", "storageClassName": "s"},
        ),
        ("v1", "PersistentVolumeClaim", {"storageClassName": ""}, {"storageClassName": "s"}, {"storageClassName": ""}),
        (
            "v1",
            "PersistentVolume",
            {"hostPath": {}},
            {"claimRef": {"name": "c"}},
            {"hostPath": {}, "claimRef": {"name": "c"}},
        ),
        ("v1", "PersistentVolume", {"hostPath": {}}, {"nfs": {}}, {"hostPath": {}}),
        ("v1", "Pod", {"a": 1}, {"volumeName": "v", "claimRef": {}, "selector": {}}, {"a": 1}),
        (
            "batch/v1",
            "Job",
            {"template": {"metadata": {"labels": {"app": "web", "job-name": "b"}}, "spec": {}}},
            OF_JOB,
            {
                "selector": OF_JOB["selector"],
                "template": {"metadata": {"labels": {**SELECTED, "app": "web", "job-name": "b"}}, "spec": {}},
            },
        ),
        (
            "batch/v1",
            "Job",
            {"template": {"spec": {}}},
            OF_JOB,
            {"selector": OF_JOB["selector"], "template": {"metadata": {"labels": SELECTED}, "spec": {}}},
        ),
        ("batch/v1", "Job", {"manualSelector": True, "template": {}}, OF_JOB, {"manualSelector": True, "template": {}}),
        ("batch/v1", "Job", {"template": None}, OF_JOB, {"template": None}),
    ],
)
def test_what_the_cluster_has_filled_in(
    version: str, kind: str, desired: dict[str, Any], live: dict[str, Any], whole: dict[str, Any]
) -> None:
    assert merged(version, kind, desired, live) == whole


@pytest.mark.parametrize("kind", ["PersistentVolumeClaim", "PersistentVolume"])
def test_what_has_no_spec_is_for_the_server_to_refuse(kind: str) -> None:
    body = manifest("v1", kind, "a", "shop")
    there = {**body, "metadata": {**body["metadata"], **KNOWN}, "spec": {}}
    assert carried_over(resource(body), body, there).keys() == {"apiVersion", "kind", "metadata"}


REFERENCE = {"apiVersion": "v1", "kind": "ConfigMap", "name": "o", "uid": "2"}


@pytest.mark.parametrize(
    ("desired", "live", "whole"),
    [
        ({}, {}, {}),
        (
            {},
            {"finalizers": ["a/b"], "ownerReferences": [REFERENCE]},
            {"finalizers": ["a/b"], "ownerReferences": [REFERENCE]},
        ),
        ({"finalizers": ["c/d"]}, {"finalizers": ["a/b", "c/d"]}, {"finalizers": ["c/d", "a/b"]}),
        ({"finalizers": ["c/d"]}, {"finalizers": None}, {"finalizers": ["c/d"]}),
        (
            {"ownerReferences": [{**REFERENCE, "controller": True}]},
            {"ownerReferences": [REFERENCE, {**REFERENCE, "uid": "3"}]},
            {"ownerReferences": [{**REFERENCE, "controller": True}, {**REFERENCE, "uid": "3"}]},
        ),
        ({"labels": {"a": "b"}}, {"labels": {"c": "d"}, "annotations": {"e": "f"}}, {"labels": {"a": "b"}}),
    ],
)
def test_what_others_have_still_to_clean_up(
    desired: dict[str, Any], live: dict[str, Any], whole: dict[str, Any]
) -> None:
    body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a", **desired}}
    there = {**body, "metadata": {"name": "a", **KNOWN, **live}}
    assert carried_over(resource(body), body, there)["metadata"] == {"name": "a", **KNOWN, **whole}
