from collections.abc import Callable, Mapping
from typing import Any

import pytest

from deployer.errors import ConfigurationError
from deployer.fields import Fields, nearest, parse_metadata


def fields(**values: Any) -> Fields:
    return Fields(values, "a.yaml, document 2", "spec")


@pytest.mark.parametrize(
    ("read", "expected"),
    [
        (lambda: fields(a="x").text("a"), "x"),
        (lambda: fields(a=None).text("a"), ""),
        (lambda: fields().text("a"), ""),
        (lambda: fields(a="x").required_text("a"), "x"),
        (lambda: fields(a=False).flag("a", True), False),
        (lambda: fields(a=None).flag("a", True), True),
        (lambda: fields().flag("a"), False),
        (lambda: fields(a=0).count("a", 7), 0),
        (lambda: fields(a=None).count("a", 7), 7),
        (lambda: fields().count("a", 7), 7),
        (lambda: fields(a=["x", "y"]).texts("a"), ("x", "y")),
        (lambda: fields(a=None).texts("a"), ()),
        (lambda: fields(a={"b": "c"}).section("a"), Fields({"b": "c"}, "a.yaml, document 2", "spec.a")),
        (lambda: fields(a=None).section("a").values, {}),
        (
            lambda: fields(a=[{"b": "c"}, {}]).sections("a"),
            (Fields({"b": "c"}, "a.yaml, document 2", "spec.a[0]"), Fields({}, "a.yaml, document 2", "spec.a[1]")),
        ),
        (lambda: fields(a=None).sections("a"), ()),
        (lambda: fields(a={"b": "c"}).text_map("a"), {"b": "c"}),
        (lambda: Fields({}, "a.yaml").section("spec").path, "spec"),
    ],
)
def test_reads(read: Callable[[], object], expected: object) -> None:
    assert read() == expected


@pytest.mark.parametrize(
    ("read", "message"),
    [
        (lambda: fields(a=1).text("a"), "spec.a: must be text"),
        (lambda: fields(a="").required_text("a"), "spec.a: is missing"),
        (lambda: fields(a="true").flag("a"), "spec.a: must be true or false"),
        (lambda: fields(a="3").count("a", 0), "spec.a: must be a whole number, 0 or more"),
        (lambda: fields(a=-1).count("a", 0), "spec.a: must be a whole number"),
        (lambda: fields(a=True).count("a", 0), "spec.a: must be a whole number"),
        (lambda: fields(a=1.0).count("a", 0), "spec.a: must be a whole number"),
        (lambda: fields(a="x").texts("a"), "spec.a: must be a list of texts"),
        (lambda: fields(a=["x", 1]).texts("a"), "spec.a: must be a list of texts"),
        (lambda: fields(a=[]).section("a"), "spec.a: must be a mapping"),
        (lambda: fields(a={}).sections("a"), "spec.a: must be a list of mappings"),
        (lambda: fields(a=[{}, "x"]).sections("a"), "spec.a: must be a list of mappings"),
        (lambda: fields(a={"b": True}).text_map("a"), "spec.a.b: must be text"),
    ],
)
def test_refuses_a_wrong_type(read: Callable[[], object], message: str) -> None:
    with pytest.raises(ConfigurationError, match=f"^a.yaml, document 2: {message}"):
        read()


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"sorce": {}}, r"spec\.sorce: unknown field; did you mean source\?; allowed: source, path$"),
        ({"zzz": {}}, r"spec\.zzz: unknown field; allowed: source, path$"),
        ({1: {}}, r"spec\.1: unknown field"),
        ({"helm": {"values": ""}}, r"spec\.helm: not yet$"),
        ({"helm": False}, r"spec\.helm: not yet$"),
    ],
)
def test_allow_refuses(values: Mapping[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        Fields(values, "a.yaml", "spec").allow("source", "path", unsupported={"helm": "not yet"})


@pytest.mark.parametrize("nothing", [None, "", [], {}])
def test_an_unsupported_field_that_asks_for_nothing_is_allowed(nothing: object) -> None:
    fields(helm=nothing, path="x").allow("path", unsupported={"helm": "not yet"})


def test_nearest() -> None:
    assert nearest("tmeout", ["timeout", "rollback"]) == "; did you mean timeout?"
    assert nearest("zzz", ["timeout", "rollback"]) == ""


@pytest.mark.parametrize("name", ["a", "web-1", "web.example.com", "a" * 253])
def test_metadata_name(name: str) -> None:
    written_by_a_cluster = {"uid": "1", "managedFields": [], "finalizers": ["resources-finalizer.argocd.argoproj.io"]}
    assert parse_metadata(Fields({"name": name, **written_by_a_cluster}, "a.yaml")) == name


@pytest.mark.parametrize("name", ["Web", "-a", "a-", "a..b", "a_b", "../x", "a/b", "a b", "a\n", "a" * 254])
def test_metadata_name_refused(name: str) -> None:
    with pytest.raises(ConfigurationError, match=r"metadata\.name: .* is no name; allowed: .* at most 253 characters"):
        parse_metadata(Fields({"name": name}, "a.yaml", "metadata"))


@pytest.mark.parametrize("metadata", [{}, {"name": ""}, {"name": "a", "nmae": "b"}])
def test_metadata_refused(metadata: Mapping[str, Any]) -> None:
    with pytest.raises(ConfigurationError, match=r"is missing|unknown field; did you mean name\?"):
        parse_metadata(Fields(metadata, "a.yaml", "metadata"))
