"""checkov (https://www.checkov.io) looks the module over; what it is told to pass over has a reason beside it.

A copy with a fault lies beside it, so that it is seen in the same run: checkov takes seconds to begin.
"""

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
        [CHECKOV, "--directory", folder, "--framework=terraform", "--skip-download", "--compact", "--output=json"],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.stdout.startswith("{"), f"checkov said nothing: {done.stderr[-1000:]}"
    results: dict[str, Any] = json.loads(done.stdout)["results"]
    return results


def test_the_module_and_its_examples_are_clean_and_a_planted_fault_is_found(tmp_path: Path) -> None:
    shutil.copytree(MODULE, tmp_path / "module", ignore=shutil.ignore_patterns(".terraform*"))
    planted = shutil.copytree(MODULE, tmp_path / "planted", ignore=shutil.ignore_patterns("examples", ".terraform*"))
    text = (planted / "archive.tf").read_text()
    (planted / "archive.tf").write_text(re.sub(r"uniform_bucket_level_access *= true", "", text))

    said = _checkov(tmp_path)

    found = [(one["check_id"], one["file_path"], one["check_name"]) for one in said["failed_checks"]]
    assert [one[:2] for one in found] == [("CKV_GCP_29", "/planted/archive.tf")], found
    assert said["parsing_errors"] == []
    passed = [one for one in said["passed_checks"] if one["file_path"].startswith("/module/")]
    assert len(passed) > 10

    # A reason is a sentence; and a skip that checkov would not need any more goes.
    told = [skip for file in MODULE.rglob("*.tf") for skip in _SKIP.findall(file.read_text())]
    assert [check for check, reason in told if len(reason.split()) < 5] == []
    assert {check for check, _ in told} == {one["check_id"] for one in said["skipped_checks"]}
