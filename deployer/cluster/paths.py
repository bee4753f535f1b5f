"""The one builder of API paths: no name in a manifest can lead anywhere but to its own object."""

import re
from urllib.parse import quote

from deployer.cluster.discovery import Resource
from deployer.errors import ClusterError


def collection_path(resource: Resource, namespace: str) -> str:
    """Path of a resource's collection.

    Args:
        resource: what kind of object.
        namespace: its namespace; ignored for a cluster-scoped kind; `""` means all namespaces.

    Returns:
        Such as `/apis/apps/v1/namespaces/shop/deployments`.

    Raises:
        ClusterError: a part is not a single path segment.
    """
    root = ["apis", resource.group] if resource.group else ["api"]
    place = ["namespaces", namespace] if resource.namespaced and namespace else []
    return "/" + "/".join(_segment(part) for part in [*root, resource.version, *place, resource.plural])


def object_path(resource: Resource, namespace: str, name: str) -> str:
    """Path of one object, such as `/apis/apps/v1/namespaces/shop/deployments/web`.

    Raises:
        ClusterError: a part is not a single path segment, or a namespaced object has no namespace.
    """
    if resource.namespaced and not namespace:
        raise ClusterError(f"{resource.kind}/{name} needs a namespace: set it in the manifest or in `destination`")
    return f"{collection_path(resource, namespace)}/{_segment(name)}"


def _segment(part: str) -> str:
    # urllib3 folds `..` and the server splits at `/`, even percent-encoded in some proxies: refuse, then encode.
    # The rule is the API machinery's own for path segments (apimachinery, pkg/api/validation/path).
    # Half a character (a surrogate) has no encoding.
    if not part or part in (".", "..") or re.search("[/%\ud800-\udfff]", part):
        raise ClusterError(f"{part!r} cannot be part of an API path: it must be one segment without `/`, `%` or `..`")
    return quote(part, safe=":")
