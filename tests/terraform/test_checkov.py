"""checkov (https://www.checkov.io) looks the module over; what it is told to pass over has a reason beside it."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.terraform.terraform import MODULE

CHECKOV = Path(sys.prefix) / "checkov" / "bin" / "checkov"  # an environment of its own: see the Makefile
_SKIP = re.compile(r"checkov:skip=(\w+):?(.*)")


def _checkov(folder: Path) -> dict[str, Any]:
    """What checkov says of a folder: `failed_checks`, `skipped_checks` and so on."""
    done = subprocess.run(
        [
            CHECKOV,
            "--directory",
            folder,
            "--framework",
            "terraform",
            "--skip-download",
            "--compact",
            "--output",
            "json",
        ],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.stdout.startswith("{"), f"checkov said nothing: {done.stderr[-1000:]}"
    results: dict[str, Any] = json.loads(done.stdout)["results"]
    return results


def test_the_module_and_its_examples_are_clean() -> None:
    said = _checkov(MODULE)

    assert [(one["check_id"], one["resource"], one["check_name"]) for one in said["failed_checks"]] == []
    assert said["parsing_errors"] == []
    assert len(said["passed_checks"]) > 10

    # A reason is a sentence; and a skip that checkov would not need any more goes.
    told = [skip for file in MODULE.rglob("*.tf") for skip in _SKIP.findall(file.read_text())]
    assert [check for check, reason in told if len(reason.split()) < 5] == []
    assert {check for check, _ in told} == {one["check_id"] for one in said["skipped_checks"]}


def test_a_planted_fault_is_found(tmp_path: Path) -> None:
    module = shutil.copytree(MODULE, tmp_path / "terraform", ignore=shutil.ignore_patterns("examples", ".terraform*"))
    text = (module / "archive.tf").read_text()
    (module / "archive.tf").write_text(re.sub(r"uniform_bucket_level_access *= true", "", text))

    assert [one["check_id"] for one in _checkov(module)["failed_checks"]] == ["CKV_GCP_29"]
