"""Two projects that try to reach into each other, in every way that manifests, labels, inventories and accounts give.

What one application asks of its own namespace is the others' business only where the project, or the account as which
it is deployed, says so. See KEP-3659 for what labels and inventories may not do, and Argo CD's CVE-2026-77459.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from deployer.cluster.inventory import GROUP_KINDS, MEMBER, NAMESPACES, applyset_id
from tests.end_to_end.projects import CONFIG_MAPS, config, configure, in_project, make_account, write_project
from tests.end_to_end.reconciling import rewrite
from tests.world import Bench, config_map, deployment


@pytest.fixture
def victim(bench: Bench) -> Iterator[Bench]:
    """An application of one project, with a ConfigMap `theirs` that nobody else may touch."""
    with in_project(bench):
        assert bench.settled(bench.push({"theirs.yaml": config_map("theirs")}))[0] == "success"
        yield bench


@pytest.fixture
def attacker(victim: Bench, tmp_path: Path) -> Iterator[Bench]:
    """An application of another project; what is deployed with it is chosen by whoever may push to its repository."""
    with Bench(victim.world, tmp_path) as bench, in_project(bench):
        yield bench


def placed(text: str, namespace: str) -> str:
    """The same manifest in a namespace."""
    document = yaml.safe_load(text)
    document["metadata"]["namespace"] = namespace
    return json.dumps(document)


def listed(*documents: str) -> str:
    return json.dumps({"apiVersion": "v1", "kind": "List", "items": [json.loads(one) for one in documents]})


def role(kind: str, name: str, **fields: Any) -> str:
    api = "rbac.authorization.k8s.io"
    return json.dumps({"apiVersion": f"{api}/v1", "kind": kind, "metadata": {"name": name}, **fields})


ADMIN = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cluster-admin"}


@pytest.mark.parametrize(
    ("manifest", "said"),
    [
        (lambda its: placed(config_map("evil"), its), "does not allow the namespace '{its}' of the cluster staging"),
        (lambda its: placed(config_map("theirs", "2"), its), "does not allow the namespace '{its}'"),
        (lambda its: listed(placed(config_map("evil"), its)), "does not allow the namespace '{its}'"),
        (lambda its: placed(config_map("evil"), "kube-system"), "does not allow the namespace 'kube-system'"),
        (lambda its: placed(config_map("evil"), "default"), "does not allow the namespace 'default'"),
        (
            lambda its: json.dumps({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": its}}),
            "Namespace {its}",
        ),
        (lambda its: role("ClusterRole", "evil", rules=[]), "ClusterRole.rbac.authorization.k8s.io evil"),
        (lambda its: role("ClusterRoleBinding", "evil", roleRef=ADMIN), "ClusterRoleBinding.rbac.authorization.k8s.io"),
        # The inventory and the Lease of the other, and of itself.
        (lambda its: placed(config_map(f"deployer-{its}"), its), "deployer-{its}"),
        (lambda its: config_map("deployer-{mine}"), "deployer-{mine}"),
    ],
    ids=[
        *("another namespace", "its object", "an item of a list", "the system's namespace", "the default namespace"),
        *("its Namespace", "a cluster-wide kind"),
        *("cluster-wide rights", "its inventory", "its own inventory"),
    ],
)
def test_no_manifest_reaches_into_the_other(attacker: Bench, victim: Bench, manifest: Any, said: str) -> None:
    before = victim.versions()
    text = manifest(victim.name).replace("{mine}", attacker.name)
    commit = attacker.push({"a.yaml": config_map("a"), "evil.yaml": text})
    assert attacker.settled(commit)[0] == "failure"
    assert said.format(its=victim.name, mine=attacker.name) in attacker.logged(commit)
    assert attacker.kubectl("get", "namespace", attacker.name, "--ignore-not-found") == "", "nothing was written"
    assert victim.versions() == before


@pytest.mark.parametrize(
    ("manifest", "said"),
    [
        (lambda its: listed(listed(placed(config_map("evil"), its))), "item 1: List without metadata.name"),
        (lambda its: placed(config_map("evil"), f"{its}/x"), "is no namespace's name"),
        (lambda its: placed(config_map(f"../../{its}/configmaps/theirs"), ""), "is no "),
    ],
    ids=["a list in a list", "a namespace that is a path", "a name that is a path"],
)
def test_what_is_no_manifest_reaches_nowhere(attacker: Bench, victim: Bench, manifest: Any, said: str) -> None:
    before = victim.versions()
    state, told = attacker.settled(attacker.push({"a.yaml": config_map("a"), "evil.yaml": manifest(victim.name)}))
    assert (state, said in told) == ("failure", True), told
    assert attacker.kubectl("get", "namespace", attacker.name, "--ignore-not-found") == "", "nothing was written"
    assert victim.versions() == before


@pytest.mark.parametrize("alias", [False, True])
def test_another_name_of_the_cluster_opens_nothing(attacker: Bench, victim: Bench, alias: bool) -> None:
    """A project that may deploy to one name of the cluster may not deploy elsewhere by another name of it."""
    name = f"{attacker.name}-cluster"
    document = {
        "apiVersion": "deployer/v1alpha1",
        "kind": "Cluster",
        "metadata": {"name": name},
        "spec": {
            "aliases": [f"https://{name}.example.com"],
            "kubeconfig": {"secret": "projects/local/secrets/staging-kubeconfig"},
        },
    }
    file = config(attacker) / f"{name}.yaml"
    file.write_text(json.dumps(document))
    destination = {"server": f"https://{name}.example.com"} if alias else {"name": name}
    configure(attacker, destination={**destination, "namespace": victim.name})
    try:
        delivery = attacker.world.github.wait_for_delivery(attacker.push({"a.yaml": config_map("evil")}))
    finally:
        file.unlink()
    assert delivery.status == 500
    assert (
        f"project {attacker.name} does not allow the namespace '{victim.name}' of the cluster {name}" in attacker.log()
    )
    assert "ConfigMap/evil" not in victim.versions()


@pytest.fixture
def shared(attacker: Bench, victim: Bench) -> Bench:
    """The attacker, whose project may deploy to the other's namespace, too: the objects there are still not its own."""
    both = [{"name": "staging", "namespace": name} for name in (attacker.name, victim.name)]
    write_project(attacker, destinations=both)
    configure(attacker, prune=True)
    return attacker


