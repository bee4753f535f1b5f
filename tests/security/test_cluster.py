"""What went wrong between systems of this kind and their clusters: a test each, with the case that it is about."""

import contextlib
import json
import subprocess
import sys
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from deployer.cluster.connection import Cluster, connect
from deployer.cluster.discovery import Resource
from deployer.cluster.objects import apply, get
from deployer.errors import ClusterError, DeployerError
from deployer.sync.trying import RefusedError
from local.world import World
from tests.faults.proxy import Answer, Proxy
from tests.sync.helpers import manifest, written

CONFIG_MAP = Resource("", "v1", "ConfigMap", "configmaps", namespaced=True)
SECRET = Resource("", "v1", "Secret", "secrets", namespaced=True)
ROOT = Path(__file__).parents[2]


@pytest.fixture
def proxy(world: World, tmp_path: Path) -> Iterator[Proxy]:
    with Proxy(world.clusters["staging"].url, tmp_path) as proxy:
        yield proxy


class TestKubeconfigExecRunsCode:
    """Flux CVE-2022-24817: a tenant's kubeconfig ran a program with all that the controller may do."""

    @pytest.mark.parametrize("where", ["exec", "auth-provider"])
    def test_no_program_is_run(self, world: World, tmp_path: Path, where: str) -> None:
        trace = tmp_path / "it-ran"
        program = tmp_path / "program"
        program.write_text(f"#!/bin/sh\ntouch {trace}\n")
        program.chmod(0o700)
        user = {
            "exec": {
                "apiVersion": "client.authentication.k8s.io/v1",
                "command": str(program),
                "interactiveMode": "Never",
            },
            "auth-provider": {"name": "gcp", "config": {"cmd-path": str(program)}},
        }
        config = yaml.safe_load(world.clusters["staging"].deployer_kubeconfig)
        config["users"][0]["user"] = {where: user[where]}
        with pytest.raises(ClusterError, match=rf"kubeconfig in the-secret: user\.{where} is refused"):
            connect("staging", yaml.safe_dump(config).encode(), "the-secret")
        assert not trace.exists()

    @pytest.mark.parametrize(
        ("section", "field"),
        [
            ("user", "tokenFile"),
            ("user", "client-certificate"),
            ("user", "client-key"),
            ("cluster", "certificate-authority"),
        ],
    )
    def test_no_file_is_read(self, proxy: Proxy, world: World, tmp_path: Path, section: str, field: str) -> None:
        (tmp_path / "file").write_text("of the machine")
        config = yaml.safe_load(proxy.kubeconfig(world.clusters["staging"].deployer_kubeconfig))
        config[f"{section}s"][0][section][field] = str(tmp_path / "file")
        with pytest.raises(ClusterError, match=rf"{section}\.{field} is refused"):
            connect("staging", yaml.safe_dump(config).encode(), "the-secret")
        assert proxy.seen == []

    @pytest.mark.parametrize("field", ["insecure-skip-tls-verify", "proxy-url"])
    def test_nobody_is_let_in_between(self, proxy: Proxy, world: World, field: str) -> None:
        proxy.new_certificate()
        original = yaml.safe_load(world.clusters["staging"].deployer_kubeconfig)
        original["clusters"][0]["cluster"] |= {"server": proxy.url, field: True}
        with pytest.raises(ClusterError, match=rf"cluster\.{field} is refused"):
            connect("staging", yaml.safe_dump(original).encode(), "the-secret")
        assert proxy.seen == []

    def test_an_impersonation_is_not_left_out(self, world: World) -> None:
        """The account would do as itself what its owner meant it to do as another, who may do less."""
        config = yaml.safe_load(world.clusters["staging"].deployer_kubeconfig)
        config["users"][0]["user"]["as"] = "system:anonymous"
        with pytest.raises(ClusterError, match=r"user\.as is refused"):
            connect("staging", yaml.safe_dump(config).encode(), "the-secret")

    def test_what_the_current_context_does_not_name_is_not_used(self, world: World, tmp_path: Path) -> None:
        config = yaml.safe_load(world.clusters["staging"].deployer_kubeconfig)
        trace = tmp_path / "it-ran"
        program = {"apiVersion": "client.authentication.k8s.io/v1", "command": "touch", "args": [str(trace)]}
        config["users"].append({"name": "another", "user": {"exec": program}})
        with contextlib.closing(connect("staging", yaml.safe_dump(config).encode(), "the-secret")) as cluster:
            assert cluster.request("GET", "/api")["kind"] == "APIVersions"
        assert not trace.exists()


