"""`spec.syncPolicy.managedNamespaceMetadata`: what the Namespace bears that `CreateNamespace=true` makes.

As in Argo CD (`controller/sync_namespace.go`), it is brought up to date where the Namespace is there already, and what
others have set on it stays.
"""

from collections.abc import Mapping

from deployer.fields import Fields

NamespaceMetadata = Mapping[str, Mapping[str, str]]
"""`labels` and `annotations`, those of the two that there are; empty where nothing is asked for."""

_NONE_OF_ITS = "which the Namespace is none of: remove it, or put a Namespace manifest into the source"
_RESERVED = {
    "applyset.kubernetes.io/": f"is for members of an application, {_NONE_OF_ITS}",
    "argocd.argoproj.io/": f"is for objects of an application, {_NONE_OF_ITS}",
}


def parse_namespace_metadata(policy: Fields, *, create_namespace: bool) -> NamespaceMetadata:
    """Read `managedNamespaceMetadata` of a sync policy.

    Raises ConfigurationError where no Namespace is to be made, which Argo CD ignores, and for keys that say to whom an
    object belongs, or how it is synced.
    """
    managed = policy.section("managedNamespaceMetadata")
    managed.allow("labels", "annotations")
    found = {name: texts for name in ("labels", "annotations") if (texts := managed.text_map(name))}
    for name, texts in found.items():
        for key in texts:
            for prefix, problem in _RESERVED.items():
                if key.startswith(prefix):
                    raise managed.section(name).error(key, problem)
    if found and not create_namespace:
        raise policy.error("managedNamespaceMetadata", "needs the sync option CreateNamespace=true")
    return found
