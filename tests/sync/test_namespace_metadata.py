"""What the Namespace bears that `CreateNamespace=true` makes: in a real cluster."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from deployer.cluster.connection import Cluster
from deployer.cluster.inventory import MEMBER
from deployer.cluster.objects import Live, get
from deployer.manifest import ObjectKey
from deployer.sync.options import Options
from deployer.sync.result import SyncResult
from deployer.sync.run import sync
from deployer.sync.targets import Forbidden, nothing_forbidden
from tests.sync.app import NAMESPACE, PRUNE, App, actions, messages
from tests.sync.helpers import ignore, manifest, manifests

Metadata = Mapping[str, Mapping[str, str]]
Deploy = Callable[..., SyncResult]

TEAM: Metadata = {"labels": {"team": "web"}, "annotations": {"cost": "42"}}
OBJECT = manifest("v1", "ConfigMap", "a", data={"key": "1"})


@pytest.fixture
def deploy(app: App) -> Deploy:
    def deploy(
        *documents: Any, bears: Metadata = TEAM, dry_run: bool = False, forbidden: Forbidden = nothing_forbidden
    ) -> SyncResult:
        options = Options(
            app.namespace,
            create_namespace=True,
            timeout=30,
            dry_run=dry_run,
            forbidden=forbidden,
            owner=app.owner,
            pruning=PRUNE,
            namespace_metadata=bears,
        )
        return sync(app.cluster, manifests(*(documents or [OBJECT])), options, ignore)

    return deploy


def namespace_of(app: App) -> Live:
    live = get(app.cluster, NAMESPACE, "", app.namespace)
    assert live
    return live


def bears(app: App) -> tuple[dict[str, str], dict[str, str]]:
    """Its labels, without the server's own, and its annotations."""
    metadata = namespace_of(app)["metadata"]
    labels = {key: text for key, text in metadata["labels"].items() if key != "kubernetes.io/metadata.name"}
    return labels, metadata.get("annotations", {})


def make(app: App) -> None:
    """Have somebody else make the Namespace."""
    body = manifest("v1", "Namespace", app.namespace)
    app.cluster.request("POST", "/api/v1/namespaces", query={"fieldManager": "somebody"}, body=body)


def change(app: App, **metadata: Any) -> None:
    """Have somebody else write its metadata."""
    app.cluster.request(
        "PATCH",
        f"/api/v1/namespaces/{app.namespace}",
        query={"fieldManager": "somebody"},
        body={"metadata": metadata},
        content_type="application/merge-patch+json",
    )


def test_the_namespace_that_is_made_bears_them(app: App, deploy: Deploy) -> None:
    assert deploy().outcome == "succeeded"
    assert bears(app) == ({"team": "web"}, {"cost": "42"})
    assert MEMBER not in bears(app)[0]
    assert {kind.kind for kind in app.inventory().group_kinds} == {"ConfigMap"}


def test_an_unchanged_one_costs_no_write_and_one_read(app: App, deploy: Deploy) -> None:
    deploy()
    before = namespace_of(app)["metadata"]["resourceVersion"]
    requests = []
    for metadata in ({}, TEAM):
        sent = app.cluster.requests
        assert actions(deploy(bears=metadata)) == {"ConfigMap/a": "unchanged"}
        requests.append(app.cluster.requests - sent)
    assert requests[1] == requests[0] + 1
    assert namespace_of(app)["metadata"]["resourceVersion"] == before


def test_one_that_is_there_is_brought_up_to_date_and_the_rest_of_it_stays(app: App, deploy: Deploy) -> None:
    make(app)
    change(app, labels={"theirs": "1", "team": "other"}, annotations={"note": "mine"})
    assert actions(deploy()) == {f"Namespace/{app.namespace}": "updated", "ConfigMap/a": "created"}
    assert bears(app) == ({"theirs": "1", "team": "web"}, {"note": "mine", "cost": "42"})
    # What is asked for no more goes, and what others set meanwhile stays.
    change(app, labels={"later": "1"})
    result = deploy(bears={"labels": {"team": "api"}})
    assert actions(result) == {f"Namespace/{app.namespace}": "updated", "ConfigMap/a": "unchanged"}
    assert bears(app) == ({"theirs": "1", "later": "1", "team": "api"}, {"note": "mine"})
    # The source leaves it alone once nothing is asked for.
    deploy(bears={})
    assert bears(app)[0]["team"] == "api"


