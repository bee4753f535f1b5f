"""`deployer doctor`, where a cluster, its kubeconfig or the account there is not as it should be."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.cli.clinic import FILES, Clinic, at, kubeconfig
from tests.world import Bench, config_map

ROLES = "rbac.authorization.k8s.io/v1"


def test_a_cluster_out_of_reach(clinic: Clinic) -> None:
    clinic.cluster("elsewhere", at(clinic.bench, "https://127.0.0.1:1"))
    clinic.cluster("staging")
    clinic.application("elsewhere")
    clinic.bench.push(FILES)
    found = clinic.examine()
    assert found.status == 1
    status, message, hint = found.of("cluster elsewhere", "API server")
    assert (status, "cannot be reached for GET /version" in message) == ("failed", True)
    assert "firewall" in hint
    assert found.statuses("cluster elsewhere") == {
        "kubeconfig": "ok",
        "API server": "failed",
        "account": "skipped",
        "kinds": "skipped",
        "access for web": "skipped",
    }
    assert "failed" not in found.statuses("cluster staging").values()


def test_a_kubeconfig_that_runs_a_program_is_refused(clinic: Clinic) -> None:
    program = {"apiVersion": "client.authentication.k8s.io/v1", "command": "id"}
    clinic.cluster("unsafe", kubeconfig(clinic.bench, exec=program))
    found = clinic.examine()
    status, message, _ = found.of("cluster unsafe", "kubeconfig")
    assert (found.status, status) == (1, "failed")
    assert "exec" in message
    assert set(list(found.statuses("cluster unsafe").values())[1:]) == {"skipped"}


def test_a_secret_without_a_kubeconfig(clinic: Clinic) -> None:
    clinic.cluster("empty", "")
    status, message, _ = clinic.examine().of("cluster empty", "kubeconfig")
    assert (status, "holds no kubeconfig" in message) == ("failed", True)


def test_a_kubeconfig_that_is_not_there_is_named(clinic: Clinic) -> None:
    clinic.cluster("nowhere")
    status, message, _ = clinic.examine().of("cluster nowhere", "kubeconfig")
    assert (status, "secret projects/local/secrets/nowhere-kubeconfig does not exist" in message) == ("failed", True)


def test_credentials_that_the_cluster_refuses(clinic: Clinic) -> None:
    clinic.cluster("expired", kubeconfig(clinic.bench, token="expired-token"))
    found = clinic.examine()
    status, message, _ = found.of("cluster expired", "API server")
    assert (status, "refused the credentials (401)" in message) == ("failed", True)
    assert "expired-token" not in found.everything


@pytest.fixture
def narrow(clinic: Clinic, tmp_path: Path) -> Clinic:
    """The application goes to `narrow`: `staging`, with an account that may apply ConfigMaps in its namespace only."""
    bench, name = clinic.bench, clinic.bench.name
    bench.kubectl("create", "namespace", name)
    bench.kubectl("create", "serviceaccount", "narrow", "-n", name)
    verbs, kinds = "--verb=get,list,create,patch,delete", "--resource=configmaps,leases.coordination.k8s.io"
    bench.kubectl("create", "role", "narrow", "-n", name, verbs, kinds)
    bench.kubectl("create", "rolebinding", "narrow", "-n", name, "--role=narrow", f"--serviceaccount={name}:narrow")
    token = bench.kubectl("create", "token", "narrow", "-n", name).strip()
    clinic.cluster("narrow", kubeconfig(bench, token=token))
    clinic.application("narrow")
    return clinic


def give(bench: Bench, folder: Path, rules: list[dict[str, Any]]) -> None:
    """Give the narrow account another Role besides the one that it has."""
    metadata = {"name": "more", "namespace": bench.name}
    role = {"apiVersion": ROLES, "kind": "Role", "metadata": metadata, "rules": rules}
    (folder / "role.json").write_text(json.dumps(role))
    bench.kubectl("apply", "-f", str(folder / "role.json"))
    bench.kubectl(
        *("create", "rolebinding", "more", "-n", bench.name, "--role=more", f"--serviceaccount={bench.name}:narrow")
    )


def test_what_an_account_may_not_do_is_told_as_rules_that_allow_it(narrow: Clinic, tmp_path: Path) -> None:
    narrow.bench.push(FILES)
    found = narrow.examine()
    assert found.status == 1
    account = f"system:serviceaccount:{narrow.bench.name}:narrow"
    assert found.of("cluster narrow", "account") == ("ok", account, "")
    status, message, hint = found.of("cluster narrow", "access for web")
    assert (status, message) == ("failed", f"{account} may not do all that a sync of its 2 kinds needs")
    role = yaml.safe_load(hint.split("\n", 1)[1])
    assert role == {
        f"a Role in namespace {narrow.bench.name}": [
            {"apiGroups": ["apps"], "resources": ["deployments"], "verbs": ["get", "create", "patch", "list"]},
            {"apiGroups": [""], "resources": ["pods"], "verbs": ["list"]},
        ]
    }
    give(narrow.bench, tmp_path, role[f"a Role in namespace {narrow.bench.name}"])
    found = narrow.examine()
    assert found.status == 0
    assert found.of("cluster narrow", "access for web")[0] == "ok"


def test_pods_that_may_not_be_listed_are_a_warning(narrow: Clinic, tmp_path: Path) -> None:
    narrow.bench.push(FILES)
    rule = {"apiGroups": ["apps"], "resources": ["deployments"], "verbs": ["get", "create", "patch", "list"]}
    give(narrow.bench, tmp_path, [rule])
    found = narrow.examine()
    status, message, hint = found.of("cluster narrow", "access for web")
    assert (found.status, status) == (0, "warning")
    assert "what holds a pod up would not be told" in message
    assert "pods" in hint


def test_an_account_that_must_look_at_its_namespace(narrow: Clinic) -> None:
    narrow.application("narrow", options=("CreateNamespace=true",))
    narrow.bench.push({"a.yaml": config_map("a")})
    status, _, hint = narrow.examine().of("cluster narrow", "access for web")
    assert status == "failed"
    assert f"resources: [namespaces], resourceNames: [{narrow.bench.name}]" in hint


def test_the_namespace_of_an_inventory_that_has_no_other_is_looked_at(narrow: Clinic) -> None:
    narrow.application("narrow", namespaced=False)
    narrow.bench.push({"a.yaml": config_map("a").replace("name: a", f"name: a\n  namespace: {narrow.bench.name}")})
    status, _, hint = narrow.examine().of("cluster narrow", "access for web")
    assert status == "failed"
    assert "resources: [namespaces], resourceNames: [deployer]" in hint
    assert "a Role in namespace deployer" in hint


@pytest.mark.parametrize(
    ("files", "said"),
    [
        (FILES, "there is no namespace"),
        ({"x.yaml": "apiVersion: example.com/v1\nkind: Ghost\nmetadata: {name: x}\n"}, "does not know the kind Ghost"),
    ],
    ids=["namespace", "kind"],
)
def test_what_a_sync_would_miss_in_the_cluster(clinic: Clinic, files: dict[str, str], said: str) -> None:
    clinic.cluster("staging")
    clinic.application()
    clinic.bench.push(files)
    found = clinic.examine()
    status, message, _ = found.of("cluster staging", "access for web")
    assert (found.status, status, said in message) == (1, "failed", True), message


def test_the_account_that_a_project_names_needs_the_rights_and_the_deployer_leave_to_act_as_it(
    narrow: Clinic, tmp_path: Path
) -> None:
    name, place = narrow.bench.name, f"a Role in namespace {narrow.bench.name}"
    entry = {"server": "narrow", "namespace": "*", "defaultServiceAccount": "team"}
    spec = {"sourceRepos": ["*"], "destinations": [{"server": "*", "namespace": "*"}]}
    head = {"apiVersion": "argoproj.io/v1alpha1", "kind": "AppProject", "metadata": {"name": "default"}}
    narrow.write("project", {**head, "spec": {**spec, "destinationServiceAccounts": [entry]}})
    narrow.bench.push({"a.yaml": config_map("a")})
    us, team = (f"system:serviceaccount:{name}:{one}" for one in ("narrow", "team"))

    status, message, hint = narrow.examine().of("cluster narrow", "access for web")
    assert (status, message) == ("failed", f"{us} may not act as {team}, as project default wants")
    rule = {"apiGroups": [""], "resources": ["serviceaccounts"], "resourceNames": ["team"], "verbs": ["impersonate"]}
    assert yaml.safe_load(hint.split("\n", 1)[1]) == {place: [rule]}

    give(narrow.bench, tmp_path, [rule])
    status, message, hint = narrow.examine().of("cluster narrow", "access for web")
    assert (status, message) == ("failed", f"{team} may not do all that a sync of its 1 kind needs")
    rule = {"apiGroups": [""], "resources": ["configmaps"], "verbs": ["get", "create", "patch", "list"]}
    assert yaml.safe_load(hint.split("\n", 1)[1]) == {place: [rule]}

    narrow.bench.kubectl(
        *("create", "role", "team", "-n", name, "--verb=get,create,patch,list", "--resource=configmaps")
    )
    narrow.bench.kubectl("create", "rolebinding", "team", "-n", name, "--role=team", f"--serviceaccount={name}:team")
    assert narrow.examine().of("cluster narrow", "access for web")[0] == "ok"

    narrow.bench.kubectl("delete", "rolebinding", "narrow", "-n", name)
    status, message, hint = narrow.examine().of("cluster narrow", "access for web")
    assert (status, message) == ("failed", f"{us} may not write down what {team} deploys")
    assert "resources: [leases], verbs: [get, create, patch, delete]" in hint
