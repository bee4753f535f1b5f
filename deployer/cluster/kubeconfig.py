"""What a kubeconfig from a secret may ask for, and the way to the cluster that it gives."""

import base64
import binascii
import ssl
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml

from deployer.errors import ClusterError

# All else is refused, not ignored: a program to run, a file to read, a proxy, an unchecked certificate hand part of
# the deployer to whoever wrote the secret (Flux CVE-2022-24817 was `exec` in a tenant's kubeconfig), and without its
# impersonation (`as`) the account may do more than its owner meant.
_CLUSTER = ("server", "certificate-authority-data", "tls-server-name", "disable-compression", "extensions")
_USER = ("token", "client-certificate-data", "client-key-data", "extensions")


@dataclass(frozen=True)
class Kubeconfig:
    """What the current context connects with.

    `authority` is PEM, `""` for those that the machine trusts; `server_name` is the name in the server's certificate,
    `""` where the address has it. The user has a token, or a certificate with its key (PEM), or both.
    """

    server: str
    authority: str
    server_name: str
    token: str = field(repr=False)
    certificate: bytes = field(repr=False)
    key: bytes = field(repr=False)

    def tls(self) -> ssl.SSLContext:
        """Make the context of the connections.

        Raises:
            OSError: a certificate or the key is malformed, or they do not match.
        """
        context = trust(self.authority)
        if self.certificate:
            # Python loads a key from nowhere but a file. This one is the process's own (0600), and gone at once.
            with tempfile.NamedTemporaryFile() as file:
                file.write(self.certificate + b"\n" + self.key)
                file.flush()
                context.load_cert_chain(file.name, password="")  # without one, OpenSSL asks the terminal
        return context


def trust(authority: str) -> ssl.SSLContext:
    """Make a context that trusts one authority (PEM), or those that the machine trusts where it is `""`.

    Raises:
        OSError, ValueError: it is malformed.
    """
    if not authority:
        return ssl.create_default_context()
    context = ssl.create_default_context(cadata=authority)
    # From 3.13 on, Python wants extensions in an authority's certificate that those of many clusters have not
    # (https://github.com/kubernetes-client/python/issues/2394). Who is trusted stays the same.
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    return context


def parse_kubeconfig(payload: bytes, secret: str) -> Kubeconfig:
    """Read a kubeconfig from a secret, plain or base64, and refuse its unsafe parts.

    Only what its current context names counts; the other clusters and users are never looked at.

    Args:
        payload: the secret's bytes; CI systems keep kubeconfigs as base64, often in a secret named KUBE_CONFIG_DATA.
        secret: the secret's name, for errors.

    Raises:
        ClusterError: it is no kubeconfig, or asks for something unsafe.
    """
    where = f"kubeconfig in {secret}"
    config = _load(payload, secret)
    context = _named(config, "contexts", config.get("current-context"), "context", where)
    cluster = _named(config, "clusters", context.get("cluster"), "cluster", where)
    user = _named(config, "users", context.get("user"), "user", where)
    unsafe = [f"cluster.{key}" for key, value in cluster.items() if value and key not in _CLUSTER]
    unsafe += [f"user.{key}" for key, value in user.items() if value and key not in _USER]
    if unsafe:
        raise ClusterError(
            f"{where}: {', '.join(unsafe)} is refused in a kubeconfig that comes from a secret; "
            "use certificate-authority-data and a token or client-certificate-data instead"
        )
    server = _text(cluster, "server")
    if not server.startswith("https://"):
        raise ClusterError(f"{where}: cluster.server must be an https:// address")
    token = _text(user, "token")
    certificate = _pem(user, "client-certificate-data", f"{where}: user")
    key = _pem(user, "client-key-data", f"{where}: user")
    if bool(certificate) != bool(key) or not (certificate or token):
        raise ClusterError(f"{where}: its user needs a token, or client-certificate-data with client-key-data")
    authority = _pem(cluster, "certificate-authority-data", f"{where}: cluster").decode("latin-1")
    return Kubeconfig(server.rstrip("/"), authority, _text(cluster, "tls-server-name"), token, certificate, key)


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


def _named(config: dict[str, Any], section: str, name: object, kind: str, where: str) -> dict[str, Any]:
    entries = config.get(section)
    for entry in entries if isinstance(entries, list) else []:
        if isinstance(entry, dict) and name is not None and entry.get("name") == name:
            value = entry.get(kind)
            return value if isinstance(value, dict) else {}
    wanted = "current-context" if kind == "context" else f"the context's {kind}"
    raise ClusterError(f"{where}: {wanted} {name!r} is not among its {section}")


def _text(fields: Mapping[str, Any], name: str) -> str:
    """A field's text; YAML reads a token of digits alone as a number."""
    value = fields.get(name)
    return "" if value is None else str(value)


def _pem(fields: Mapping[str, Any], name: str, where: str) -> bytes:
    try:
        return base64.b64decode("".join(_text(fields, name).split()), validate=True)
    except ValueError:
        # Neither quoted nor chained: somebody may have put the key itself there.
        told = f"{where}.{name} is not base64: take the field as `kubectl config view --raw` shows it"
        raise ClusterError(told) from None
