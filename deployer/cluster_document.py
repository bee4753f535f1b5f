"""The `Cluster` document: how a destination is reached."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from deployer.fields import Fields, parse_metadata

_PART = r"[A-Za-z0-9][A-Za-z0-9_.:-]*"  # a project may be `example.com:acme`
_SECRET = re.compile(
    rf"projects/{_PART}/secrets/[A-Za-z0-9_-]{{1,255}}(/versions/(latest|[0-9]+|[A-Za-z][A-Za-z0-9_-]*))?"
)
_ALLOWED = "allowed: projects/PROJECT/secrets/NAME, or projects/PROJECT/secrets/NAME/versions/VERSION"


@dataclass(frozen=True)
class ClusterDocument:
    """One `Cluster` document: its name, what else destinations may call it, and the secret with its kubeconfig."""

    name: str
    aliases: tuple[str, ...]
    kubeconfig_secret: str
    labels: Mapping[str, str]
    place: str

    @property
    def names(self) -> tuple[str, ...]:
        """All that a destination may call it."""
        return (self.name, *self.aliases)


def parse_cluster(document: Mapping[str, Any], place: str) -> ClusterDocument:
    """Read the cluster that a document describes; `place` is the file and the document's number, for errors.

    Raises ConfigurationError, at the first field that is wrong.
    """
    top = Fields(document, place)
    top.allow("apiVersion", "kind", "metadata", "spec")
    metadata, spec = top.section("metadata"), top.section("spec")
    name = parse_metadata(metadata)
    spec.allow(
        *("aliases", "kubeconfig"),
        unsupported={"gke": "not supported yet; name a kubeconfig in spec.kubeconfig.secret"},
    )
    aliases = spec.texts("aliases")
    if "" in aliases or len({name, *aliases}) <= len(aliases):
        raise spec.error("aliases", "an alias is empty, stands there twice, or is the cluster's own name; remove it")
    kubeconfig = spec.section("kubeconfig")
    kubeconfig.allow("secret")
    secret = kubeconfig.required_text("secret")
    if not _SECRET.fullmatch(secret):
        regional = (
            "regional secrets are not supported yet" if "/locations/" in secret else "is not the name of a secret"
        )
        raise kubeconfig.error("secret", f"{regional}; {_ALLOWED}")
    return ClusterDocument(name, aliases, secret, metadata.text_map("labels"), place)
