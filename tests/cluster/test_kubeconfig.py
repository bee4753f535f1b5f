"""What a kubeconfig from a secret may ask for."""

import base64
from typing import Any

import pytest
import yaml

from deployer.cluster.kubeconfig import Kubeconfig, parse_kubeconfig
from deployer.errors import ClusterError
from local.certificates import CertificateAuthority, encoded

CERTIFICATE, KEY = CertificateAuthority("test").administrator()
BY_CERTIFICATE = {"client-certificate-data": encoded(CERTIFICATE), "client-key-data": encoded(KEY)}


def kubeconfig(cluster: dict[str, Any] | None = None, user: dict[str, Any] | None = None) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "here",
        "contexts": [{"name": "here", "context": {"cluster": "c", "user": "u"}}],
        "clusters": [{"name": "c", "cluster": {"server": "https://127.0.0.1:6443/", **(cluster or {})}}],
        "users": [{"name": "u", "user": {"token": "s3cret-token", **(user or {})}}],
    }


def parsed(config: dict[str, Any]) -> Kubeconfig:
    return parse_kubeconfig(yaml.safe_dump(config).encode(), "projects/p/secrets/k")


def refused(config: dict[str, Any]) -> str:
    with pytest.raises(ClusterError) as caught:
        parsed(config)
    assert "projects/p/secrets/k" in str(caught.value)
    assert "s3cret" not in str(caught.value)
    assert caught.value.__suppress_context__ or caught.value.__context__ is None, "it is shown by the traceback"
    return str(caught.value)


def test_plain_and_base64_are_read_alike() -> None:
    plain = yaml.safe_dump(kubeconfig()).encode()
    wanted = Kubeconfig("https://127.0.0.1:6443", "", "", "s3cret-token", b"", b"")
    # As `base64` prints it: lines of 76 characters.
    assert parse_kubeconfig(plain, "s") == parse_kubeconfig(base64.encodebytes(plain), "s") == wanted


def test_all_that_a_connection_needs_is_read() -> None:
    authority = CertificateAuthority("test").certificate
    cluster = {
        "certificate-authority-data": base64.encodebytes(authority).decode(),  # with line breaks
        "tls-server-name": "kubernetes",
        "disable-compression": True,
        "insecure-skip-tls-verify": False,
        "extensions": [{"name": "minikube"}],
    }
    got = parsed(kubeconfig(cluster, {**BY_CERTIFICATE, "exec": None}))
    assert got == Kubeconfig(
        "https://127.0.0.1:6443", authority.decode(), "kubernetes", "s3cret-token", CERTIFICATE, KEY
    )


def test_credentials_are_not_in_its_repr() -> None:
    shown = repr(parsed(kubeconfig(user=BY_CERTIFICATE)))
    assert "s3cret" not in shown
    assert "BEGIN" not in shown


def test_a_token_of_digits_is_a_token() -> None:
    assert parsed(kubeconfig(user={"token": 12345})).token == "12345"


@pytest.mark.parametrize(
    ("cluster", "user", "named"),
    [
        ({}, {"exec": {"command": "id"}}, "user.exec is refused"),
        ({}, {"auth-provider": {"name": "gcp"}}, "user.auth-provider is refused"),
        ({}, {"tokenFile": "/etc/passwd"}, "user.tokenFile is refused"),
        ({}, {"as": "viewer", "as-groups": ["s3cret"]}, "user.as, user.as-groups is refused"),
        ({}, {"as-uid": "1"}, "user.as-uid is refused"),
        ({}, {"as-user-extra": {"scopes": ["view"]}}, "user.as-user-extra is refused"),
        ({}, {"client-certificate": "/c", "client-key": "/k"}, "user.client-certificate, user.client-key is refused"),
        ({}, {"username": "admin", "password": "s3cret"}, "user.password, user.username is refused"),
        ({}, {"a-field-of-tomorrow": "x"}, "user.a-field-of-tomorrow is refused"),
        ({"certificate-authority": "/ca"}, {}, "cluster.certificate-authority is refused"),
        ({"insecure-skip-tls-verify": True}, {}, "cluster.insecure-skip-tls-verify is refused"),
        ({"proxy-url": "http://127.0.0.1:1"}, {}, "cluster.proxy-url is refused"),
        ({"a-field-of-tomorrow": "x"}, {}, "cluster.a-field-of-tomorrow is refused"),
        ({"server": "http://127.0.0.1:6443"}, {}, "must be an https:// address"),
        ({"server": None}, {}, "must be an https:// address"),
        ({"server": ["https://127.0.0.1"]}, {}, "must be an https:// address"),
    ],
)
def test_what_is_unsafe_is_refused_by_its_name(cluster: dict[str, Any], user: dict[str, Any], named: str) -> None:
    assert named in refused(kubeconfig(cluster, user))


