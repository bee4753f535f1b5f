"""A certificate authority for one local cluster, and kubeconfigs that trust it."""

import base64
import datetime
import ipaddress

import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

_LIFETIME = datetime.timedelta(days=365)

_SIGNS_CERTIFICATES = x509.KeyUsage(
    key_cert_sign=True,
    crl_sign=True,
    digital_signature=False,
    content_commitment=False,
    key_encipherment=False,
    data_encipherment=False,
    key_agreement=False,
    encipher_only=False,
    decipher_only=False,
)


class CertificateAuthority:
    """Makes certificates and keys in PEM. `certificate` is its own."""

    def __init__(self, name: str) -> None:
        """Make a new authority called `name`."""
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        builder = self._builder(self._name, self._key.public_key())
        builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        builder = builder.add_extension(_SIGNS_CERTIFICATES, critical=True)
        self.certificate = self._sign(builder)

    def server(self, *hosts: str) -> tuple[bytes, bytes]:
        """Certificate and key of a server on this machine's loopback, which may be called by other names, too."""
        names = [x509.IPAddress(ipaddress.ip_address("127.0.0.1")), *map(x509.DNSName, ("localhost", *hosts))]
        return self._issue(
            [x509.NameAttribute(NameOID.COMMON_NAME, "localhost")],
            [(x509.SubjectAlternativeName(names), False), _usage(ExtendedKeyUsageOID.SERVER_AUTH)],
        )

    def administrator(self) -> tuple[bytes, bytes]:
        """Certificate and key of a user whom Kubernetes allows everything (group `system:masters`)."""
        return self._issue(
            [
                x509.NameAttribute(NameOID.ORGANIZATION_NAME, "system:masters"),
                x509.NameAttribute(NameOID.COMMON_NAME, "administrator"),
            ],
            [_usage(ExtendedKeyUsageOID.CLIENT_AUTH)],
        )

    def _issue(
        self, subject: list[x509.NameAttribute[str]], extensions: list[tuple[x509.ExtensionType, bool]]
    ) -> tuple[bytes, bytes]:
        key = ec.generate_private_key(ec.SECP256R1())
        builder = self._builder(x509.Name(subject), key.public_key())
        for extension, critical in extensions:
            builder = builder.add_extension(extension, critical)
        return self._sign(builder), key_in_pem(key)

    def _builder(self, subject: x509.Name, key: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
        now = datetime.datetime.now(datetime.UTC)
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(minutes=1))
            .not_valid_after(now + _LIFETIME)
            # Python verifies strictly (RFC 5280) from 3.13 on, and wants key identifiers and the CA's key usage.
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()), critical=False)
        )

    def _sign(self, builder: x509.CertificateBuilder) -> bytes:
        return builder.sign(self._key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


def _usage(usage: x509.ObjectIdentifier) -> tuple[x509.ExtensionType, bool]:
    return x509.ExtendedKeyUsage([usage]), False


def key_in_pem(key: ec.EllipticCurvePrivateKey | None = None) -> bytes:
    """A private key in PEM (SEC 1, which Kubernetes reads): a new one where none is given."""
    key = key or ec.generate_private_key(ec.SECP256R1())
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    )


def kubeconfig(name: str, url: str, ca: bytes, user: dict[str, str]) -> str:
    """A kubeconfig that holds everything itself: one cluster called `name` at `url`, and one user.

    Args:
        name: of the cluster and the context.
        url: of the API server.
        ca: the authority's certificate, PEM.
        user: the user's credentials, in a kubeconfig's own fields.
    """
    return yaml.safe_dump(
        {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": name, "cluster": {"server": url, "certificate-authority-data": encoded(ca)}}],
            "users": [{"name": "user", "user": user}],
            "contexts": [{"name": name, "context": {"cluster": name, "user": "user"}}],
            "current-context": name,
        },
        sort_keys=False,
    )


def encoded(data: bytes) -> str:
    """Base64, as a kubeconfig's `-data` fields hold PEM."""
    return base64.b64encode(data).decode()
