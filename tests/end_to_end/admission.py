"""An admission webhook that rejects objects (https://kubernetes.io/docs/reference/access-authn-authz/extensible-admission-controllers/)."""

import json
import ssl
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from local.certificates import CertificateAuthority, encoded

_LONGEST = 25
"""Seconds that an API server waits for the webhook; 30 is the most that it may be told."""


class Admission:
    """A webhook over HTTPS that rejects the ConfigMaps whose key is `bad`; a context manager.

    `asked` are the names of the ConfigMaps that it was asked about, with whether that was for a dry-run. While `open`
    is not set, it lets a write wait whose key is `slow`.
    """

    def __init__(self, folder: Path) -> None:
        """Say where certificate and key may lie."""
        self.asked: list[tuple[str, bool]] = []
        self.open = threading.Event()
        authority = CertificateAuthority("admission")
        certificate, key = authority.server()
        (folder / "admission.pem").write_bytes(certificate + key)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(folder / "admission.pem")
        self._ca = authority.certificate
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def configuration(self, namespace: str) -> dict[str, Any]:
        """What has an API server ask about the ConfigMaps of a namespace, and of no other."""
        url = f"https://127.0.0.1:{self._server.server_address[1]}/"
        rule = {"apiGroups": [""], "apiVersions": ["v1"], "resources": ["configmaps"]}
        webhook = {
            "name": "taste.example.org",
            "clientConfig": {"url": url, "caBundle": encoded(self._ca)},
            "rules": [{**rule, "operations": ["CREATE", "UPDATE"]}],
            "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": namespace}},
            "failurePolicy": "Fail",
            "sideEffects": "None",
            "admissionReviewVersions": ["v1"],
            "timeoutSeconds": _LONGEST,
        }
        return {
            "apiVersion": "admissionregistration.k8s.io/v1",
            "kind": "ValidatingWebhookConfiguration",
            "metadata": {"name": namespace},
            "webhooks": [webhook],
        }

    def _judge(self, request: dict[str, Any]) -> dict[str, Any]:
        self.asked.append((request["name"], request["dryRun"]))
        key = (request["object"].get("data") or {}).get("key")
        if key == "slow" and not request["dryRun"]:
            self.open.wait(_LONGEST)
        if key != "bad":
            return {"uid": request["uid"], "allowed": True}
        return {"uid": request["uid"], "allowed": False, "status": {"code": 403, "message": "nothing bad in here"}}

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        judge = self._judge

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            timeout = 30

            def do_POST(self) -> None:
                review = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                answer = json.dumps({**review, "response": judge(review["request"])}).encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *arguments: object) -> None:
                """Say nothing."""

        return Handler