class TestSecretValuesInErrors:
    """Argo CD CVE-2025-23216, CVE-2023-40029, CVE-2026-42880: errors, diffs and annotations showed them."""

    def test_what_the_server_quotes_is_masked(self, staging: Cluster, namespace: str) -> None:
        # A number is quoted by the server, since it belongs elsewhere.
        wrong = manifest("v1", "Secret", "a", namespace, data={"pin": 987654321, "word": "czNjcmV0LXdvcmQ="})
        with pytest.raises(RefusedError) as caught:
            written(staging, namespace, wrong)
        shown = "".join(traceback.format_exception(caught.value)) + repr(caught.value.reasons)
        assert "***" in shown, "the server quoted nothing"
        assert not [value for value in ("987654321", "s3cret-word", "czNjcmV0LXdvcmQ=") if value in shown]

    @pytest.mark.parametrize("status", [400, 403, 409, 422, 500])
    def test_what_a_webhook_quotes_is_masked(self, world: World, proxy: Proxy, status: int) -> None:
        config = proxy.kubeconfig(world.clusters["staging"].deployer_kubeconfig).encode()
        quoting = {"message": 'admission webhook "x" denied the request: s3cret-word (czNjcmV0LXdvcmQ=) is weak'}
        proxy.play("PATCH", *[Answer(status, quoting, {"Retry-After": "0"})] * 4)
        body = manifest("v1", "Secret", "a", "default", stringData={"word": "s3cret-word"})
        with (
            contextlib.closing(connect("staging", config, "the-secret")) as cluster,
            pytest.raises(ClusterError) as caught,
        ):
            apply(cluster, SECRET, body, dry_run=True)
        shown = "".join(traceback.format_exception(caught.value))
        assert 'admission webhook "x" denied the request: *** (***) is weak' in shown
        assert "s3cret-word" not in shown.replace("the-secret", "")
        assert "czNjcmV0LXdvcmQ=" not in shown

    def test_no_annotation_repeats_them(self, staging: Cluster, namespace: str) -> None:
        """As `kubectl apply` does in `last-applied-configuration`."""
        written(staging, namespace, manifest("v1", "Secret", "a", namespace, stringData={"word": "s3cret-word"}))
        live = get(staging, SECRET, namespace, "a")
        assert live is not None
        assert "annotations" not in live["metadata"]


WATCHER = """
import json, os, pathlib, stat, sys, tempfile

modes = []

def watch(event, arguments):
    if event == "os.remove" and "PRIVATE KEY" in (path := pathlib.Path(arguments[0])).read_text():
        modes.append(stat.S_IMODE(path.stat().st_mode))

sys.addaudithook(watch)
from deployer.cluster.connection import connect
cluster = connect("staging", sys.stdin.buffer.read(), "the-secret")
cluster.request("GET", "/api/v1/namespaces")
print(json.dumps({"modes": modes, "left": os.listdir(tempfile.gettempdir())}))
"""


def test_a_kubeconfig_written_to_disk(world: World, tmp_path: Path) -> None:
    """Of get-gke-credentials' users some commit theirs. Ours stays in memory; Python reads a key from files alone."""
    plane = world.clusters["staging"]
    payload = plane.admin_kubeconfig.read_bytes()
    assert b"client-key-data" in payload
    done = subprocess.run(
        [sys.executable, "-c", WATCHER],
        input=payload,
        env={"PATH": "/usr/bin:/bin", "TMPDIR": str(tmp_path), "PYTHONPATH": str(ROOT)},
        cwd=tmp_path,
        capture_output=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr.decode()
    told = json.loads(done.stdout)
    assert told == {"modes": [0o600], "left": []}, "its owner alone could read it, and it is gone in use"
    assert list(tmp_path.iterdir()) == []


class TestPathTraversalInMetadataName:
    """`metadata.name: ../../other-ns/secrets/x` reached another namespace: urllib3 folds `..` (tried)."""

    @pytest.fixture
    def victim(self, staging: Cluster, namespace: str) -> dict[str, Any]:
        written(staging, namespace, manifest("v1", "ConfigMap", "victim", namespace, data={"k": "1"}))
        live = get(staging, CONFIG_MAP, namespace, "victim")
        assert live is not None
        return dict(live)

    TRICKS = (
        "../../{other}/configmaps/victim",
        "..%2f..%2f{other}%2fconfigmaps%2fvictim",
        "%2e%2e/%2e%2e/{other}/configmaps/victim",
        "../../../namespaces/{other}/configmaps/victim",
        "a/../../../{other}/configmaps/victim",
        "..\\..\\{other}\\configmaps\\victim",
        "a?x=/../../../{other}/configmaps/victim",
        "a#/../../../{other}/configmaps/victim",
        "..;/..;/{other}/configmaps/victim",
        "..",
        ".",
    )

    @pytest.fixture
    def seen(self, world: World, proxy: Proxy) -> Iterator[Cluster]:
        """A connection whose requests the proxy sees as they are sent."""
        config = proxy.kubeconfig(world.clusters["staging"].deployer_kubeconfig)
        with contextlib.closing(connect("staging", config.encode(), "the-secret")) as cluster:
            yield cluster

    def attack(self, cluster: Cluster, proxy: Proxy, victim: dict[str, Any], namespace: str, name: str) -> None:
        body = manifest("v1", "ConfigMap", name, namespace, data={"k": "overwritten"})
        with pytest.raises((DeployerError, RefusedError)):
            written(cluster, "default", body)
        with pytest.raises(ClusterError):
            apply(cluster, CONFIG_MAP, body, dry_run=False)
        with contextlib.suppress(ClusterError):  # refused, or there is none
            assert get(cluster, CONFIG_MAP, namespace, name) is None
        other = victim["metadata"]["namespace"]
        assert not [one.path for one in proxy.seen if f"/namespaces/{other}" in one.path]
        assert get(cluster, CONFIG_MAP, other, "victim") == victim

    @pytest.mark.parametrize("name", TRICKS)
    def test_a_name_reaches_no_other_object(
        self, seen: Cluster, proxy: Proxy, victim: dict[str, Any], name: str
    ) -> None:
        self.attack(seen, proxy, victim, "default", name.format(other=victim["metadata"]["namespace"]))

    @pytest.mark.parametrize("name", ["default/../{other}", "../namespaces/{other}", "%2e%2e/{other}", "{other}/x/.."])
    def test_a_namespace_reaches_no_other(self, seen: Cluster, proxy: Proxy, victim: dict[str, Any], name: str) -> None:
        self.attack(seen, proxy, victim, name.format(other=victim["metadata"]["namespace"]), "victim")
