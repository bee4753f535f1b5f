"""A sync as a service account: its rights are those of the objects, and the deployer's own of all else."""

from dataclasses import replace

from deployer.cluster.connection import Cluster
from deployer.sync.options import Options
from deployer.sync.run import sync
from local.world import World
from tests.cluster.helpers import narrow
from tests.sync.app import SERVICE, TWO, App, actions
from tests.sync.helpers import ignore, manifest, manifests
from tests.world import config_map

SERVICES = {"apiGroups": [""], "resources": ["services"], "verbs": ["get", "list", "create", "patch"]}


def test_the_inventory_and_its_lease_are_none_of_the_accounts(app: App, staging: Cluster, world: World) -> None:
    namespace = app.namespace
    app.make_namespace(namespace)
    with narrow(world.clusters["staging"], staging, namespace, [SERVICES]):
        account = f"system:serviceaccount:{namespace}:narrow"
        options = Options(namespace, owner=app.owner, impersonate=account)
        assert actions(sync(staging, manifests(SERVICE), options, ignore)) == {"Service/web": "created"}
        assert [one.result for one in app.inventory().history] == ["succeeded"]

        again = replace(options, owner=replace(app.owner, revision=TWO))
        changed = {**SERVICE, "metadata": {"name": "web", "labels": {"tier": "front"}}}
        result = sync(staging, manifests(changed, config_map("a"), manifest("v1", "Secret", "s")), again, ignore)
        assert result.outcome == "failed"
        refused = {str(one.key): one.message for one in result.objects if one.action == "failed"}
        assert refused.keys() == {"ConfigMap/a", "Secret/s"}
        assert all(f"the account {account} may not list" in message for message in refused.values())
        assert actions(result)["Service/web"] == "skipped"
