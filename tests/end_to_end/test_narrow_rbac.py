"""The narrow account of docs/how-to/clusters-by-kubeconfig.md: its manifest and steps are enough, and no more."""

import os
import re
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml

from local.kubectl import KUBECTL
from tests.docs.commands import ROOT, fences
from tests.world import Bench, config_map, deployment

PAGE = ROOT / "docs" / "how-to" / "clusters-by-kubeconfig.md"


@pytest.fixture
def narrow(bench: Bench, tmp_path: Path) -> Iterator[Bench]:
    """An application that is deployed with the narrow account; it may deploy to its namespace only."""
    account = f"{bench.name}-account"
    rbac = (ROOT / "examples" / "rbac.yaml").read_text()
    rbac = re.sub(r"\bdeployer\b(?!\n?.*needs)", account, rbac).replace("shop", bench.name)
    (tmp_path / "rbac.yaml").write_text(rbac)
    bench.kubectl("apply", "-f", str(tmp_path / "rbac.yaml"))
    deadline = time.monotonic() + 10
    while "token" not in bench.kubectl("get", "secret", account, "-n", account, "-o", "jsonpath={.data}"):
        assert time.monotonic() < deadline
        time.sleep(0.05)

    (steps,) = (fence.text for fence in fences(PAGE.read_text()) if "users:" in fence.text)
    environment = {
        **os.environ,
        "PATH": f"{Path(KUBECTL).parent}{os.pathsep}{os.environ['PATH']}",
        "KUBECONFIG": bench.world.exports["DEPLOYER_LOCAL_KUBECONFIG_STAGING"],
    }
    script = steps.replace("secret deployer -n deployer", f"secret {account} -n {account}")
    subprocess.run(["bash", "-euo", "pipefail", "-c", script], cwd=tmp_path, env=environment, check=True)
    kubeconfig = tmp_path / "production.kubeconfig"
    assert kubeconfig.stat().st_mode & 0o077 == 0

    document = {
        "apiVersion": "deployer/v1alpha1",
        "kind": "Cluster",
        "metadata": {"name": account},
        "spec": {"kubeconfig": {"secret": f"file:{kubeconfig}"}},
    }
    place = Path(bench.world.exports["DEPLOYER_CONFIG"]) / f"{account}.yaml"
    place.write_text(yaml.safe_dump(document))
    bench.configure()
    application = place.with_name(f"{bench.name}.yaml")
    application.write_text(application.read_text().replace('"name": "staging"', f'"name": "{account}"'))
    yield bench
    application.unlink()
    place.unlink()
    bench.kubectl("delete", "namespace", account, "--wait=false")


def test_the_example_goes_live_with_the_narrow_account(narrow: Bench) -> None:
    files = {file.name: file.read_text() for file in (ROOT / "examples" / "shop").glob("*.yaml")}
    state, description = narrow.settled(narrow.push(files))
    assert state == "success", description
    assert "4 created" in description


def test_the_pods_own_reason_is_told_with_the_narrow_account(narrow: Bench) -> None:
    commit = narrow.push({"web.yaml": deployment("web", "INVALID//image")})
    assert narrow.settled(commit)[0] == "failure"
    assert "InvalidImageName" in narrow.logged(commit)


def test_status_and_history_with_the_narrow_account(
    narrow: Bench, deployer: Callable[..., subprocess.CompletedProcess[str]]
) -> None:
    assert narrow.settled(narrow.push({"a.yaml": config_map("a")}))[0] == "success"
    status = deployer("status", narrow.name)
    assert (status.returncode, status.stderr) == (0, "")
    assert "\tSynced\tHealthy\t-\tsucceeded " in status.stdout
    assert deployer("history", narrow.name).stdout.startswith("1\t")


ROLE = """\
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: more-than-it-has}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: cluster-admin}
subjects: []
"""


@pytest.mark.parametrize(
    ("manifest", "missing"),
    [
        (config_map("a").replace("name: a", "name: a\n  namespace: default"), "configmaps"),
        (ROLE, "clusterrolebindings"),
        ("apiVersion: v1\nkind: Namespace\nmetadata: {name: another}\n", "namespaces"),
    ],
    ids=["another namespace", "cluster-wide rights", "a new namespace"],
)
def test_nothing_beyond_its_namespace_is_allowed(narrow: Bench, manifest: str, missing: str) -> None:
    commit = narrow.push({"a.yaml": config_map("a"), "b.yaml": manifest})
    assert narrow.settled(commit)[0] == "failure"
    told = narrow.logged(commit)
    assert re.search(rf"the account \S+ may not (get|list|patch|create) {missing}", told), told
    assert "ConfigMap/a" not in narrow.versions("configmaps")
