"""GitHub's own description of its REST API and its webhooks, and what a document lacks against it."""

import json
import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from openapi_schema_validator import OAS30Validator, oas30_format_checker
from referencing import Registry
from referencing.jsonschema import DRAFT4

VERSION = "23.0.2"  # of @octokit/openapi, which has https://github.com/github/rest-api-description as it is published
_FILE = "api.github.com.json"
_URI = "urn:github"

# What any route may be refused with, whether or not its own description says so.
_REFUSALS = {
    "401": "requires_authentication",
    "403": "forbidden",
    "404": "not_found",
    "409": "conflict",
    "422": "validation_failed",
    "429": "forbidden",
    "500": "internal_error",
    "503": "service_unavailable",
}


class Description:
    """The description, read strictly: no document may have a field that GitHub's has not."""

    def __init__(self, document: dict[str, Any]) -> None:
        self.document = document
        _sharpen(document)
        self._registry: Registry[Any] = Registry().with_resource(_URI, DRAFT4.create_resource(document))

    def answer_problems(self, method: str, template: str, status: int, answer: object) -> list[str]:
        """Return what is wrong with the JSON that a route answered with a status.

        Raises:
            KeyError: GitHub has no such route, or never answers it so.
        """
        responses = self.document["paths"][template][method.lower()]["responses"]
        if str(status) in responses:
            pointer = f"/paths/{_escape(template)}/{method.lower()}/responses/{status}"
            reference = responses[str(status)].get("$ref")
            pointer = reference[1:] if reference else pointer
        else:
            pointer = f"/components/responses/{_REFUSALS[str(status)]}"
        return self._problems(f"{pointer}/content/{_escape('application/json')}/schema", answer)

    def has_body(self, method: str, template: str, status: int) -> bool:
        """Tell whether a route's answer has JSON."""
        response = self.document["paths"][template][method.lower()]["responses"].get(str(status), {"$ref": ""})
        return "$ref" in response or "content" in response

    def payload_problems(self, event: str, payload: object) -> list[str]:
        """Return what is wrong with the payload of a webhook."""
        json_body = _escape("application/json")
        return self._problems(f"/x-webhooks/{event}/post/requestBody/content/{json_body}/schema", payload)

    def webhook_headers(self, event: str) -> set[str]:
        """Return the names of the headers that come with an event, in lower case."""
        parameters = self.document["x-webhooks"][event]["post"]["parameters"]
        return {parameter["name"].lower() for parameter in parameters if parameter["in"] == "header"}

    def _problems(self, pointer: str, document: object) -> list[str]:
        schema = {"$ref": f"{_URI}#{pointer}"}
        validator = OAS30Validator(schema, registry=self._registry, format_checker=oas30_format_checker)
        return [f"{error.json_path}: {error.message[:300]}" for error in validator.iter_errors(document)]


def load() -> Description | None:
    """Return the description, from the cache or else from npm, or None where there is no npm."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "deployer-local"
    file = cache / f"openapi-{VERSION}" / _FILE
    if not file.exists():
        if not shutil.which("npm"):
            return None
        _install(file)
    return Description(json.loads(file.read_bytes()))


def _install(file: Path) -> None:
    """Install the package beside the cache, and keep this one file of its 385 MB."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=file.parent) as folder:
        options = ("--prefix", folder, "--ignore-scripts", "--no-audit", "--no-fund")
        subprocess.run(["npm", "install", *options, f"@octokit/openapi@{VERSION}"], check=True, timeout=300)
        # Other tests may do the same now: whoever is last replaces the file by its like.
        (Path(folder) / "node_modules/@octokit/openapi/generated" / _FILE).replace(file)


def _sharpen(schema: Any) -> None:
    """Let no object have properties that are not described, and let what is nullable be null.

    By the letter of OpenAPI 3.0.3, `nullable` means nothing beside `oneOf`, `anyOf` or `enum`; GitHub means it. And
    GitHub's refusals all have a `status`, though it is described for some of them only. An installation's account is a
    user or an enterprise, though in lists it is described as both at once.
    """
    if isinstance(schema, dict):
        if schema.get("nullable") is True and len(schema.get("allOf", [])) > 1:
            schema["anyOf"] = schema.pop("allOf")
        if isinstance(schema.get("properties"), dict) and schema.get("type") == "object":
            schema.setdefault("additionalProperties", False)
            if "documentation_url" in schema["properties"]:
                schema["properties"].setdefault("status", {"type": "string"})
        for choice in ("oneOf", "anyOf"):
            if schema.get("nullable") is True and isinstance(schema.get(choice), list):
                schema[choice].append({"enum": [None]})
        if schema.get("nullable") is True and isinstance(schema.get("enum"), list):
            schema["enum"].append(None)
    for value in schema.values() if isinstance(schema, dict) else schema if isinstance(schema, list) else ():
        _sharpen(value)


def _escape(key: str) -> str:
    """Write a key as a part of a JSON pointer in a URI's fragment."""
    pointer = key.replace("~", "~0").replace("/", "~1")
    return re.sub(r"[{}]", lambda brace: f"%{ord(brace[0]):02X}", pointer)
