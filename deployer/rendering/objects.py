"""What makes a value that was read from a file a Kubernetes object."""

import re
from collections.abc import Iterator
from typing import Any

from deployer.errors import RenderError
from deployer.hooks import parse_hook
from deployer.manifest import Manifest

_LONGEST_NAME = 253
_DNS_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
_API_VERSION = re.compile(r"([a-z0-9]([-.a-z0-9]{0,251}[a-z0-9])?/)?[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
_KIND = re.compile(r"[A-Za-z]([-A-Za-z0-9]{0,61}[A-Za-z0-9])?")
_TYPES = {type(None): "null", bool: "a boolean", int: "a number", float: "a number", list: "a list", dict: "a mapping"}
_EXCLUDE = "if this is no manifest, leave the file out with `directory.exclude`"


def looks_like_object(value: Any) -> bool:
    """Tell whether a value is meant as a Kubernetes object, whole or not.

    A number as `apiVersion` is not: Grafana's provisioning files begin with `apiVersion: 1`.
    """
    return isinstance(value, dict) and ("kind" in value or isinstance(value.get("apiVersion"), str))


def manifests(value: Any, place: str) -> Iterator[Manifest]:
    """Give the manifests that a document holds: itself, or the items of a list. `place` tells a person where it stands.

    As in Argo CD, a list is what has a list as `items`, or null there and neither `spec` nor `status`; a list as an
    item is not looked into. Raises RenderError for whatever is no object with an apiVersion, a kind and a name;
    of a hook, generateName is one as well.
    """
    _check_type(value, place)
    items = value.get("items")
    if isinstance(items, list):
        for number, item in enumerate(items, start=1):
            item_place = f"{place}, item {number}"
            _check_type(item, item_place)
            yield _manifest(item, item_place)
    elif items is not None or not value.keys() >= {"items"} or value.keys() & {"spec", "status"}:
        yield _manifest(value, place)


def _check_type(value: Any, place: str) -> None:
    if not isinstance(value, dict):
        raise RenderError(f"{place}: {_type(value)} where an object is expected; {_EXCLUDE}")
    for field, form in (("apiVersion", _API_VERSION), ("kind", _KIND)):
        if value.get(field) in (None, ""):
            raise RenderError(f"{place}: an object without {field}; add it, or {_EXCLUDE}")
        text = value[field]
        if not isinstance(text, str):
            raise RenderError(f"{place}: {field} is {_type(text)} where text is expected; {_EXCLUDE}")
        if not form.fullmatch(text):
            raise RenderError(f"{place}: {text[:80]!r} is no {field}; allowed are such as `apps/v1` with `Deployment`")


def _manifest(body: dict[str, Any], place: str) -> Manifest:
    kind = f"{place}: {body['kind']}"
    metadata = body.get("metadata")
    if metadata is not None and not isinstance(metadata, dict):
        raise RenderError(f"{kind}: metadata is {_type(metadata)} where a mapping is expected")
    named = "name"
    if metadata and metadata.get(named) in (None, "") and metadata.get("generateName"):
        named = "generateName"
    if metadata is None or metadata.get(named) in (None, ""):
        raise RenderError(f"{kind} without metadata.name; add it, or {_EXCLUDE}")
    name = metadata[named]
    _check_name(name, named, kind)
    where = f"{kind}/{name}: metadata"
    namespace = metadata.get("namespace")
    if namespace is not None and not isinstance(namespace, str):
        raise RenderError(f"{where}.namespace is {_type(namespace)}; quote it")
    if namespace and not _DNS_LABEL.fullmatch(namespace):
        allowed = "allowed: a-z, 0-9 and '-', at most 63 characters"
        raise RenderError(f"{where}.namespace: {namespace[:80]!r} is no namespace's name; {allowed}")
    for field in ("labels", "annotations"):
        _check_texts(metadata.get(field), f"{where}.{field}")
    manifest = Manifest(body, place)
    if named == "generateName" and not parse_hook(manifest):
        problem = "generateName would make one more object at every sync; give it a name instead, or make it a hook"
        raise RenderError(f"{kind}: {problem}")
    return manifest


def _check_name(name: Any, field: str, where: str) -> None:
    """Hold a name to what every kind asks of it: to be one segment of a path.

    The rule is `IsValidPathSegmentName` of k8s.io/apimachinery/pkg/api/validation/path; stricter ones are the
    server's to tell.
    """
    if not isinstance(name, str):
        raise RenderError(f"{where}: metadata.{field} is {_type(name)}; quote it")
    if name in (".", "..") or re.search("[/%]", name) or not name.isprintable() or len(name) > _LONGEST_NAME:
        allowed = (
            f"at most {_LONGEST_NAME} characters, without '/', '%' and control characters, and neither '.' nor '..'"
        )
        raise RenderError(f"{where}: metadata.{field}: {name[:80]!r} is no name; allowed: {allowed}")


def _check_texts(texts: Any, where: str) -> None:
    if texts is None:
        return
    if not isinstance(texts, dict):
        raise RenderError(f"{where} is {_type(texts)} where a mapping is expected")
    for key, value in texts.items():
        if not isinstance(value, str):
            raise RenderError(f"{where}: the value of {key[:80]} is {_type(value)}; quote it")


def _type(value: Any) -> str:
    return _TYPES.get(type(value), "text")
