"""The manifests of one folder, for tests that need no more."""

from collections.abc import Mapping

from deployer.limits import DEFAULT_LIMITS, Limits
from deployer.manifest import Manifest
from deployer.rendering.render import Rendering
from deployer.source import Directory


def render(files: Mapping[str, bytes], directory: Directory, limits: Limits = DEFAULT_LIMITS) -> list[Manifest]:
    """Read the manifests of one folder; as `Rendering` does."""
    rendering = Rendering(limits)
    rendering.add_files(files, directory)
    return rendering.manifests
