"""What a sync writes, into a real cluster, and what it does not."""

import time
from typing import Any

import pytest

from deployer.cluster.connection import Cluster
from deployer.cluster.discovery import Resource
from deployer.cluster.objects import Live, get
from deployer.errors import ClusterError
from deployer.sync.engine import Engine
from deployer.sync.options import Options
from deployer.sync.result import Step
from deployer.sync.timing import timed
from deployer.sync.trying import RefusedError
from tests.sync.helpers import by_name, definition, ignore, manifest, manifests, written
from tests.world import config_map, deployment

CONFIG_MAP = Resource("", "v1", "ConfigMap", "configmaps", namespaced=True)
NAMESPACE = Resource("", "v1", "Namespace", "namespaces", namespaced=False)
DEFINITION = Resource("apiextensions.k8s.io", "v1", "CustomResourceDefinition", "customresourcedefinitions", False)
SERVICE_ACCOUNT = Resource("", "v1", "ServiceAccount", "serviceaccounts", namespaced=True)

SECRET = "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\nstringData: {password: s3cret}\n"
BAD_NAME = config_map("not_a_name")
BAD_SECRET = "apiVersion: v1\nkind: Secret\nmetadata: {name: bad}\ndata: {password: 987654321}\n"
POD = {"containers": [{"name": "c", "image": "nginx:1.29.3"}]}


def refused(cluster: Cluster, options: Options, *documents: str | dict[str, Any]) -> tuple[Engine, dict[str, str]]:
    """Run a sync that is refused; returns it with its reasons by `Kind/name`."""
    writing = Engine(cluster, options, ignore)
    with pytest.raises(RefusedError) as caught:
        writing.run(manifests(*documents))
    return writing, by_name(dict(caught.value.reasons))


def data(cluster: Cluster, namespace: str, name: str) -> dict[str, str] | None:
    """The data of a ConfigMap; None where there is none."""
    live = get(cluster, CONFIG_MAP, namespace, name)
    return None if live is None else live["data"]


def version(live: Live | None) -> str:
    assert live is not None
    return str(live["metadata"]["resourceVersion"])


def touch(cluster: Cluster, namespace: str, name: str, **values: str) -> None:
    """Write to a ConfigMap as somebody else."""
    cluster.request(
        "PATCH",
        f"/api/v1/namespaces/{namespace}/configmaps/{name}",
        query={"fieldManager": "somebody"},
        body={"data": values},
        content_type="application/merge-patch+json",
    )


def test_nothing_is_written_where_the_server_refuses_one_object(staging: Cluster, namespace: str) -> None:
    written(staging, namespace, config_map("old"))
    before = version(get(staging, CONFIG_MAP, namespace, "old"))
    good = [config_map(f"new-{number}") for number in range(5)]
    bad = [BAD_NAME, BAD_SECRET, deployment("web", replicas=-1)]
    writing, reasons = refused(staging, Options(namespace, wait=False), config_map("old", "2"), *good, *bad)
    assert set(reasons) == {"ConfigMap/not_a_name", "Secret/bad", "Deployment/web"}, "every reason is collected"
    assert "a lowercase RFC 1123 subdomain" in reasons["ConfigMap/not_a_name"]
    assert "greater than or equal to 0" in reasons["Deployment/web"]
    assert "987654321" not in reasons["Secret/bad"]
    assert writing.actions == {}
    assert version(get(staging, CONFIG_MAP, namespace, "old")) == before
    assert [data(staging, namespace, f"new-{number}") for number in range(5)] == [None] * 5


