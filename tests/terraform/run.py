"""Run terraform on a copy of the module with served providers: `python -m tests.terraform.run FOLDER validate`.

FOLDER is `terraform`, or one of its examples; `test`, `plan` and so on work as well. Nothing is written into the
working tree.
"""

import sys
import tempfile
from pathlib import Path

from tests.terraform.terraform import MODULE, copy_module, served


def main(folder: str, *arguments: str) -> int:
    """Print what `terraform ARGUMENTS` prints in a copy of FOLDER, and return its exit code."""
    with tempfile.TemporaryDirectory() as scratch:
        module = copy_module(Path(scratch), source=False)
        with served(module / Path(folder).resolve().relative_to(MODULE), module) as terraform:
            done = terraform.run(*arguments)
    print(done.stdout, end="")  # noqa: T201
    return done.returncode


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
