"""Ranges of versions, held against what github.com/Masterminds/semver itself says of them."""

import json
import random
import time
from pathlib import Path
from typing import Any

import pytest

from deployer.versions import nearest, newest, parse_range, parse_version

# `versions` in their order, each `steps` further (`<`) or the same (`=`); of each of the `ranges` which of them fit, or
# null where it is no range. `made_by` says which functions of which version of the library told so.
TABLE: dict[str, Any] = json.loads((Path(__file__).parent / "versions.json").read_text())
TAGS = ["v1.0.0", "1.1.9", "v1.2.0-rc.1", "v1.2.0", "1.2.10", "1.2.9", "v2.0.0", "latest", "v3.0.0-beta"]


@pytest.mark.parametrize(("text", "fitting"), TABLE["ranges"].items())
def test_what_fits_a_range(text: str, fitting: str | None) -> None:
    found = parse_range(text)
    fits = None if found is None else ["01"[found.fits(version)] for version in map(parse_version, TABLE["versions"])]  # type: ignore[arg-type]
    assert fits == (fitting and list(fitting))


def test_the_order_of_versions() -> None:
    versions = [parse_version(text) for text in TABLE["versions"]]
    for lower, higher, step in zip(versions, versions[1:], TABLE["steps"], strict=False):
        assert lower
        assert higher
        assert ((lower < higher), (lower == higher)) == ((step == "<"), (step == "="))


@pytest.mark.parametrize("text", TABLE["no_versions"])
def test_what_is_no_version(text: str) -> None:
    assert parse_version(text) is None


def test_the_newest_tag_is_the_one_of_the_last_version_that_fits_in_any_order_of_tags() -> None:
    ranges = {text: found for text in TABLE["ranges"] if (found := parse_range(text))}
    tags = [*TABLE["versions"], *TABLE["no_versions"]]
    random.Random(0).shuffle(tags)
    for text, found in ranges.items():
        last = TABLE["ranges"][text].rfind("1")
        tag = newest(found, tags)
        assert (tag is None) == (last < 0)
        assert tag is None or parse_version(tag) == parse_version(TABLE["versions"][last])


@pytest.mark.parametrize(
    ("text", "tag"),
    [
        ("^1.2", "1.2.10"),
        ("1.x", "1.2.10"),
        ("<1.2", "1.1.9"),
        ("*", "v2.0.0"),
        ("*-0", "v3.0.0-beta"),
        ("~1.1 || ~1.0", "1.1.9"),
        (">=2.1", None),
        ("^4", None),
    ],
)
def test_newest(text: str, tag: str | None) -> None:
    found = parse_range(text)
    assert found
    assert newest(found, TAGS) == tag
    assert newest(found, reversed(TAGS)) == tag


def test_of_tags_for_the_same_version_always_the_same_is_taken() -> None:
    found = parse_range("1.x")
    assert found
    tags = ["1.2", "1.2.0", "1.2.0+a", "1.2.0+b", "v1.2.0"]
    assert {newest(found, tags), newest(found, reversed(tags))} == {"v1.2.0"}


@pytest.mark.parametrize(
    ("text", "tags"),
    [
        ("^2.1", ("v2.0.0", "v3.0.0-beta")),
        ("=1.2.1", ("v1.2.0", "1.2.9")),
        ("^4", ("v3.0.0-beta",)),
        ("<1", ("v1.0.0",)),
        ("~1.2.1 || ~5", ("v1.2.0", "1.2.9")),
    ],
)
def test_nearest(text: str, tags: tuple[str, ...]) -> None:
    found = parse_range(text)
    assert found
    assert nearest(found, TAGS) == tags
    assert nearest(found, ["latest"]) == ()


@pytest.mark.parametrize(
    "text", ["1 " * 127 + "!", "1" + " " * 253 + "!", "1-" + "a-" * 126 + "!", ">=1 , " * 42 + "!", "1" * 5_000_000]
)
def test_no_text_takes_long(text: str) -> None:
    start = time.monotonic()
    assert parse_range(text) is None
    assert parse_version(text) is None
    assert time.monotonic() - start < 1
