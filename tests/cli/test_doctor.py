"""`deployer doctor`: real processes against real neighbours, some of them with something wrong."""

import json
import os
import re
import signal
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.cli.conftest import DEPLOYER, environment, on_terminal
from tests.world import Bench, config_map, deployment

Deployer = Callable[..., subprocess.CompletedProcess[str]]
FILES = {"a.yaml": config_map("a"), "web.yaml": deployment("web")}
ROLES = "rbac.authorization.k8s.io/v1"


@dataclass(frozen=True)
class Findings:
    """What the doctor said: its exit status, and each check by section and name."""

    status: int
    checks: dict[tuple[str, str], dict[str, str]]
    everything: str

    def of(self, section: str, name: str) -> tuple[str, str, str]:
        """Status, message and hint of one check."""
        check = self.checks[section, name]
        return check["status"], check["message"], check["hint"]

    def statuses(self, section: str) -> dict[str, str]:
        """The status of each check of a section."""
        return {name: check["status"] for (found, name), check in self.checks.items() if found == section}


class Clinic:
    """A configuration of a test's own, over the clusters and the GitHub of the world."""

    def __init__(self, bench: Bench, deployer: Deployer, folder: Path) -> None:
        self.bench = bench
        self.config = folder / "config"
        self.config.mkdir()
        self._deployer = deployer
        self.repository = f"repository {bench.repository}"

    def write(self, name: str, document: dict[str, Any]) -> None:
        """Add a document."""
        (self.config / f"{name}.yaml").write_text(yaml.safe_dump(document))

    def cluster(self, name: str, kubeconfig: str | None = None) -> None:
        """Add a cluster: the world's of that name, or one with a kubeconfig of its own."""
        secret = f"projects/local/secrets/{name if kubeconfig is None else self.bench.name}-kubeconfig"
        if kubeconfig is not None:
            self.bench.world.secret_manager.put(secret, kubeconfig.encode())
        spec = {"kubeconfig": {"secret": secret}}
        self.write(
            name, {"apiVersion": "deployer/v1alpha1", "kind": "Cluster", "metadata": {"name": name}, "spec": spec}
        )

    def application(self, cluster: str = "staging", *, options: tuple[str, ...] = (), **source: Any) -> None:
        """Add the bench's application."""
        where = {"repoURL": self.bench.clone.url, "targetRevision": "main", "path": ".", **source}
        self.write(
            "application",
            {
                "apiVersion": "argoproj.io/v1alpha1",
                "kind": "Application",
                "metadata": {"name": "web"},
                "spec": {
                    "source": where,
                    "destination": {"name": cluster, "namespace": self.bench.name},
                    "syncPolicy": {"automated": {}, "syncOptions": list(options)},
                },
            },
        )

    def examine(self, **changes: str) -> Findings:
        """Run `deployer doctor -o json`."""
        done = self._deployer("doctor", "-o", "json", **{"DEPLOYER_CONFIG": str(self.config), **changes})
        assert "Traceback" not in done.stderr, done.stderr
        document = json.loads(done.stdout)
        assert set(document) == {"checks", "ok"}
        assert document["ok"] == (done.returncode == 0)
        for check in document["checks"]:
            assert set(check) == {"section", "name", "status", "message", "hint"}
            assert check["status"] in ("ok", "warning", "failed", "skipped")
            assert check["hint"] or check["status"] in ("ok", "skipped"), check
        checks = {(check["section"], check["name"]): check for check in document["checks"]}
        assert len(checks) == len(document["checks"]), "each check has a name of its own"
        assert document["ok"] == all(check["status"] != "failed" for check in checks.values())
        return Findings(done.returncode, checks, done.stdout + done.stderr)


@pytest.fixture
def clinic(bench: Bench, deployer: Deployer, tmp_path: Path) -> Clinic:
    return Clinic(bench, deployer, tmp_path)


def kubeconfig(bench: Bench, **user: Any) -> str:
    """The deployer's kubeconfig for `staging`, with another user where one is given."""
    config = yaml.safe_load(bench.world.clusters["staging"].deployer_kubeconfig)
    config["users"][0]["user"] = user or config["users"][0]["user"]
    return yaml.safe_dump(config)


def at(bench: Bench, url: str) -> str:
    """The deployer's kubeconfig for `staging`, at another address."""
    config = yaml.safe_load(kubeconfig(bench))
    config["clusters"][0]["cluster"]["server"] = url
    return yaml.safe_dump(config)