def test_what_its_current_context_does_not_name_does_not_count() -> None:
    config = kubeconfig()
    config["clusters"].append({"name": "d", "cluster": {"server": "http://there", "proxy-url": "http://there"}})
    config["users"] += [{"name": "v", "user": {"exec": {"command": "id"}}}, {"name": "w"}, "x"]
    config["contexts"].append({"name": "there", "context": {"cluster": "d", "user": "v"}})
    assert parsed(config) == parsed(kubeconfig())


@pytest.mark.parametrize(
    "user",
    [{}, {"token": ""}, {"client-certificate-data": encoded(CERTIFICATE)}, {"client-key-data": encoded(KEY)}],
)
def test_a_user_without_credentials_is_told(user: dict[str, Any]) -> None:
    told = "its user needs a token, or client-certificate-data with client-key-data"
    assert told in refused(kubeconfig(user={"token": None, **user}))


def test_half_of_a_certificate_is_told_beside_a_token() -> None:
    assert "client-certificate-data with client-key-data" in refused(kubeconfig(user={"client-key-data": encoded(KEY)}))


@pytest.mark.parametrize("value", ["s3cret!", "s3cr\u00e9t", "YQ", ["s3cret"]])
@pytest.mark.parametrize("field", ["client-certificate-data", "client-key-data"])
def test_what_is_not_base64_is_told_and_not_shown(field: str, value: object) -> None:
    told = f": user.{field} is not base64: take the field as `kubectl config view --raw` shows it"
    assert told in refused(kubeconfig(user={**BY_CERTIFICATE, field: value}))


def test_an_authority_that_is_not_base64_is_told() -> None:
    assert ": cluster.certificate-authority-data is not base64" in refused(
        kubeconfig({"certificate-authority-data": "-----BEGIN CERTIFICATE-----"})
    )


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"just text with s3cret-token",
        b"{unfinished: [s3cret-token",
        b"\xff\xfe\x00s3cret-token",
        base64.b64encode(b"s3cret-token"),
        b"kind: ConfigMap\ntoken: s3cret-token",
        b"- s3cret-token",
    ],
)
def test_what_is_no_kubeconfig_is_refused_and_not_shown(payload: bytes) -> None:
    with pytest.raises(ClusterError, match="holds no kubeconfig") as caught:
        parse_kubeconfig(payload, "s")
    assert "s3cret-token" not in str(caught.value)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"current-context": "there"}, "current-context 'there'"),
        ({"current-context": None}, "current-context None"),
        ({"clusters": []}, "cluster 'c'"),
        ({"users": "none"}, "user 'u'"),
        ({"contexts": [{"name": "here"}]}, "cluster None"),
    ],
)
def test_what_is_missing_is_named(change: dict[str, Any], reason: str) -> None:
    with pytest.raises(ClusterError, match="is not among its") as caught:
        parse_kubeconfig(yaml.safe_dump({**kubeconfig(), **change}).encode(), "s")
    assert reason in str(caught.value)
