"""What a dry-run finds out, of each object, and what is never quoted from it."""

import time
from collections.abc import Iterator

import pytest

from deployer.cluster.connection import APPLY, Cluster
from deployer.sync.engine import Engine
from deployer.sync.options import Options
from deployer.sync.trying import RefusedError
from tests.sync.helpers import by_name, definition, ignore, manifest, manifests, written
from tests.sync.managers import patch
from tests.sync.test_engine import ACCOUNT, BAD_NAME, POD, SECRET, data, refused
from tests.world import config_map


def test_a_dry_run_collects_every_reason_and_tries_the_others(staging: Cluster, namespace: str, group: str) -> None:
    written(staging, namespace, config_map("a"), definition(group, "gadgets", "Gadget"))
    broken = definition(group)
    broken["spec"]["scope"] = "Everywhere"
    documents = (
        manifest(f"{group}/v1", "Gizmo", "unknown"),
        manifest(f"{group}/v2", "Gadget", "late"),
        definition(group, "gadgets", "Gadget", v1=True, v2=False),
        BAD_NAME,
        broken,
        manifest("v1", "ConfigMap", "twice"),
        manifest("v1", "ConfigMap", "twice", namespace),
        config_map("a", "2"),
    )
    writing, reasons = refused(staging, Options(namespace, dry_run=True), *documents)
    name = f"CustomResourceDefinition/widgets.{group}"
    assert set(reasons) == {"Gizmo/unknown", "Gadget/late", "ConfigMap/not_a_name", "ConfigMap/twice", name}
    assert by_name(writing.tried)["ConfigMap/a"]["data"] == {"key": "2"}
    assert set(by_name(writing.tried)) == {"ConfigMap/a", f"CustomResourceDefinition/gadgets.{group}"}
    assert data(staging, namespace, "a") == {"key": "1"}


def test_a_dry_run_keeps_what_the_server_says_or_why_it_was_not_asked(
    staging: Cluster, namespace: str, group: str
) -> None:
    documents = (config_map("a"), definition(group), manifest(f"{group}/v1", "Widget", "w"))
    writing = written(staging, namespace, *documents, dry_run=True)
    assert by_name(writing.untried) == {
        "ConfigMap/a": f"its Namespace {namespace} is new",
        "Widget/w": "its definition is new",
    }
    assert set(by_name(writing.tried)) == {f"Namespace/{namespace}", f"CustomResourceDefinition/widgets.{group}"}
    assert written(staging, namespace, config_map("a")).tried == {}, "a sync holds every object only once"


def test_a_pod_is_tried_with_another_account_and_kept_with_its_own(staging: Cluster, namespace: str) -> None:
    written(staging, namespace)
    pod = manifest("v1", "Pod", "p", spec={**POD, "serviceAccountName": "own"})
    spec = by_name(written(staging, namespace, pod, ACCOUNT, dry_run=True).tried)["Pod/p"]["spec"]
    assert (spec["serviceAccountName"], spec["serviceAccount"]) == ("own", "own")


@pytest.fixture
def talkative_policy(staging: Cluster, namespace: str) -> Iterator[None]:
    """An admission policy that refuses every update of a Secret of the namespace, and quotes all that is in it."""
    expression = "'no: ' + object.data.map(key, key + '=' + string(object.data[key])).join(' ')"
    rule = {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["UPDATE"], "resources": ["secrets"]}
    spec = {
        "matchConstraints": {"resourceRules": [rule]},
        "validations": [{"expression": "false", "messageExpression": expression}],
    }
    only = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": namespace}}}
    binding = {"policyName": namespace, "validationActions": ["Deny"], "matchResources": only}
    root = "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolic"
    version = "admissionregistration.k8s.io/v1"
    staging.request("POST", f"{root}ies", body=manifest(version, "ValidatingAdmissionPolicy", namespace, spec=spec))
    bound = manifest(version, "ValidatingAdmissionPolicyBinding", namespace, spec=binding)
    staging.request("POST", f"{root}ybindings", body=bound)
    yield
    staging.request("DELETE", f"{root}ybindings/{namespace}")
    staging.request("DELETE", f"{root}ies/{namespace}")


@pytest.mark.usefixtures("talkative_policy")
def test_a_refusal_never_quotes_the_live_values_of_a_secret(staging: Cluster, namespace: str) -> None:
    # CVE-2025-23216: what is judged, and quoted, is the live object merged with ours.
    live = manifest("v1", "Secret", "s", namespace, data={"theirs": "bDF2ZS12YWx1ZQ=="})
    staging.request("POST", "/api/v1/namespaces", body=manifest("v1", "Namespace", namespace))
    staging.request("POST", f"/api/v1/namespaces/{namespace}/secrets", body=live)
    reasons: dict[str, str] = {}
    deadline = time.monotonic() + 30  # a policy takes a moment to be in force
    while not reasons:
        assert time.monotonic() < deadline
        writing = Engine(staging, Options(namespace, dry_run=True), ignore)
        try:
            writing.run(manifests(SECRET))
        except RefusedError as error:
            reasons = by_name(dict(error.reasons))
    quoted = reasons["Secret/s"].partition(" no: ")[2]
    assert sorted(quoted.split()) == ["password=***", "theirs=***"]


def test_what_another_tool_wrote_goes_in_the_dry_run_as_well(staging: Cluster, namespace: str) -> None:
    written(staging, namespace)
    body = manifest("v1", "ConfigMap", "a", namespace, data={"wanted": "1", "unwanted": "1"})
    patch(staging, body, body, "kubectl", APPLY)
    patch(staging, body, {"data": {"foreign": "1"}}, "a-controller")
    document = manifest("v1", "ConfigMap", "a", data={"wanted": "1"})
    (tried,) = written(staging, namespace, document, dry_run=True).tried.values()
    (made,) = (one for key, one in written(staging, namespace, document).live.items() if key.kind == "ConfigMap")
    assert tried["data"] == made["data"] == {"wanted": "1", "foreign": "1"}