def test_where_all_is_well_nothing_is_written(clinic: Clinic) -> None:
    clinic.cluster("staging")
    clinic.cluster("production")
    clinic.application(options=("CreateNamespace=true",))
    commit = clinic.bench.push(FILES)
    clinic.bench.world.github.wait_for_delivery(commit)
    before = len(clinic.bench.world.github.deliveries)
    found = clinic.examine()
    assert found.status == 0
    warnings = {key for key, check in found.checks.items() if check["status"] != "ok"}
    assert warnings == {
        ("settings", "queue"),  # inline: said plainly
        ("cluster staging", "account"),  # the world's account may do everything
        ("cluster production", "account"),
    }
    assert found.of("settings", "configuration")[1].startswith("1 application and 2 clusters in ")
    assert found.of(clinic.repository, "source of web")[1] == f"main is at {commit[:7]}, and has 2 manifests in ."
    assert "Kubernetes v1." in found.of("cluster staging", "API server")[1]
    assert "system:serviceaccount:deployer:deployer" in found.of("cluster staging", "account")[1]
    access = found.of("cluster staging", "access for web")[1]
    assert access == f"its 2 kinds can be applied in namespace {clinic.bench.name}"
    sections = list(dict.fromkeys(section for section, _ in found.checks))
    assert sections[:3] == ["settings", "webhook secrets", "GitHub"]
    assert sections[3:] == [clinic.repository, "cluster production", "cluster staging"]

    exports = clinic.bench.world.exports
    for secret in (exports["DEPLOYER_GITHUB_TOKEN"], exports["DEPLOYER_WEBHOOK_SECRET"], "eyJ"):
        assert secret not in found.everything
    assert clinic.bench.statuses(commit) == []
    assert len(clinic.bench.world.github.deliveries) == before
    assert clinic.bench.name not in clinic.bench.kubectl("get", "namespaces", "-o", "name")


def test_a_wrong_token_leaves_the_rest_to_be_looked_at(clinic: Clinic) -> None:
    clinic.cluster("staging")
    clinic.application()
    clinic.bench.push(FILES)
    found = clinic.examine(DEPLOYER_GITHUB_TOKEN="wr0ng-token")
    assert found.status == 1
    host = clinic.bench.world.github.git_url.removeprefix("http://")
    status, message, _ = found.of("GitHub", host)
    assert (status, "refused the token (401" in message) == ("failed", True)
    assert found.of(clinic.repository, clinic.bench.repository)[:2] == ("skipped", "GitHub cannot be asked")
    assert found.of("cluster staging", "access for web")[0] == "skipped"
    assert found.of("cluster staging", "API server")[0] == "ok"
    assert "wr0ng-token" not in found.everything


def test_no_token_is_a_failure_of_its_own(clinic: Clinic) -> None:
    found = clinic.examine(DEPLOYER_GITHUB_TOKEN="")
    assert found.of("GitHub", "token")[0] == "failed"
    assert found.of("GitHub", clinic.bench.world.github.api_url)[0] == "skipped"


def test_a_token_that_cannot_be_sent(clinic: Clinic) -> None:
    status, message, _ = clinic.examine(DEPLOYER_GITHUB_TOKEN="s3cret token").of(
        "GitHub", clinic.bench.world.github.api_url
    )
    assert (status, "a character that no token has" in message) == ("failed", True)
    assert "s3cret" not in message


def test_a_ref_that_is_not_there_is_named(clinic: Clinic) -> None:
    clinic.cluster("staging")
    clinic.application(targetRevision="release")
    clinic.bench.push(FILES)
    found = clinic.examine()
    assert found.status == 1
    status, message, hint = found.of(clinic.repository, "source of web")
    assert (status, "no branch or tag release" in message) == ("failed", True)
    assert "application.yaml, document 1" in hint
    assert found.of("cluster staging", "access for web")[0] == "skipped"


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


@pytest.fixture
def black_hole() -> Iterator[str]:
    """An address that takes connections, and never says anything."""
    with socket.create_server(("127.0.0.1", 0), backlog=64) as server:
        yield f"https://127.0.0.1:{server.getsockname()[1]}"


def test_a_black_hole_does_not_keep_the_others_back(clinic: Clinic, black_hole: str) -> None:
    clinic.cluster("a-hole", at(clinic.bench, black_hole))
    clinic.cluster("staging")
    env = environment({**clinic.bench.world.exports, "DEPLOYER_CONFIG": str(clinic.config)})
    process = subprocess.Popen([*DEPLOYER, "doctor"], env=env, stdout=subprocess.PIPE, encoding="utf-8")
    stop = threading.Timer(60, process.kill)
    stop.start()
    assert process.stdout
    seen = ""
    try:
        for line in process.stdout:
            seen += line
            if "kinds can be applied" in line:
                break
        assert "cluster staging" in seen
        assert "cluster a-hole" not in seen
        assert process.poll() is None
    finally:
        stop.cancel()
        process.kill()
        process.wait()
        process.stdout.close()


