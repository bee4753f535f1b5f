"""The `Cluster` document: how a destination is reached."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from deployer.fields import Fields, parse_metadata
from deployer.secret_name import problem_of


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
    if problem := problem_of(secret):
        raise kubeconfig.error("secret", problem)
    return ClusterDocument(name, aliases, secret, metadata.text_map("labels"), place)
