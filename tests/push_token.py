"""Tokens as Google's Pub/Sub shows them to what it pushes to, signed with a key of our own.

https://cloud.google.com/pubsub/docs/authenticate-push-subscriptions has their form, and
https://www.googleapis.com/oauth2/v1/certs and /v3/certs that of the certificates.
"""

import base64
import json
import time
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509.oid import NameOID

ISSUER = "https://accounts.google.com"


class Signer:
    """Signs tokens. `rotate` takes a new key; the certificates of the former ones stay published."""

    def __init__(self) -> None:
        self._keys: dict[str, rsa.RSAPrivateKey] = {}
        self.rotate()

    def rotate(self) -> None:
        """Sign with a new key from now on."""
        self._keys[f"key-{len(self._keys) + 1}"] = _new_key()

    def forget_former_keys(self) -> None:
        """Publish the certificate of the present key alone."""
        self._keys = dict([list(self._keys.items())[-1]])

    def token(
        self, audience: str, email: str, *, lifetime: float = 3600, forged: bool = False, **changes: object
    ) -> str:
        """Return a token.

        Args:
            audience: whom it is for.
            email: the service account that it speaks for.
            lifetime: seconds that it is good for, from now; negative is expired.
            forged: whether it is signed with a key that only claims to be the published one.
            changes: claims that are other than usual; None leaves one out.
        """
        kid = list(self._keys)[-1]
        now = int(time.time())
        claims = {
            "aud": audience,
            "azp": "113774264463038321964",
            "email": email,
            "email_verified": True,
            "exp": int(now + lifetime),
            "iat": now if lifetime > 0 else int(now + lifetime - 3600),
            "iss": ISSUER,
            "sub": "113774264463038321964",
            **changes,
        }
        claims = {name: value for name, value in claims.items() if value is not None}
        parts = [{"alg": "RS256", "kid": kid, "typ": "JWT"}, claims]
        signed = ".".join(_base64(json.dumps(part).encode()) for part in parts)
        key = _new_key() if forged else self._keys[kid]
        return f"{signed}.{_base64(key.sign(signed.encode(), padding.PKCS1v15(), hashes.SHA256()))}"

    def certificates(self) -> dict[str, str]:
        """Return the keys' certificates in PEM, as /oauth2/v1/certs has them."""
        return {kid: _certificate(key) for kid, key in self._keys.items()}

    def jwks(self) -> dict[str, Any]:
        """Return the keys as a JSON Web Key Set, as /oauth2/v3/certs has them."""
        return {"keys": [_jwk(kid, key) for kid, key in self._keys.items()]}


def _new_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def _certificate(key: rsa.RSAPrivateKey) -> str:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "federated-signon.system.gserviceaccount.com")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=15))
        .sign(key, hashes.SHA256())
    )
    return certificate.public_bytes(serialization.Encoding.PEM).decode()


def _jwk(kid: str, key: rsa.RSAPrivateKey) -> dict[str, str]:
    numbers = key.public_key().public_numbers()
    return {
        "kty": "RSA",
        "use": "sig",
        "alg": "RS256",
        "kid": kid,
        "n": _base64(numbers.n.to_bytes((numbers.n.bit_length() + 7) // 8, "big")),
        "e": _base64(numbers.e.to_bytes(3, "big")),
    }


def _base64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