def test_ctrl_c_ends_the_wait_at_once(clinic: Clinic, black_hole: str) -> None:
    clinic.cluster("a-hole", at(clinic.bench, black_hole))
    env = environment({**clinic.bench.world.exports, "DEPLOYER_CONFIG": str(clinic.config)})
    process = subprocess.Popen(
        [*DEPLOYER, "doctor"], env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8"
    )
    stop = threading.Timer(10, process.kill)  # long before the wait would end by itself
    stop.start()
    assert process.stdout
    while not process.stdout.readline().startswith("GitHub"):
        assert process.poll() is None
    process.send_signal(signal.SIGINT)
    _, said = process.communicate()
    stop.cancel()
    assert (process.returncode, said) == (130, "interrupted: nothing was written anywhere\n")


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


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"DEPLOYER_QEUE": "inline"}, "DEPLOYER_QEUE is no setting"),
        ({"DEPLOYER_QUEUE": "carrier-pigeon"}, "'carrier-pigeon' is no queue"),
    ],
)
def test_bad_settings_are_all_that_can_be_told(clinic: Clinic, changes: dict[str, str], said: str) -> None:
    found = clinic.examine(**changes)
    assert found.status == 1
    status, message, _ = found.of("settings", "settings")
    assert (status, said in message) == ("failed", True)
    rest = {check["status"] for key, check in found.checks.items() if key != ("settings", "settings")}
    assert rest == {"skipped"}


def test_a_bad_configuration_leaves_secrets_and_github_to_be_looked_at(clinic: Clinic) -> None:
    clinic.application("nowhere")
    found = clinic.examine()
    status, message, _ = found.of("settings", "configuration")
    assert (found.status, status) == (1, "failed")
    assert "no Cluster has the name or alias 'nowhere'" in message
    assert found.statuses("GitHub")["token"] == "ok"
    assert found.of("repositories and clusters", "repositories and clusters")[0] == "skipped"


def test_a_configuration_without_applications_deploys_nothing(clinic: Clinic) -> None:
    clinic.cluster("staging")
    status, message, _ = clinic.examine().of("settings", "configuration")
    assert (status, "no push deploys anything" in message) == ("warning", True)


def test_people_see_symbols_words_and_hints(clinic: Clinic, deployer: Deployer) -> None:
    done = deployer("doctor", DEPLOYER_CONFIG=str(clinic.config), DEPLOYER_GITHUB_TOKEN="", PYTHONIOENCODING="utf-8")
    assert done.returncode == 1
    lines = done.stdout.splitlines()
    assert lines[0] == "settings"
    assert re.fullmatch(r"  √ ok      settings: \d of \d+ are set, .*", lines[1])
    failed = lines.index("  × failed  token")  # noqa: RUF001 (meant as it is)
    assert lines[failed + 1].startswith(" " * 12 + "DEPLOYER_GITHUB_TOKEN is not set; ")
    assert lines[failed + 2].startswith(" " * 12 + "hint: ")
    assert lines[failed + 3].startswith("  - skipped ")
    assert "  ‼ warning queue" in lines
    assert re.fullmatch(r"\d checks: \d ok, 2 warnings, 1 failed, 1 skipped", lines[-1])
    assert done.stderr == "", "nothing of the progress, without a terminal"


def test_symbols_are_ascii_where_nothing_else_can_be_written(clinic: Clinic, deployer: Deployer) -> None:
    changes = {"DEPLOYER_CONFIG": str(clinic.config), "DEPLOYER_GITHUB_TOKEN": ""}
    done = deployer("doctor", **changes, PYTHONIOENCODING="ascii")
    assert done.returncode == 1
    assert done.stdout.isascii()
    starts = {line[:10].strip() for line in done.stdout.splitlines() if line[2:3].strip()}
    assert starts >= {"+ ok", "! warning"[:8], "x failed", "- skippe"}


def test_a_terminal_has_colour_and_says_what_is_waited_for(clinic: Clinic) -> None:
    clinic.cluster("staging")
    settings = {**clinic.bench.world.exports, "DEPLOYER_CONFIG": str(clinic.config)}
    screen = on_terminal([*DEPLOYER, "doctor"], clinic.config, settings)
    assert screen.status == 0
    assert "\x1b[32m√ ok" in screen.raw
    assert "waiting for cluster staging" in screen.raw
    assert max(len(line.split("\x1b[2K")[-1]) for line in screen.lines) <= 80
    plain = on_terminal([*DEPLOYER, "doctor"], clinic.config, {**settings, "NO_COLOR": "1"})
    assert "\x1b[32m" not in plain.raw
    assert "√ ok" in plain.raw


def test_the_examples_of_the_help_work(clinic: Clinic, deployer: Deployer, tmp_path: Path) -> None:
    text = deployer("doctor", "--help").stdout
    assert "Exit status 0" in text
    (tmp_path / "deployer").write_text(f'#!/bin/sh\nexec {" ".join(DEPLOYER)} "$@"\n')
    (tmp_path / "deployer").chmod(0o700)
    env = environment({**clinic.bench.world.exports, "DEPLOYER_CONFIG": str(clinic.config)})
    env["PATH"] = f"{tmp_path}{os.pathsep}{env['PATH']}"
    commands = [line.strip() for line in text.split("Examples:\n")[1].split("\n\n")[0].splitlines()]
    assert len(commands) == 2
    for command in commands:
        subprocess.run(["sh", "-c", command], cwd=tmp_path, env=env, check=True, stdout=subprocess.DEVNULL, timeout=60)
    assert json.loads((tmp_path / "doctor.json").read_text())["ok"]