def test_only_a_new_namespace_and_a_new_definition_go_ahead(staging: Cluster, namespace: str, group: str) -> None:
    own = manifest("v1", "Namespace", namespace)
    writing, reasons = refused(
        staging, Options(namespace, wait=False), own, definition(group), config_map("a"), BAD_NAME
    )
    assert set(reasons) == {"ConfigMap/not_a_name"}
    assert set(by_name(writing.actions)) == {f"Namespace/{namespace}", f"CustomResourceDefinition/widgets.{group}"}
    assert data(staging, namespace, "a") is None

    before = [get(staging, NAMESPACE, "", namespace), get(staging, DEFINITION, "", f"widgets.{group}")]
    own["metadata"]["labels"] = {"changed": "yes"}
    changed = definition(group, v1=True, v2=False)
    writing, reasons = refused(staging, Options(namespace, wait=False), own, changed, config_map("a"), BAD_NAME)
    assert set(reasons) == {"ConfigMap/not_a_name"}
    assert writing.actions == {}, "what is there waits for the dry-run of the others"
    after = [get(staging, NAMESPACE, "", namespace), get(staging, DEFINITION, "", f"widgets.{group}")]
    assert [version(one) for one in after] == [version(one) for one in before]


def test_what_goes_ahead_is_tried_first(staging: Cluster, namespace: str, group: str) -> None:
    broken = definition(group)
    broken["spec"]["scope"] = "Everywhere"
    writing, reasons = refused(staging, Options(namespace, create_namespace=True, wait=False), broken, config_map("a"))
    assert set(reasons) == {f"CustomResourceDefinition/widgets.{group}"}
    assert writing.actions == {}
    assert get(staging, NAMESPACE, "", namespace) is None


def test_a_definition_and_its_objects_come_up_in_one_sync(staging: Cluster, namespace: str, group: str) -> None:
    documents = [
        manifest(f"{group}/v1", "Widget", "w", size=1),
        manifest(f"{group}/v1", "Gadget", "g"),
        definition(group),
        definition(group, "gadgets", "Gadget"),
    ]
    planned = written(staging, namespace, *documents, dry_run=True)
    assert set(planned.planned.values()) == {"created"}
    assert len(planned.planned) == 5, "the namespace, too"
    assert planned.actions == {}
    assert get(staging, NAMESPACE, "", namespace) is None
    assert get(staging, DEFINITION, "", f"widgets.{group}") is None

    assert set(written(staging, namespace, *documents).actions.values()) == {"created"}
    widget = Resource(group, "v1", "Widget", "widgets", namespaced=True)
    live = get(staging, widget, namespace, "w")
    assert live is not None
    assert live["size"] == 1
    again = by_name(written(staging, namespace, *documents).actions)
    assert again.pop(f"CustomResourceDefinition/widgets.{group}") == "unchanged"
    assert set(again.values()) == {"unchanged"}


def test_a_version_that_a_definition_of_the_cluster_does_not_serve_yet_is_refused(
    staging: Cluster, namespace: str, group: str
) -> None:
    written(staging, namespace, definition(group))
    widget = manifest(f"{group}/v2", "Widget", "w")
    options = Options(namespace, create_namespace=True, wait=False)
    new = definition(group, "gadgets", "Gadget")  # one that goes ahead does not make them be waited for
    writing, reasons = refused(staging, options, definition(group, v1=True, v2=False), widget, new)
    assert reasons == {
        "Widget/w": f"its CustomResourceDefinition is in the cluster and does not serve {group}/v2: "
        "sync the definition first, then this object"
    }
    assert writing.actions == {}


def test_the_namespace_is_made_where_it_is_asked_for(staging: Cluster, namespace: str) -> None:
    _, reasons = refused(staging, Options(namespace, wait=False), config_map("a"))
    assert reasons == {"ConfigMap/a": f'namespaces "{namespace}" not found'}
    assert get(staging, NAMESPACE, "", namespace) is None

    writing = written(staging, namespace, config_map("a"))
    assert by_name(writing.actions) == {f"Namespace/{namespace}": "created", "ConfigMap/a": "created"}
    before = version(get(staging, NAMESPACE, "", namespace))
    assert by_name(written(staging, namespace, config_map("a")).actions) == {"ConfigMap/a": "unchanged"}
    assert version(get(staging, NAMESPACE, "", namespace)) == before


def test_a_namespace_that_is_there_is_not_taken_over(staging: Cluster, namespace: str) -> None:
    staging.request("POST", "/api/v1/namespaces", body=manifest("v1", "Namespace", namespace))
    before = get(staging, NAMESPACE, "", namespace)
    written(staging, namespace, config_map("a"))
    assert get(staging, NAMESPACE, "", namespace) == before


