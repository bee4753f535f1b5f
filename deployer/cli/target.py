"""What a command works on: an application of the configuration, or a path on this disk."""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from deployer.application import Application, Directory
from deployer.configuration import Configuration, load_configuration
from deployer.errors import ConfigurationError, RenderError
from deployer.limits import Limits, exceeded
from deployer.manifest import Manifest
from deployer.rendering.directory import manifest_paths, refuse_other_tools
from deployer.settings import Settings, load_settings
from deployer.sync.source import render_some


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
    if path.exists():
        if any(application.name == text for application in configuration.applications):
            raise ConfigurationError(f"{text} is an application and a path: write ./{text} for the path")
        return path
    try:
        return AppTarget(configuration.application(text), configuration, settings)
    except ConfigurationError as error:
        raise ConfigurationError(f"there is no file or folder {text}, and {error}") from error


def render_path(path: Path, *, recurse: bool) -> list[Manifest]:
    """Render the manifests at a path, within the settings' limits.

    Args:
        path: a folder or a file.
        recurse: whether the folders below count, too.

    Raises:
        RenderError: they cannot be read, are not valid, or there is none.
        ConfigurationError: a setting is wrong.
    """
    directory, limits = Directory(recurse=recurse), load_settings(os.environ).limits
    return render_some(read_path(path, directory, limits), directory, str(path), limits)


def read_path(path: Path, directory: Directory, limits: Limits) -> dict[str, bytes]:
    """Read the files at a path that may be manifests.

    Args:
        path: a folder or a file.
        directory: which files of a folder count.
        limits: how many files there may be, and how much they may hold; their sizes are looked at before any is read.

    Returns:
        Their content by path, relative to the folder.

    Raises:
        RenderError: the folder is for a tool that is not supported, a link leaves it, there is more than the
            limits allow, or a file cannot be read.
    """
    try:
        if not path.is_dir():
            return _read({path.name: path}, limits)
        root = path.resolve()
        names = sorted(_files(root, directory.recurse))
        refuse_other_tools(names)
        return _read({name: _inside(root, name) for name in manifest_paths(names, directory, limits)}, limits)
    except OSError as error:
        raise RenderError(f"{error.filename} cannot be read: {error.strerror}") from error


def _read(files: Mapping[str, Path], limits: Limits) -> dict[str, bytes]:
    size = 0
    for name, file in files.items():
        size += file.stat().st_size
        if size > limits.total_bytes:  # in the words of `render`, which would come too late: all is in memory then
            problem = f"{name}: up to here the files have {size:,} bytes, where {limits.total_bytes:,} are allowed"
            raise RenderError(exceeded(problem, "BYTES"))
    return {name: file.read_bytes() for name, file in files.items()}


def _files(root: Path, recurse: bool) -> Iterator[str]:
    """What a folder holds besides folders, as Git would list it: links to folders are not followed."""
    for folder, below, names in os.walk(root, onerror=_fail):
        yield from (Path(folder, name).relative_to(root).as_posix() for name in names)
        if not recurse:
            below.clear()


def _fail(error: OSError) -> None:
    # Half of a folder's manifests must never pass for all of them.
    raise error


def _inside(root: Path, name: str) -> Path:
    file = root / name
    if not file.exists():
        raise RenderError(f"{name} is a link that leads nowhere: mend or remove it")
    if not file.resolve().is_relative_to(root):
        raise RenderError(f"{name} is a link that leads out of {root}: copy the file instead")
    return file