def test_what_others_applied_stays_theirs(app: App, deploy: Deploy) -> None:
    # A tool that writes whole manifests: of a member, all its fields would become ours, and then go.
    body = {
        **manifest("v1", "Namespace", app.namespace),
        "metadata": {"name": app.namespace, "labels": {"a": "1", "team": "x"}},
    }
    path, query = f"/api/v1/namespaces/{app.namespace}", {"fieldManager": "kubectl", "force": "true"}
    app.cluster.request("PATCH", path, query=query, body=body, content_type="application/apply-patch+yaml")
    assert deploy(dry_run=True).objects[0].action == "updated"
    assert deploy().outcome == "succeeded"
    assert bears(app) == ({"a": "1", "team": "web"}, {"cost": "42"})


def test_what_somebody_changed_is_told_and_healed(app: App, deploy: Deploy) -> None:
    deploy()
    change(app, labels={"team": "mine"})
    before = namespace_of(app)
    found = deploy(dry_run=True).objects[0]
    assert (str(found.key), found.action) == (f"Namespace/{app.namespace}", "updated")
    assert [(one.path, one.live, one.desired) for one in found.changes] == [("metadata.labels.team", "mine", "web")]
    assert found.difference
    assert namespace_of(app) == before
    deploy()
    assert bears(app)[0] == {"team": "web"}


def test_a_manifest_in_the_source_wins(app: App, deploy: Deploy) -> None:
    mine = {**manifest("v1", "Namespace", app.namespace), "metadata": {"name": app.namespace, "labels": {"a": "1"}}}
    assert deploy(mine, OBJECT).outcome == "succeeded"
    assert bears(app)[0] == {"a": "1", MEMBER: app.owner.id}
    # Once it has left the source, the Namespace stays, and is no member any more.
    assert actions(deploy()) == {f"Namespace/{app.namespace}": "updated", "ConfigMap/a": "unchanged"}
    assert bears(app) == ({"team": "web"}, {"cost": "42"})
    assert namespace_of(app)["status"]["phase"] == "Active"


def test_what_the_project_does_not_allow_is_not_written(app: App, deploy: Deploy) -> None:
    def forbidden(key: ObjectKey, namespaced: bool) -> str:
        return "" if namespaced else f"not {key.kind}"

    make(app)
    result = deploy(forbidden=forbidden)
    assert (result.outcome, messages(result)) == ("failed", {f"Namespace/{app.namespace}": "not Namespace"})
    assert bears(app) == ({}, {})
    # Where there is nothing to write, there is nothing to allow.
    deploy()
    assert deploy(forbidden=forbidden).outcome == "succeeded"


def test_one_of_another_application_is_left_alone(app: App, deploy: Deploy, staging: Cluster) -> None:
    make(app)
    change(app, labels={MEMBER: "applyset-of-another-v1"})
    result = deploy()
    assert result.outcome == "failed"
    assert "belongs to applyset-of-another-v1" in result.message
    assert bears(app)[0] == {MEMBER: "applyset-of-another-v1"}


@pytest.mark.parametrize("metadata", [{"labels": {"a b": "1"}}, {"labels": {"a": "b c"}}])
def test_what_the_server_does_not_take_is_told_in_its_words(app: App, deploy: Deploy, metadata: Metadata) -> None:
    result = deploy(bears=metadata)
    assert result.outcome == "failed"
    assert result.message.startswith(f"Namespace/{app.namespace}: ")
    assert get(app.cluster, NAMESPACE, "", app.namespace) is None