def test_an_object_of_the_others_is_not_taken_over(shared: Bench, victim: Bench) -> None:
    before = victim.versions()
    commit = shared.push({"evil.yaml": placed(config_map("theirs", "2"), victim.name)})
    assert shared.settled(commit)[0] == "failure"
    assert f"belongs to application {victim.name}" in shared.logged(commit)
    assert victim.versions() == before


def forge(attacker: Bench, victim: Bench) -> None:
    """Put the attacker's label on the victim's object, and the victim's namespace into the attacker's inventory."""
    mine = applyset_id(f"deployer-{attacker.name}", attacker.name)
    victim.kubectl("label", "configmap", "theirs", "-n", victim.name, "--overwrite", f"{MEMBER}={mine}")
    annotations = {NAMESPACES: victim.name, GROUP_KINDS: "ConfigMap,Secret,Namespace"}
    patch = json.dumps({"metadata": {"annotations": annotations}})
    inventory = f"deployer-{attacker.name}"
    attacker.kubectl("patch", "configmap", inventory, "-n", attacker.name, "--type=merge", "-p", patch)


def test_forged_labels_and_inventories_delete_nothing_of_the_others(attacker: Bench, victim: Bench) -> None:
    configure(attacker, prune=True)
    assert attacker.settled(attacker.push({"a.yaml": config_map("a"), "b.yaml": config_map("b")}))[0] == "success"
    forge(attacker, victim)
    attacker.clone.git("rm", "-q", "b.yaml")
    commit = attacker.push({"a.yaml": config_map("a", "2")})
    state, told = attacker.settled(commit)
    assert {"ConfigMap/a", "ConfigMap/b"} & attacker.versions().keys() == {"ConfigMap/a"}, told
    assert victim.live("configmap", "theirs")["data"] == {"key": "1"}
    assert (state, "1 pruned" in told) == ("success", True)
    # Whose it is again, the other application's next sync says.
    assert victim.settled(victim.push({"theirs.yaml": config_map("theirs", "3")}))[0] == "failure"


def test_a_forged_operation_or_history_deploys_nothing_else(attacker: Bench, victim: Bench) -> None:
    assert attacker.settled(attacker.push({"a.yaml": config_map("a")}))[0] == "success"
    before = victim.versions()
    operation = {"revision": "../../" + victim.name, "since": "2026-01-01T00:00:00Z", "holder": "x", "why": "x"}
    rewrite(attacker, operation=json.dumps(operation), history="[]")
    assert attacker.reconcile() in ("in sync", "succeeded")
    assert victim.versions() == before


BINDING = role("RoleBinding", "evil", roleRef=ADMIN, subjects=[{"kind": "Group", "name": "system:serviceaccounts"}])


@pytest.fixture
def impersonating(attacker: Bench) -> Bench:
    """The attacker, deployed as an account of its own namespace that may do with ConfigMaps what it likes."""
    make_account(attacker, CONFIG_MAPS)
    entry = {"server": "staging", "namespace": "*", "defaultServiceAccount": "team"}
    write_project(attacker, destinationServiceAccounts=[entry])
    return attacker


def test_without_an_account_of_its_own_an_application_gives_away_the_deployers_rights(attacker: Bench) -> None:
    """Then its project must deny that by kind: all that goes into the own namespace is allowed otherwise."""
    assert attacker.settled(attacker.push({"evil.yaml": BINDING}))[0] == "success"
    write_project(attacker, namespaceResourceBlacklist=[{"group": "rbac.authorization.k8s.io", "kind": "*"}])
    commit = attacker.push({"a.yaml": config_map("a")})
    assert attacker.settled(commit)[0] == "failure"
    assert "does not allow RoleBinding.rbac.authorization.k8s.io evil" in attacker.logged(commit)


