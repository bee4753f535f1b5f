"""What a command works on: an application of the configuration, or a path on this disk."""

import os
from dataclasses import dataclass, replace
from pathlib import Path

from deployer.application import Application
from deployer.cli.disk import DiskTree, enclosing
from deployer.configuration import Configuration, load_configuration
from deployer.errors import ConfigurationError, RenderError, SourceError
from deployer.limits import Limits
from deployer.manifest import Manifest
from deployer.rendering.directory import KUSTOMIZATIONS
from deployer.repository import Repository
from deployer.settings import Settings, load_settings
from deployer.source import HEAD, Directory, Source
from deployer.sync.source import Fetched, fetch_source, render_fetched


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
    """Render the manifests at a path as those of a commit are rendered, within the settings' limits.

    What they may name besides is what the Git repository around the path holds; Kustomize may name what stands
    elsewhere on this disk where there is no such repository.

    Args:
        path: a folder or a file.
        recurse: whether the folders below count, too.

    Raises:
        RenderError: they cannot be read, are not valid, or there is none.
        ConfigurationError: a setting is wrong.
    """
    limits = load_settings(os.environ).limits
    try:
        return render_fetched([fetch_path(path, recurse=recurse, limits=limits)], limits)
    except SourceError as error:
        raise RenderError(str(error)) from error


def fetch_path(path: Path, *, recurse: bool, limits: Limits) -> Fetched:
    """Read the files at a path that its rendering may read; see `render_path`. Raises SourceError and RenderError."""
    real = path.resolve()
    folder = real if real.is_dir() else real.parent
    is_kustomization = any((folder / name).exists() for name in KUSTOMIZATIONS)
    root = enclosing(folder) or (Path(folder.anchor) if is_kustomization else folder)
    if recurse and is_kustomization and real.is_dir():
        raise RenderError(f"{path} is a Kustomize folder, which is built as a whole; leave --recurse out")
    source = Source(str(path), Repository("", ""), real.relative_to(root).as_posix(), HEAD, Directory(recurse=recurse))
    return replace(fetch_source(DiskTree(root), source, limits), where=str(path))
