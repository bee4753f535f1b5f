"""What is tried otherwise than it is written."""

from typing import Any

import pytest

from deployer.cluster.discovery import Resource
from deployer.manifest import Manifest, ObjectKey
from deployer.sync.targets import Target
from deployer.sync.trial import as_wanted, trial, unservable

POD = ObjectKey("", "Pod", "shop", "p")
ACCOUNT = ObjectKey("", "ServiceAccount", "shop", "own")
OWN = {"serviceAccountName": "own", "nodeName": "n"}


def target(kind: str, name: str, *, promised: bool = False, group: str = "", **body: Any) -> Target:
    api_version = f"{group}/v1".lstrip("/")
    metadata = {"name": name, "namespace": "shop"}
    whole = {"apiVersion": api_version, "kind": kind, "metadata": metadata, **body}
    return Target(Manifest(whole, "test"), Resource(group, "v1", kind, f"{kind.lower()}s", True), promised)


@pytest.mark.parametrize(
    ("kind", "spec", "live", "tried"),
    [
        ("Pod", OWN, [], {"nodeName": "n"}),
        ("Pod", {"serviceAccount": "own"}, [], {}),
        ("Pod", {"serviceAccount": "own", **OWN}, [], {"nodeName": "n"}),
        ("Pod", OWN, [POD], OWN),  # the account of a Pod does not change
        ("Pod", OWN, [ACCOUNT], OWN),
        ("Pod", {"serviceAccountName": "other"}, [], {"serviceAccountName": "other"}),
        ("Pod", {}, [], {}),
        ("Pod", ["no spec"], [], ["no spec"]),
        ("PodTemplate", OWN, [], OWN),
    ],
)
def test_only_a_new_pod_is_tried_without_its_account_and_only_while_that_is_new(
    kind: str, spec: Any, live: list[ObjectKey], tried: Any
) -> None:
    pod, account = target(kind, "p", spec=spec), target("ServiceAccount", "own")
    assert trial(pod, [account, pod], live) == {**pod.manifest.body, "spec": tried}
    assert pod.manifest.body["spec"] is spec, "what is applied stays as it is written"


@pytest.mark.parametrize(
    ("kind", "spec", "shown"),
    [
        ("Pod", OWN, {"serviceAccountName": "own", "serviceAccount": "own", "nodeName": "n"}),
        ("Pod", {"serviceAccount": "own"}, {"serviceAccountName": "own", "serviceAccount": "own", "nodeName": "n"}),
        ("Pod", {"nodeName": "n"}, None),
        ("Pod", ["no spec"], None),
        ("PodTemplate", OWN, None),
    ],
)
def test_a_pod_is_shown_with_the_account_that_it_was_tried_without(kind: str, spec: Any, shown: Any) -> None:
    answer = {"kind": kind, "spec": {"serviceAccountName": "default", "serviceAccount": "default", "nodeName": "n"}}
    found = as_wanted(answer, target(kind, "p", spec=spec).manifest)
    assert found == ({**answer, "spec": shown} if shown else answer)


def test_an_account_that_the_sync_does_not_bring_is_tried() -> None:
    pod = target("Pod", "p", spec=OWN)
    assert trial(pod, [pod], []) == pod.manifest.body


def test_a_kind_is_promised_by_a_new_definition_only() -> None:
    new = target("CustomResourceDefinition", "widgets.example.com")
    known = target("Widget", "known", group="example.com")
    promised = target("Widget", "w", group="example.com", promised=True)
    late = target("Gadget", "g", group="example.com", promised=True)
    reasons = unservable([new, known, promised, late], [new])
    assert list(reasons) == [late.key]
    assert reasons[late.key].startswith(
        "its CustomResourceDefinition is in the cluster and does not serve example.com/v1"
    )