def test_an_account_does_what_it_may(impersonating: Bench) -> None:
    """The Lease and the inventory are the deployer's own: the account may not even see Leases."""
    configure(impersonating, prune=True)
    files = {"a.yaml": config_map("a"), "b.yaml": config_map("b")}
    assert impersonating.settled(impersonating.push(files))[0] == "success"
    impersonating.clone.git("rm", "-q", "b.yaml")
    state, told = impersonating.settled(impersonating.push({"a.yaml": config_map("a", "2")}))
    assert (state, "1 changed" in told, "1 pruned" in told) == ("success", True, True)
    assert impersonating.reconcile() == "in sync"


@pytest.mark.parametrize(
    ("manifest", "lacks"),
    [
        (BINDING, "list rolebindings.rbac.authorization.k8s.io in namespace {mine}"),
        (deployment("web"), "list deployments.apps in namespace {mine}"),
        (
            json.dumps({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}}),
            "list secrets in namespace {mine}",
        ),
    ],
    ids=["rights for others", "a workload", "a Secret"],
)
def test_an_account_does_no_more_whatever_the_project_allows(impersonating: Bench, manifest: str, lacks: str) -> None:
    commit = impersonating.push({"a.yaml": config_map("a"), "b.yaml": manifest})
    assert impersonating.settled(commit)[0] == "failure"
    account = f"system:serviceaccount:{impersonating.name}:team"
    assert f"the account {account} may not {lacks.format(mine=impersonating.name)}" in impersonating.logged(commit)
    assert "ConfigMap/a" not in impersonating.versions()


def test_its_rights_count_each_time(impersonating: Bench) -> None:
    assert impersonating.settled(impersonating.push({"a.yaml": config_map("a")}))[0] == "success"
    impersonating.kubectl("delete", "rolebinding", "team", "-n", impersonating.name)
    commit = impersonating.push({"a.yaml": config_map("a", "2")})
    assert impersonating.settled(commit)[0] == "failure"
    account = f"system:serviceaccount:{impersonating.name}:team"
    assert f"the account {account} may not list configmaps" in impersonating.logged(commit)


def test_a_rollout_is_looked_at_with_its_rights(attacker: Bench) -> None:
    make_account(attacker, {"apiGroups": ["apps"], "resources": ["deployments"], "verbs": ["list", "create", "patch"]})
    entry = {"server": "staging", "namespace": "*", "defaultServiceAccount": "team"}
    write_project(attacker, destinationServiceAccounts=[entry])
    commit = attacker.push({"web.json": deployment("web", "nginx:never")})
    assert attacker.settled(commit)[0] == "failure"
    lacks = f"the account system:serviceaccount:{attacker.name}:team may not get deployments.apps"
    assert lacks in attacker.logged(commit)


def test_an_account_cannot_give_rights_that_it_has_not(attacker: Bench) -> None:
    """Kubernetes holds that: whoever writes a RoleBinding must have the rights, or the verb `bind`."""
    rules = {"apiGroups": ["rbac.authorization.k8s.io"], "resources": ["rolebindings"], "verbs": ["*"]}
    make_account(attacker, CONFIG_MAPS, rules)
    entry = {"server": "staging", "namespace": attacker.name, "defaultServiceAccount": "team"}
    write_project(attacker, destinationServiceAccounts=[entry])
    commit = attacker.push({"evil.yaml": BINDING})
    assert attacker.settled(commit)[0] == "failure"
    assert "attempting to grant RBAC permissions not currently held" in attacker.logged(commit)


def test_an_account_may_be_the_others_only_where_the_project_says_so(attacker: Bench, victim: Bench) -> None:
    """The account comes from the operator's configuration; with the rights of one, its namespace is out of reach."""
    account = make_account(victim, CONFIG_MAPS)
    entry = {"server": "*", "namespace": "*", "defaultServiceAccount": f"{victim.name}:team"}
    write_project(attacker, destinationServiceAccounts=[entry])
    commit = attacker.push({"a.yaml": config_map("a")})
    assert attacker.settled(commit)[0] == "failure"
    assert f"the account {account} may not" in attacker.logged(commit)


def test_a_destination_that_no_entry_fits_is_not_deployed_with_the_deployers_own_rights(attacker: Bench) -> None:
    entry = {"server": "staging", "namespace": "another", "defaultServiceAccount": "team"}
    write_project(attacker, destinationServiceAccounts=[entry])
    assert attacker.world.github.wait_for_delivery(attacker.push({"a.yaml": config_map("a")})).status == 500
    assert f"fits the namespace '{attacker.name}' of the cluster staging" in attacker.log()
    assert attacker.kubectl("get", "namespace", attacker.name, "--ignore-not-found") == ""
