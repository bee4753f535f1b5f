import socket
import ssl
import threading
from pathlib import Path

import pytest
import yaml
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from local.certificates import CertificateAuthority, encoded, key_in_pem, kubeconfig


def _handshake(server: ssl.SSLContext, client: ssl.SSLContext, name: str) -> None:
    """One TLS connection over a socket pair; raises what the client raises."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.settimeout(5)
        theirs.settimeout(5)

        def serve() -> None:
            try:
                server.wrap_socket(theirs, server_side=True).close()
            except OSError:  # the client went away
                theirs.close()

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            client.wrap_socket(ours, server_hostname=name).close()
        finally:
            ours.close()
            thread.join()


def _server(authority: CertificateAuthority, folder: Path) -> ssl.SSLContext:
    certificate, key = authority.server()
    (folder / "server.pem").write_bytes(certificate + key)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "server.pem")
    return context


def _client(authority: CertificateAuthority) -> ssl.SSLContext:
    context = ssl.create_default_context(cadata=authority.certificate.decode())
    context.verify_flags |= ssl.VERIFY_X509_STRICT  # the default from Python 3.13 on
    return context


@pytest.mark.parametrize("name", ["127.0.0.1", "localhost"])
def test_a_strict_client_trusts_the_server(name: str, tmp_path: Path) -> None:
    authority = CertificateAuthority("one")
    _handshake(_server(authority, tmp_path), _client(authority), name)


def test_a_client_of_another_authority_does_not(tmp_path: Path) -> None:
    server = _server(CertificateAuthority("one"), tmp_path)
    with pytest.raises(ssl.SSLCertVerificationError):
        _handshake(server, _client(CertificateAuthority("one")), "127.0.0.1")


def test_the_certificate_is_not_for_other_hosts(tmp_path: Path) -> None:
    authority = CertificateAuthority("one")
    with pytest.raises(ssl.SSLCertVerificationError):
        _handshake(_server(authority, tmp_path), _client(authority), "example.com")


def test_the_administrator_is_let_in_by_certificate(tmp_path: Path) -> None:
    authority = CertificateAuthority("one")
    certificate, key = authority.administrator()
    (tmp_path / "admin.pem").write_bytes(certificate + key)
    client = _client(authority)
    client.load_cert_chain(tmp_path / "admin.pem")
    server = _server(authority, tmp_path)
    server.load_verify_locations(cadata=authority.certificate.decode())
    server.verify_mode = ssl.CERT_REQUIRED
    _handshake(server, client, "127.0.0.1")


def test_a_kubeconfig_holds_all_it_needs() -> None:
    document = yaml.safe_load(kubeconfig("staging", "https://127.0.0.1:1", b"CA", {"token": "t"}))
    assert document["current-context"] == "staging"
    assert document["contexts"] == [{"name": "staging", "context": {"cluster": "staging", "user": "user"}}]
    assert document["clusters"] == [
        {
            "name": "staging",
            "cluster": {"server": "https://127.0.0.1:1", "certificate-authority-data": encoded(b"CA")},
        }
    ]
    assert document["users"] == [{"name": "user", "user": {"token": "t"}}]


def test_new_keys_differ() -> None:
    one, other = key_in_pem(), key_in_pem()
    assert one != other
    load_pem_private_key(one, None)
