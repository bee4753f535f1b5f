"""`deployer doctor`: real processes against real neighbours, and how they tell what they found."""

import json
import os
import re
import signal
import socket
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.clinic import FILES, Clinic, Deployer, at
from tests.cli.conftest import DEPLOYER, environment, on_terminal
from tests.faults.proxy import Answer, Proxy


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


def test_an_answer_that_nobody_expected_is_one_failed_check(clinic: Clinic, tmp_path: Path) -> None:
    world = clinic.bench.world
    clinic.cluster("staging")
    with (
        Proxy(world.clusters["staging"].url, tmp_path) as cluster,
        Proxy(world.github.git_url, tmp_path) as github,
    ):
        cluster.play("POST .*/selfsubjectreviews", Answer(201, {}))
        clinic.cluster("strange", cluster.kubeconfig(world.clusters["staging"].deployer_kubeconfig))
        core = {"limit": 5000, "remaining": 5000, "reset": 10**20}
        github.play("GET .*/rate_limit", Answer(200, {"resources": {"core": core}}))
        found = clinic.examine(DEPLOYER_GITHUB_API_URL=f"{github.url}/api/v3")
    assert found.status == 1
    status, message, hint = found.of("cluster strange", "answers")
    assert (status, "not as it is documented (KeyError in cluster.py, line " in message) == ("failed", True)
    assert "report this" in hint
    assert list(found.statuses("cluster strange")) == ["kubeconfig", "API server", "answers"]
    assert found.of("GitHub", "answers")[0] == "failed"
    assert "failed" not in found.statuses("cluster staging").values()
