"""`deployer render`."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from deployer.cli.render import as_yaml
from local.kubectl import KUBECTL
from tests.cli.conftest import DEPLOYER, Run, environment
from tests.world import Bench, config_map

LIST = {"apiVersion": "v1", "kind": "List"}

# What YAML libraries read differently, or write so that another one reads something else.
TRICKY = [
    *("", " ", "~", "null", "y", "on", "No", "true", "=", "<<", "-", "?", "*a", "&a", "!a", "%a", "@a", "`a", "# a"),
    *("1e3", "0o17", "017", "0x1F", "0b1", "1_000", "+1", ".5", "1.", "+.inf", ".NaN", "1:30", "2024-01-01", "0b-1"),
    *("a: b", "a #b", "- a", "---", "...", "a\n---\nb", "{a}", "[a]", "'", '"', "\\", "\t", " a", "a ", "a\t"),
    *("a\nb", "a\nb\n", "a\n\n", "\na", "\n", "\n\n", "  a\nb", "a\n  b\n", "a \nb", "\ta\n", "a\r\nb", "\r"),
    *("é", "日本", "😀", "\x85", "\u2028", "a\u2029b\n", "\ufeff", "\xa0", "\x7f", "\x1b[31m", "\0", "\ue000"),
    *("x" * 200, "word " * 60, "long line " * 20 + "\n" + "word " * 60),
]


def kubectl_reads(text: bytes, folder: Path) -> list[Any]:
    """What kubectl makes of each document; it needs no cluster for that."""
    path = folder / "manifests.yaml"
    path.write_bytes(text)
    command = [KUBECTL, "label", "--local", "--dry-run=client", "--output=json", f"--filename={path}", "judged=yes"]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", timeout=60)
    assert done.returncode == 0, done.stderr
    found, rest = [], done.stdout.strip()
    while rest:
        value, end = json.JSONDecoder().raw_decode(rest)
        assert value["metadata"].pop("labels") == {"judged": "yes"}
        found.append(value)
        rest = rest[end:].strip()
    return found


def example(value: Any) -> dict[str, Any]:
    return {"apiVersion": "example.com/v1", "kind": "Example", "metadata": {"name": "e"}, "value": value}


def test_kubectl_reads_back_every_tricky_text(tmp_path: Path) -> None:
    documents = [example(TRICKY), example({text: text for text in TRICKY if text != "<<"}), example([{"a": TRICKY}])]
    assert kubectl_reads(as_yaml(documents), tmp_path) == documents


def test_kubectl_reads_back_numbers_and_the_rest_of_json(tmp_path: Path) -> None:
    numbers = [0, -1, 2**63 - 1, -(2**63), 0.5, 1e-7, 1e21, 1.5e300, -2.25]
    documents = [example([*numbers, True, False, None, [], {}, [[]], [{}], {"a": []}])]
    assert kubectl_reads(as_yaml(documents), tmp_path) == documents


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.text(st.characters(exclude_categories=["Cs"])), max_size=50))
def test_kubectl_reads_back_any_text(tmp_path: Path, texts: list[str]) -> None:
    documents = [example(texts), example([{"in a mapping": text} for text in texts])]
    assert kubectl_reads(as_yaml(documents), tmp_path) == documents


def test_yaml_is_pleasant_to_read() -> None:
    shared = {"app": "web"}
    script = "#!/bin/sh\necho 'hello'\n"
    values = [{"b": script, "a": "é", "one": shared, "two": shared, "port": 80, "version": "1.10"}]
    assert as_yaml(values).decode() == (
        "---\nb: |\n  #!/bin/sh\n  echo 'hello'\na: é\none:\n  app: web\ntwo:\n  app: web\nport: 80\n"
        'version: "1.10"\n'
    )


@pytest.fixture
def folder(k8s: Path) -> Path:
    (k8s / "b.yaml").write_text(config_map("b") + "---\n" + config_map("c"))
    (k8s / "a.json").write_text(json.dumps({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "a"}}))
    (k8s / "below").mkdir()
    (k8s / "below/d.yaml").write_text(config_map("d"))
    return k8s


def names(text: str) -> list[str]:
    document = json.loads(text)
    assert {key: document[key] for key in LIST} == LIST
    return [item["metadata"]["name"] for item in document["items"]]


def test_a_folder_comes_as_documents_in_the_order_of_the_files(run: Run, folder: Path, tmp_path: Path) -> None:
    done = run("render", "k8s")
    assert (done.returncode, done.stderr) == (0, "")
    as_json = run("render", "k8s", "-o", "json")
    assert (as_json.returncode, as_json.stderr) == (0, "")
    assert names(as_json.stdout) == ["a", "b", "c"]
    assert kubectl_reads(done.stdout.encode(), tmp_path) == json.loads(as_json.stdout)["items"]


@pytest.mark.parametrize(
    ("arguments", "found"),
    [(["k8s", "--recurse"], ["a", "b", "c", "d"]), (["k8s/b.yaml"], ["b", "c"]), (["./k8s/below"], ["d"])],
)
def test_folders_below_and_single_files_are_read(
    run: Run, folder: Path, arguments: list[str], found: list[str]
) -> None:
    assert names(run("render", *arguments, "-o", "json").stdout) == found


def test_an_application_is_rendered_as_it_is_in_git_now(
    bench: Bench, deployer: Callable[..., subprocess.CompletedProcess[str]]
) -> None:
    bench.configure(automated=False, path="k8s", directory={"recurse": True, "exclude": "not*"})
    files = {"k8s/a.yaml": config_map("a"), "k8s/x/b.yaml": config_map("b"), "k8s/not.yaml": config_map("c")}
    bench.push(files)
    bench.push({**files, "k8s/a.yaml": config_map("a2")})
    done = deployer("render", bench.name, "-o", "json")
    assert done.returncode == 0, done.stderr
    assert names(done.stdout) == ["a2", "b"]


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({"a.yaml": "kind: [broken\napiVersion: v1\nmetadata: {}\n"}, ["a.yaml", "line 2"]),
        ({"a.yaml": config_map("a"), "b.yaml": config_map("a")}, ["ConfigMap/a", "a.yaml"]),
        ({"a.yaml": config_map("a"), "kustomization.yaml": "resource: [a.yaml]"}, ["kustomization.yaml", "line 1"]),
        ({"a.yaml": config_map("a"), "kustomization.yaml": ""}, ["Kustomize says: kustomization.yaml is empty"]),
        ({"README.md": "nothing"}, ["no manifests at k8s"]),
    ],
)
@pytest.mark.parametrize("output", ["yaml", "json"])
def test_what_cannot_be_rendered_is_told_and_nothing_printed(
    run: Run, k8s: Path, files: dict[str, str], said: list[str], output: str
) -> None:
    for name, text in files.items():
        (k8s / name).write_text(text)
    done = run("render", "k8s", "-o", output)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("error: ")
    assert all(words in done.stderr for words in said), done.stderr


@pytest.mark.parametrize("arguments", [["nothing"], ["./nothing"]])
def test_what_is_not_there_is_told(run: Run, arguments: list[str]) -> None:
    done = run("render", *arguments)
    assert (done.returncode, done.stdout) == (1, "")
    assert "error: there is no file or folder" in done.stderr


@pytest.mark.parametrize("arguments", [[], ["k8s", "-o", "xml"], ["k8s", "--nothing"], ["k8s", "k8s"]])
def test_bad_usage_is_exit_status_2(run: Run, folder: Path, arguments: list[str]) -> None:
    done = run("render", *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert "Usage: deployer render [OPTIONS] APP|PATH" in done.stderr


def test_a_reader_that_goes_away_is_no_fault(run: Run, k8s: Path, tmp_path: Path) -> None:
    (k8s / "a.yaml").write_text("---\n".join(config_map(f"a-{n}", "x" * 1000) for n in range(500)))
    process = subprocess.Popen(
        [*DEPLOYER, "render", "k8s"],
        cwd=tmp_path,
        env=environment({}),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdout
    assert process.stdout.readline() == b"---\n"
    process.stdout.close()
    assert process.stderr
    with process.stderr:
        assert process.stderr.read() == b""
    assert process.wait(timeout=60) == 1


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("BYTES", "the manifest files have "),
        ("FILES", "2 manifest files, where 1 are allowed"),
        ("DOCUMENTS", "up to here are more than 1 documents"),
        ("OBJECTS", "up to here are more than 1 objects"),
        ("NODES", "up to here are more than 1 keys and values"),
        ("DEPTH", "lists and mappings are nested more than 1 deep"),
    ],
)
def test_a_limit_is_a_setting(run: Run, k8s: Path, setting: str, said: str) -> None:
    for name in ("a", "b"):
        (k8s / f"{name}.yaml").write_text(config_map(name))
    done = run("render", k8s, **{f"DEPLOYER_MAX_{setting}": "1"})
    assert (done.returncode, done.stdout) == (1, "")
    assert said in done.stderr
    assert f", or raise DEPLOYER_MAX_{setting}\n" in done.stderr
