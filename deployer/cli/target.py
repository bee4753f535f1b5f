"""What a command works on: an application of the configuration, or a path on this disk."""

import os
from dataclasses import dataclass
from pathlib import Path

from deployer.application import Application, Directory
from deployer.configuration import Configuration, load_configuration
from deployer.errors import ConfigurationError, RenderError
from deployer.rendering.directory import refuse_other_tools, wanted
from deployer.settings import Settings, load_settings


@dataclass(frozen=True)
class AppTarget:
    """An application, with the configuration and the settings that it stands in."""

    application: Application
    configuration: Configuration
    settings: Settings


def find_target(text: str) -> AppTarget | Path:
    """Find out what APP|PATH means.

    Args:
        text: what was typed. What holds a `/`, or is `.`, is a path.

    Returns:
        The application of that name, or the path.

    Raises:
        ConfigurationError: it is neither, or both, or the configuration is not valid.
    """
    path = Path(text)
    if "/" in text or text in (".", ".."):
        if not path.exists():
            raise ConfigurationError(f"there is no file or folder {text}")
        return path
    settings = load_settings(os.environ)
    if settings.config is None:
        if path.exists():
            return path
        raise ConfigurationError(
            f"there is no file or folder {text}; for an application of that name set DEPLOYER_CONFIG"
        )
    configuration = load_configuration(settings.config)
    known = any(application.name == text for application in configuration.applications)
    if known and path.exists():
        raise ConfigurationError(f"{text} is an application and a path: write ./{text} for the path")
    if not known and path.exists():
        return path
    return AppTarget(configuration.application(text), configuration, settings)


def read_path(path: Path, directory: Directory) -> dict[str, bytes]:
    """Read the files at a path that may be manifests.

    Args:
        path: a folder or a file.
        directory: which files of a folder count.

    Returns:
        Their content by path, relative to the folder.

    Raises:
        RenderError: the folder is for a tool that is not supported, a link leaves it, or a file cannot be read.
    """
    if path.is_file():
        return {path.name: path.read_bytes()}
    root = path.resolve()
    found = path.rglob("*") if directory.recurse else path.iterdir()
    names = sorted(file.relative_to(path).as_posix() for file in found if not file.is_dir())
    refuse_other_tools(names)
    files = {}
    for name in names:
        if not wanted(name, directory):
            continue
        file = root / name
        if not file.resolve().is_relative_to(root):
            raise RenderError(f"{name} is a link that leads out of {path}: copy the file instead")
        try:
            files[name] = file.read_bytes()
        except OSError as error:
            raise RenderError(f"{name} cannot be read: {error.strerror}") from error
    return files