def test_a_namespace_in_the_source_wins(staging: Cluster, namespace: str) -> None:
    own = manifest("v1", "Namespace", namespace)
    own["metadata"]["labels"] = {"team": "web"}
    before = staging.requests
    writing = written(staging, namespace, config_map("a"), own)
    assert staging.requests - before == 2 + 3 * 2, "one Namespace, not two"
    assert by_name(writing.actions) == {f"Namespace/{namespace}": "created", "ConfigMap/a": "created"}
    live = get(staging, NAMESPACE, "", namespace)
    assert live is not None
    assert live["metadata"]["labels"]["team"] == "web"


def with_cpu(cpu: object, memory: object) -> dict[str, Any]:
    limits = {"cpu": cpu, "memory": memory}
    pod = {"containers": [{"name": "c", "image": "nginx:1.29.3", "resources": {"limits": limits}}]}
    template = {"metadata": {"labels": {"app": "web"}}, "spec": pod}
    spec = {"replicas": 0, "selector": {"matchLabels": {"app": "web"}}, "template": template}
    return manifest("apps/v1", "StatefulSet", "web", spec=spec)


MANY: tuple[str | dict[str, Any], ...] = (
    config_map("a"),
    SECRET,
    manifest("v1", "Service", "web", spec={"selector": {"app": "web"}, "ports": [{"port": 80}]}),
    manifest("v1", "ServiceAccount", "web"),
    manifest("v1", "LimitRange", "web", spec={"limits": [{"type": "Container", "default": {"cpu": 0.5}}]}),
    manifest(
        "rbac.authorization.k8s.io/v1",
        "Role",
        "web",
        rules=[{"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}],
    ),
    manifest(
        "rbac.authorization.k8s.io/v1",
        "RoleBinding",
        "web",
        roleRef={"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "web"},
        subjects=[{"kind": "ServiceAccount", "name": "web"}],
    ),
    manifest("networking.k8s.io/v1", "NetworkPolicy", "web", spec={"podSelector": {}, "ingress": [{}]}),
    manifest(
        "batch/v1",
        "CronJob",
        "web",
        spec={
            "schedule": "0 0 1 1 *",
            "suspend": True,
            "jobTemplate": {"spec": {"template": {"spec": {**POD, "restartPolicy": "Never"}}}},
        },
    ),
)


def test_what_is_as_it_should_be_is_not_written(staging: Cluster, namespace: str) -> None:
    first = written(staging, namespace, *MANY, with_cpu(0.1, "0.5Gi"))
    assert set(first.actions.values()) == {"created"}
    time.sleep(1.1)  # owners of fields are noted by the second
    second = written(staging, namespace, *MANY, with_cpu("100m", "512Mi"))
    assert {key: action for key, action in second.actions.items() if action != "unchanged"} == {}
    ours = {key: _ours(live) for key, live in first.live.items()}
    assert {key: _ours(live) for key, live in second.live.items() if key in ours} == ours
    quiet = [key for key in second.live if key.kind not in ("StatefulSet", "Namespace")]  # no controller writes to them
    assert {key: version(second.live[key]) for key in quiet} == {key: version(first.live[key]) for key in quiet}


def _ours(live: Live) -> list[dict[str, Any]]:
    return [entry for entry in live["metadata"].get("managedFields", []) if entry["manager"] == "deployer"]


def test_one_field_that_changes_is_one_object_that_is_written(staging: Cluster, namespace: str) -> None:
    first = written(staging, namespace, config_map("a"), config_map("b"))
    second = written(staging, namespace, config_map("a"), config_map("b", "2"))
    assert by_name(second.actions) == {"ConfigMap/a": "unchanged", "ConfigMap/b": "updated"}
    assert data(staging, namespace, "b") == {"key": "2"}
    a = next(key for key in first.live if str(key) == "ConfigMap/a")
    assert version(get(staging, CONFIG_MAP, namespace, "a")) == version(first.live[a])


def test_a_field_that_leaves_the_manifests_leaves_the_cluster_and_a_foreign_one_stays(
    staging: Cluster, namespace: str
) -> None:
    written(staging, namespace, manifest("v1", "ConfigMap", "a", data={"stays": "1", "goes": "1"}))
    touch(staging, namespace, "a", foreign="1")
    writing = written(staging, namespace, manifest("v1", "ConfigMap", "a", data={"stays": "1"}))
    assert by_name(writing.actions) == {"ConfigMap/a": "updated"}
    assert data(staging, namespace, "a") == {"stays": "1", "foreign": "1"}


def test_what_somebody_else_writes_in_between_is_no_change_of_ours(staging: Cluster, namespace: str) -> None:
    written(staging, namespace, config_map("a"), config_map("b"), config_map("c"))
    touch(staging, namespace, "a", key="theirs")
    touch(staging, namespace, "b", key="theirs")

    def interfere(step: Step) -> None:
        if step.message.startswith("dry-run"):  # all is read, and nothing is tried yet
            touch(staging, namespace, "a", foreign="1")
            staging.request("DELETE", f"/api/v1/namespaces/{namespace}/configmaps/b")
            touch(staging, namespace, "c", key="theirs")

    writing = Engine(staging, Options(namespace, wait=False), interfere)
    writing.run(manifests(config_map("a"), config_map("b"), config_map("c")))
    assert by_name(writing.actions) == {
        "ConfigMap/a": "updated",
        "ConfigMap/b": "created",
        "ConfigMap/c": "unchanged",  # when it was looked at: what comes later is for the next sync
    }
    assert data(staging, namespace, "a") == {"key": "1", "foreign": "1"}
    assert data(staging, namespace, "b") == {"key": "1"}


def test_a_dry_run_says_what_would_happen_and_changes_nothing(staging: Cluster, namespace: str) -> None:
    written(staging, namespace, config_map("a"), config_map("b"))
    documents = (config_map("a"), config_map("b", "2"), config_map("c"))
    writing = written(staging, namespace, *documents, dry_run=True)
    expected = {"ConfigMap/a": "unchanged", "ConfigMap/b": "updated", "ConfigMap/c": "created"}
    assert by_name(writing.planned) == expected
    assert [data(staging, namespace, name) for name in "abc"] == [{"key": "1"}, {"key": "1"}, None]


def test_a_dry_run_is_refused_where_the_sync_would_be(staging: Cluster, namespace: str) -> None:
    written(staging, namespace)
    _, reasons = refused(staging, Options(namespace, dry_run=True), config_map("a"), BAD_NAME)
    assert set(reasons) == {"ConfigMap/not_a_name"}


def test_an_unknown_kind_stops_everything(staging: Cluster, namespace: str, group: str) -> None:
    unknown = [manifest(f"{group}/v1", "Gizmo", name) for name in ("g", "h")]
    options = Options(namespace, create_namespace=True, wait=False)
    writing, reasons = refused(staging, options, config_map("a"), *unknown, definition(group))
    assert set(reasons) == {"Gizmo/g", "Gizmo/h"}
    assert writing.actions == {}
    assert get(staging, NAMESPACE, "", namespace) is None
    assert get(staging, DEFINITION, "", f"widgets.{group}") is None


def test_kinds_are_applied_one_after_the_other(staging: Cluster, namespace: str) -> None:
    order = ("ServiceAccount", "Secret", "ConfigMap", "Role", "RoleBinding", "Service", "Deployment", "CronJob")
    cron_job, binding, role = MANY[8], MANY[6], MANY[5]
    steps: list[str] = []
    writing = Engine(staging, Options(namespace, True, wait=False), lambda step: steps.append(step.message))
    backwards = (cron_job, deployment("web", replicas=0), MANY[2], binding, role, config_map("b"), config_map("a"))
    writing.run(manifests(*backwards, SECRET, MANY[3]))
    applied = sorted(writing.live.items(), key=lambda item: int(version(item[1])))
    kinds = [key.kind for key, _ in applied]
    assert list(dict.fromkeys(kinds)) == ["Namespace", *order]
    applying = [step.removeprefix("applying ") for step in steps if step.startswith("applying ")]
    assert applying[:4] == [f"Namespace/{namespace}", "ServiceAccount/web", "Secret/s", "2 ConfigMap"]


def test_what_is_refused_in_the_middle_leaves_the_later_kinds_alone(staging: Cluster, namespace: str) -> None:
    # Each ConfigMap fits into the quota by itself, which is what a dry-run tells; all of them do not.
    quota = manifest("v1", "ResourceQuota", "few", spec={"hard": {"count/secrets": "1"}})
    written(staging, namespace, quota)
    path = f"/api/v1/namespaces/{namespace}/resourcequotas/few"
    while "hard" not in staging.request("GET", path).get("status", {}):
        time.sleep(0.05)
    secrets = [SECRET.replace("name: s", f"name: s-{number}") for number in range(3)]
    documents = (*secrets, MANY[3], config_map("later"))
    writing, reasons = refused(staging, Options(namespace, wait=False), *documents)
    assert len(reasons) == 2
    assert {"exceeded quota: few" in reason for reason in reasons.values()} == {True}
    actions = by_name(writing.actions)
    assert set(actions) == {"ServiceAccount/web", *(f"Secret/s-{number}" for number in range(3))} - set(reasons)
    assert data(staging, namespace, "later") is None


def test_a_cluster_gets_no_request_more_than_it_must(staging: Cluster, namespace: str) -> None:
    written(staging, namespace)
    documents = [config_map(name) for name in "abc"]
    before = staging.requests
    written(staging, namespace, *documents)
    # Discovery; reading the namespace and each object; a dry-run and an apply of each.
    assert staging.requests - before == 2 + 1 + 3 + 3 + 3
    before = staging.requests
    written(staging, namespace, *documents)
    assert staging.requests - before == 2 + 1 + 3, "what is as it should be is not tried"


ACCOUNT = manifest("v1", "ServiceAccount", "own")


@pytest.mark.parametrize(
    ("spec", "account"),
    [({}, "default"), ({"serviceAccountName": "own"}, "own"), ({"serviceAccount": "own"}, "own")],
)
def test_a_pod_comes_up_with_its_namespace_and_its_account(
    staging: Cluster, namespace: str, spec: dict[str, Any], account: str
) -> None:
    # The admission plugin for ServiceAccounts refuses a Pod whose account is not there yet.
    documents = (manifest("v1", "Pod", "p", spec={**POD, **spec}), ACCOUNT)
    live = by_name(written(staging, namespace, *documents).live)
    assert live["Pod/p"]["spec"]["serviceAccountName"] == account
    again = written(staging, namespace, *documents)
    assert by_name(again.actions) == {"ServiceAccount/own": "unchanged", "Pod/p": "unchanged"}


def test_a_pod_and_its_account_are_still_tried_before_anything_is_written(staging: Cluster, namespace: str) -> None:
    written(staging, namespace)
    pod = manifest("v1", "Pod", "p", spec={"serviceAccountName": "own", "containers": [{"name": "c", "image": ""}]})
    _, reasons = refused(staging, Options(namespace, wait=False), ACCOUNT, pod)
    assert set(reasons) == {"Pod/p"}
    assert "image" in reasons["Pod/p"]
    assert get(staging, SERVICE_ACCOUNT, namespace, "own") is None


def test_a_pod_whose_account_is_nowhere_is_refused(staging: Cluster, namespace: str) -> None:
    written(staging, namespace)
    _, reasons = refused(
        staging, Options(namespace, wait=False), manifest("v1", "Pod", "p", spec={**POD, "serviceAccountName": "x"})
    )
    assert f"error looking up service account {namespace}/x" in reasons["Pod/p"]


def test_durations_add_up() -> None:
    durations = {"apply": 100.0}
    with timed(durations, "apply"):
        time.sleep(0.02)
    with pytest.raises(ClusterError), timed(durations, "live"):
        raise ClusterError("no")
    assert 100.02 <= durations["apply"] < 101
    assert set(durations) == {"apply", "live"}
