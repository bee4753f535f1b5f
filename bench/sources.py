"""What is synced: a real project of many kinds, and many small objects of one kind."""

import re

from bench.servers import ROOT

KUBE_PROMETHEUS = ROOT.parent / "shared" / "manifests" / "kube-prometheus" / "manifests"
"""131 objects of 24 kinds, written by others; they need not be there."""
DEFINITIONS = "setup"
"""The folder in it with what the others need first: a Namespace and 10 CustomResourceDefinitions."""
CHANGED = "grafana-deployment.yaml"
"""The file in it whose image is changed."""

NAMESPACES, IN_EACH = 20, 50


def with_tag(text: str, tag: str) -> str:
    """Give the one image of a manifest another tag.

    Raises:
        ValueError: it has none, or several.
    """
    changed, count = re.subn(r"^( *image: .*:).*$", rf"\g<1>{tag}", text, flags=re.MULTILINE)
    if count != 1:
        raise ValueError(f"the manifest has {count} images, not one")
    return changed


def config_maps(prefix: str) -> dict[str, str]:
    """Make `NAMESPACES` files, whose names and namespaces begin with a prefix.

    Returns:
        Their content by name: a Namespace, then `IN_EACH` ConfigMaps in it.
    """
    return {f"{name}.yaml": _file(name) for name in (f"{prefix}-{number:02}" for number in range(NAMESPACES))}


def _file(namespace: str) -> str:
    settings = "\n".join(
        f"---\napiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: settings-{number:02}\n  namespace: {namespace}\n"
        f'data:\n  GREETING: "hello {number}"\n  LEVEL: info'
        for number in range(IN_EACH)
    )
    return f"apiVersion: v1\nkind: Namespace\nmetadata:\n  name: {namespace}\n{settings}\n"
