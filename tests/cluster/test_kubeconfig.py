"""What a kubeconfig from a secret may ask for."""

import base64
from typing import Any

import pytest
import yaml

from deployer.cluster.kubeconfig import parse_kubeconfig
from deployer.errors import ClusterError


def kubeconfig(cluster: dict[str, Any] | None = None, user: dict[str, Any] | None = None) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "here",
        "contexts": [{"name": "here", "context": {"cluster": "c", "user": "u"}}],
        "clusters": [{"name": "c", "cluster": {"server": "https://127.0.0.1:6443", **(cluster or {})}}],
        "users": [{"name": "u", "user": {"token": "s3cret-token", **(user or {})}}],
    }


def test_plain_and_base64_are_read_alike() -> None:
    plain = yaml.safe_dump(kubeconfig()).encode()
    # As `base64` prints it: lines of 76 characters.
    assert parse_kubeconfig(plain, "s") == parse_kubeconfig(base64.encodebytes(plain), "s") == kubeconfig()


@pytest.mark.parametrize(
    ("cluster", "user", "named"),
    [
        ({}, {"exec": {"command": "id"}}, "user.exec"),
        ({}, {"auth-provider": {"name": "gcp"}}, "user.auth-provider"),
        ({}, {"tokenFile": "/etc/passwd"}, "user.tokenFile"),
        ({}, {"as": "viewer", "as-groups": ["readers"]}, "user.as, user.as-groups is refused"),
        ({}, {"client-certificate": "/c", "client-key": "/k"}, "user.client-certificate, user.client-key"),
        ({"certificate-authority": "/ca"}, {}, "cluster.certificate-authority"),
        ({"insecure-skip-tls-verify": True}, {}, "cluster.insecure-skip-tls-verify"),
        ({"proxy-url": "http://127.0.0.1:1"}, {}, "cluster.proxy-url"),
        ({"server": "http://127.0.0.1:6443"}, {}, "must be an https:// address"),
    ],
)
def test_what_is_unsafe_is_refused_by_its_name(cluster: dict[str, Any], user: dict[str, Any], named: str) -> None:
    payload = yaml.safe_dump(kubeconfig(cluster, user)).encode()
    with pytest.raises(ClusterError, match="projects/p/secrets/k") as caught:
        parse_kubeconfig(payload, "projects/p/secrets/k")
    assert named in str(caught.value)
    assert "s3cret-token" not in str(caught.value)


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
