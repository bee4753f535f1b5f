"""The `Cluster` document: how a destination is reached."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from deployer.fields import Fields, parse_metadata
from deployer.secret_name import problem_of

ENDPOINTS = ("dns", "ip", "connect-gateway")
"""The ways to the control plane of a GKE cluster."""

_GKE_CLUSTER = re.compile(
    r"projects/(?P<project>[a-z0-9][a-z0-9.:-]*)/locations/(?P<location>[a-z][a-z0-9-]*)/clusters/(?P<name>[a-z][a-z0-9-]*)"
)


@dataclass(frozen=True)
class Gke:
    """A cluster of GKE, which is reached with the identity of whoever runs this, by one of `ENDPOINTS`."""

    project: str
    location: str
    name: str
    endpoint: str

    def __str__(self) -> str:
        """Its name, as Google's APIs have it."""
        return f"projects/{self.project}/locations/{self.location}/clusters/{self.name}"


@dataclass(frozen=True)
class ClusterDocument:
    """One `Cluster` document: its name, what else destinations may call it, and the way to it.

    That is either the secret with its kubeconfig (`""` where there is none), or `gke`.
    """

    name: str
    aliases: tuple[str, ...]
    kubeconfig_secret: str
    labels: Mapping[str, str]
    place: str
    gke: Gke | None = None
    annotations: Mapping[str, str] = field(default_factory=dict)

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
    spec.allow("aliases", "kubeconfig", "gke")
    aliases = spec.texts("aliases")
    if "" in aliases or len({name, *aliases}) <= len(aliases):
        raise spec.error("aliases", "an alias is empty, stands there twice, or is the cluster's own name; remove it")
    kubeconfig, gke = spec.section("kubeconfig"), spec.section("gke")
    if gke.values and kubeconfig.values:
        raise spec.error("gke", "there is a kubeconfig, too; a cluster is reached by one of them: remove the other")
    if not gke.values and not kubeconfig.values:
        raise spec.error("kubeconfig", "is missing; name its secret, or the cluster in spec.gke")
    labels, annotations = metadata.text_map("labels"), metadata.text_map("annotations")
    if gke.values:
        return ClusterDocument(name, aliases, "", labels, place, _parse_gke(gke), annotations)
    kubeconfig.allow("secret")
    secret = kubeconfig.required_text("secret")
    if problem := problem_of(secret):
        raise kubeconfig.error("secret", problem)
    return ClusterDocument(name, aliases, secret, labels, place, annotations=annotations)


def _parse_gke(gke: Fields) -> Gke:
    gke.allow("cluster", "endpoint")
    found = _GKE_CLUSTER.fullmatch(gke.required_text("cluster"))
    if not found:
        raise gke.error("cluster", "is no cluster; allowed: projects/PROJECT/locations/LOCATION/clusters/NAME")
    endpoint = gke.required_text("endpoint")
    if endpoint not in ENDPOINTS:
        raise gke.error("endpoint", f"{endpoint[:60]!r} is no endpoint; allowed: {', '.join(ENDPOINTS)}")
    return Gke(**found.groupdict(), endpoint=endpoint)
