"""What a kubeconfig may ask for, depending on where it comes from."""

import base64
import binascii
from typing import Any

import yaml

from deployer.errors import ClusterError

# A program to run, a file to read, a proxy, an unchecked certificate: each hands part of the deployer to whoever
# wrote the secret. (Flux CVE-2022-24817 was `exec` in a tenant's kubeconfig.)
_UNSAFE_CLUSTER = ("certificate-authority", "insecure-skip-tls-verify", "proxy-url")
_UNSAFE_USER = ("exec", "auth-provider", "client-certificate", "client-key", "tokenFile")
# The client library knows no impersonation: ignored, it would leave the account more than its owner meant it to have.
_IGNORED_USER = ("as", "as-uid", "as-groups", "as-user-extra")


def parse_kubeconfig(payload: bytes, secret: str) -> dict[str, Any]:
    """Read a kubeconfig from a secret, plain or base64, and refuse its unsafe parts.

    Args:
        payload: the secret's bytes; CI systems keep kubeconfigs as base64, often in a secret named KUBE_CONFIG_DATA.
        secret: the secret's name, for errors.

    Returns:
        The kubeconfig as a dictionary, with a current context whose cluster and user exist.

    Raises:
        ClusterError: it is no kubeconfig, or asks for something unsafe.
    """
    config = _load(payload, secret)
    context = _named(config, "contexts", config.get("current-context"), "context", secret)
    cluster = _named(config, "clusters", context.get("cluster"), "cluster", secret)
    user = _named(config, "users", context.get("user"), "user", secret)
    unsafe = [f"cluster.{key}" for key in _UNSAFE_CLUSTER if cluster.get(key)]
    unsafe += [f"user.{key}" for key in (*_UNSAFE_USER, *_IGNORED_USER) if user.get(key)]
    if unsafe:
        raise ClusterError(
            f"kubeconfig in {secret}: {', '.join(unsafe)} is refused in a kubeconfig that comes from a secret; "
            "use certificate-authority-data and a token or client-certificate-data instead"
        )
    server = str(cluster.get("server", ""))
    if not server.startswith("https://"):
        raise ClusterError(f"kubeconfig in {secret}: cluster.server must be an https:// address")
    return config


def _load(payload: bytes, secret: str) -> dict[str, Any]:
    config = _as_mapping(payload)
    if config is None:
        try:
            config = _as_mapping(base64.b64decode(b"".join(payload.split()), validate=True))
        except binascii.Error:
            config = None
    if config is None or config.get("kind") != "Config":
        # The payload itself is never shown: it is full of credentials.
        raise ClusterError(
            f"the secret {secret} holds no kubeconfig: expected YAML with `kind: Config`, plain or base64"
        )
    return config


def _as_mapping(payload: bytes) -> dict[str, Any] | None:
    try:
        config = yaml.safe_load(payload)
    except (yaml.YAMLError, UnicodeDecodeError, ValueError, RecursionError):
        return None
    return config if isinstance(config, dict) else None


def _named(config: dict[str, Any], section: str, name: object, kind: str, secret: str) -> dict[str, Any]:
    entries = config.get(section)
    for entry in entries if isinstance(entries, list) else []:
        if isinstance(entry, dict) and name is not None and entry.get("name") == name:
            value = entry.get(kind)
            return value if isinstance(value, dict) else {}
    wanted = "current-context" if kind == "context" else f"the context's {kind}"
    raise ClusterError(f"kubeconfig in {secret}: {wanted} {name!r} is not among its {section}")
