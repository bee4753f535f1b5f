"""A person's own kubeconfig: which context is meant, and the connection to its cluster."""

from pathlib import Path
from typing import Any

import yaml

from deployer.cluster.connection import Cluster, connect_with_file
from deployer.errors import ClusterError, ConfigurationError


def open_cluster(file: Path | None, context: str | None) -> tuple[Cluster, str]:
    """Connect as kubectl would, exec plugins and all: it is the person's own machine.

    Args:
        file: the kubeconfig; None means what kubectl would take (KUBECONFIG, or `~/.kube/config`).
        context: the context; None means the current one.

    Returns:
        The cluster, called as its context is, and the context's namespace, `default` where it has none.

    Raises:
        ConfigurationError: the file is missing or malformed, or has no such context.
    """
    where = str(file) if file else "kubectl's own configuration"
    current, namespaces = _contexts(file, where)
    name = context or current
    if name not in namespaces:
        wanted = f"no context {name!r}" if name else "no current context"
        there_is = ", ".join(namespaces) or "none"
        raise ConfigurationError(f"{where} has {wanted}: choose one with --context; there is: {there_is}")
    try:
        return connect_with_file(file, name), namespaces[name]
    except ClusterError as error:  # nothing has been sent yet: it is the file
        raise ConfigurationError(str(error)) from error


def _contexts(file: Path | None, where: str) -> tuple[str, dict[str, str]]:
    """The current context, `""` where there is none, and every context's namespace by its name."""
    from kubernetes.config import ConfigException
    from kubernetes.config.kube_config import KUBE_CONFIG_DEFAULT_LOCATION, KubeConfigMerger

    try:
        merged = KubeConfigMerger(str(file or KUBE_CONFIG_DEFAULT_LOCATION)).config
        if merged is None:
            place = file or KUBE_CONFIG_DEFAULT_LOCATION
            raise ConfigurationError(f"there is no kubeconfig at {place}: name one with --kubeconfig or KUBECONFIG")
        entries: list[dict[str, Any]] = [entry.value for entry in merged.value["contexts"]]
        namespaces = {str(one["name"]): str(one["context"].get("namespace") or "default") for one in entries}
        return str(merged.value.get("current-context") or ""), namespaces
    except (ConfigException, yaml.YAMLError, OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        # The content is never shown: it is full of credentials.
        raise ConfigurationError(
            f"{where} is no valid kubeconfig ({type(error).__name__}): look at it with `kubectl config view`"
        ) from None
