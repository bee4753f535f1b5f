"""What Google's build makes of an archive, made on this machine with the same commands, and its functions started.

The commands are those of https://github.com/GoogleCloudPlatform/buildpacks: `InstallRequirements` in
pkg/python/python.go, `BuildFn` in cmd/python/functions_framework/lib/lib.go.
"""

import os
import shutil
import subprocess
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from subprocess import Popen

from bench.servers import Request, await_answer
from bench.servers import environment as clean
from local.leash import Leash
from local.ports import free_ports

VERSIONS = ("3.11", "3.12", "3.13")
"""Those that `requires-python` of pyproject.toml allows, as the module's variable `runtime` does."""

_USABLE = "import sys, pip, venv; assert '%d.%d' % sys.version_info[:2] == sys.argv[1]"
_TIMEOUT = 600.0


class BuildError(Exception):
    """A command of the build failed; the text is all that it said."""


@dataclass(frozen=True)
class Image:
    """An archive in the folder `workspace`, and in `environment` what its requirements.txt names, and nothing else."""

    workspace: Path
    environment: Path

    @property
    def python(self) -> Path:
        """Its interpreter."""
        return self.environment / "bin" / "python"

    def start(self, leash: Leash, target: str, settings: Mapping[str, str], first: Request) -> "Instance":
        """Start an entry point, and wait until it has answered a first request as it should.

        Args:
            leash: what ends it; its log has the entry point's name.
            target: the entry point.
            settings: its variables; of this machine it gets none.
            first: the request.

        Raises:
            RuntimeError: it ended, or did not answer so within half a minute; with the end of its log.
        """
        (port,) = free_ports(1)
        given = {"PATH": str(self.environment / "bin"), "HOME": str(self.workspace), **settings}
        given |= {"FUNCTION_TARGET": target, "HOST": "127.0.0.1", "PORT": str(port)}
        process = leash.run(target, [str(self.environment / "bin/functions-framework")], env=given, cwd=self.workspace)
        await_answer(leash, target, process, port, first)
        return Instance(process, port)


@dataclass(frozen=True)
class Instance:
    """An entry point that runs, and answers on a port of 127.0.0.1."""

    process: Popen[bytes]
    port: int

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.port}"


def find_python(version: str) -> str | None:
    """Return an interpreter of a version, such as "3.12", that can make environments; None where there is none.

    Looked for on the PATH, and where pyenv keeps those that are not on it.
    """
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    kept = sorted(map(str, pyenv.glob(f"versions/{version}.*/bin/python")))
    for python in (shutil.which(f"python{version}"), *reversed(kept)):
        if (
            python
            and subprocess.run([python, "-c", _USABLE, version], capture_output=True, check=False).returncode == 0
        ):
            return python
    return None


def build(python: str, archive: Path, folder: Path, environment: Mapping[str, str]) -> Image:
    """Unpack an archive, and install what it asks for into an empty environment.

    Args:
        python: the interpreter.
        archive: the zip.
        folder: where; it is made.
        environment: of the build, besides that of this process.

    Raises:
        BuildError: such as for a file that has another hash than requirements.txt says.
    """
    image = Image(folder / "workspace", folder / "environment")
    with zipfile.ZipFile(archive) as packed:
        packed.extractall(image.workspace)
    pip = [python, "-m", "pip", "--disable-pip-version-check", "--python", str(image.python)]
    how = ["--upgrade", "--upgrade-strategy", "only-if-needed", "--force-reinstall", "--no-compile", "--quiet"]
    for command in (
        [python, "-m", "venv", "--without-pip", str(image.environment)],
        [*pip, "install", "--requirement", "requirements.txt", *how],
        [*pip, "check"],
        [str(image.python), "-m", "compileall", "-f", "-q", "."],
    ):
        _run(command, image.workspace, environment)
    return image


def compile_all(image: Image) -> None:
    """Compile what is installed, as the build does; without it, the first start takes seconds longer."""
    mode = ["--invalidation-mode", "unchecked-hash"]
    _run([str(image.python), "-m", "compileall", *mode, "-qq", str(image.environment)], image.workspace, {})


def _run(command: list[str], folder: Path, environment: Mapping[str, str]) -> None:
    done = subprocess.run(
        command,
        cwd=folder,
        env={**clean(), **environment},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=_TIMEOUT,
        check=False,
    )
    if done.returncode:
        raise BuildError(f"{' '.join(command)} ended with status {done.returncode}:\n{done.stdout}")
