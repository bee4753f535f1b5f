"""Which fields a configuration document has, asked of the parsers themselves: what they say to fields that are wrong.

A field that nobody knows is answered with all that are; a number where a text belongs, with what belongs there.
"""

import copy
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import yaml

from deployer.application import parse_application
from deployer.application_set import parse_application_set
from deployer.cluster_document import parse_cluster
from deployer.errors import ConfigurationError
from deployer.project import parse_project

Parse = Callable[[Mapping[str, Any], str], Any]

PARSERS: Mapping[str, Parse] = {
    "Application": parse_application,
    "AppProject": parse_project,
    "ApplicationSet": parse_application_set,
    "Cluster": parse_cluster,
}

VALID = {
    "Application": [
        """
        metadata: {name: shop}
        spec:
          source:
            repoURL: https://github.com/acme/shop
            kustomize: {replicas: [{name: a, count: 1}], patches: [{path: a}]}
          destination: {name: production, namespace: shop}
          syncPolicy: {automated: {}, syncOptions: [CreateNamespace=true]}
          ignoreDifferences: [{kind: Deployment, jsonPointers: [/spec/replicas]}]
        """,
        """
        metadata: {name: shop}
        spec: {sources: [{repoURL: https://github.com/acme/shop}], destination: {name: production}}
        """,
        """
        metadata: {name: shop}
        spec: {source: {repoURL: https://github.com/acme/shop}, destination: {name: production}}
        """,
    ],
    "AppProject": [
        """
        metadata: {name: shops}
        spec:
          destinations: [{name: production}]
          clusterResourceWhitelist: [{group: "", kind: Namespace}]
          clusterResourceBlacklist: [{group: "", kind: Namespace}]
          namespaceResourceWhitelist: [{group: "", kind: Secret}]
          namespaceResourceBlacklist: [{group: "", kind: Secret}]
          syncWindows: [{kind: deny, schedule: 0 22 * * *, duration: 8h, applications: ["*"]}]
          destinationServiceAccounts: [{server: production, namespace: shop, defaultServiceAccount: team}]
        """
    ],
    "ApplicationSet": [
        """
        metadata: {name: agent}
        spec:
          generators: [{clusters: {selector: {matchExpressions: [{key: env, operator: Exists}]}}}]
          template: {metadata: {name: agent}, spec: {}}
        """,
        "{metadata: {name: agent}, spec: {generators: [{list: {elements: [{}]}}], template: {}}}",
    ],
    "Cluster": [
        "{metadata: {name: production}, spec: {kubeconfig: {secret: projects/acme/secrets/production}}}",
        "{metadata: {name: a}, spec: {gke: {cluster: projects/a/locations/b/clusters/c, endpoint: dns}}}",
    ],
}
"""Valid documents of each kind; together they have every list of mappings, and either of what excludes each other."""

TYPES = {
    "must be text": "text",
    "must be true or false": "true or false",
    "must be a whole number": "whole number",
    "must be a list of texts": "list of texts",
    "must be a mapping": "mapping",
    "must be a list of mappings": "list of mappings",
}
"""What an error says, and what it means that a field is."""

NOT_READ = "anything"


def valid(kind: str) -> list[dict[str, Any]]:
    """Documents of a kind that are valid."""
    return [yaml.safe_load(text) for text in VALID[kind]]


def fault(kind: str, document: Mapping[str, Any]) -> str:
    """What the parser of a kind says to a document; `""` where it is valid."""
    try:
        PARSERS[kind](document, "file")
    except ConfigurationError as error:
        return str(error).removeprefix("file: ").removeprefix("file, ApplicationSet agent: ")
    return ""


def with_field(document: Mapping[str, Any], path: str, value: Any) -> dict[str, Any]:
    """A document with a field set, such as `spec.destinations[].name`, in the first mapping of a list."""
    changed = copy.deepcopy(dict(document))
    *parents, name = path.split(".")
    at: Any = changed
    for parent in parents:
        key = parent.removesuffix("[]")
        at = at.setdefault(key, [{}] if parent.endswith("[]") else {})
        at = at[0] if parent.endswith("[]") else at
    at[name] = value
    return changed


def ask(kind: str, path: str, value: Any) -> list[str]:
    """What is said to a value of a field, in each of the valid documents that can have it."""
    return [fault(kind, with_field(document, path, value)) for document in valid(kind)]


def said(kind: str, path: str, value: Any, words: str) -> str:
    """The part of the answer to a value of a field that a pattern finds; `""` where it says something else."""
    pattern = re.compile(f"{re.escape(path.replace('[]', '[0]'))}: {words}")
    return next((found[1] for told in ask(kind, path, value) if (found := pattern.match(told))), "")


def names_in(kind: str, path: str) -> list[str]:
    """The fields that a mapping may have; none where it may have any."""
    told = said(kind, f"{path}.zzz" if path else "zzz", 0.5, "unknown field; allowed: (.*)")
    return told.split(", ") if told else []


def type_of(kind: str, path: str) -> str:
    """What a field is, such as `text`."""
    told = said(kind, path, 0.5, "(must be .*)")
    found = next((meaning for words, meaning in TYPES.items() if told.startswith(words)), NOT_READ)
    if found == "mapping" and said(kind, f"{path}.zzz", 0.5, "(must be text)"):
        return "texts by name"
    return found


def fields(kind: str, path: str = "") -> Iterator[tuple[str, str]]:
    """Every field that a document of a kind may have, with what it is; those of its metadata are the same for all."""
    for name in names_in(kind, path):
        field = f"{path}.{name}" if path else name
        if field not in ("apiVersion", "kind", "metadata"):
            found = type_of(kind, field)
            yield field, found
            if found in ("mapping", "list of mappings"):
                yield from fields(kind, f"{field}[]" if found == "list of mappings" else field)
