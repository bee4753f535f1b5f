"""Which changes of a repository concern an application."""

import pytest

from deployer.errors import ConfigurationError
from deployer.generate_paths import parse_generate_paths, split_glob, touched


@pytest.mark.parametrize(
    ("text", "paths"),
    [
        ("", ()),
        (" ; ", ()),
        (".", ("apps/web",)),
        ("/", (".",)),
        ("/shared", ("shared",)),
        ("//shared/", ("shared",)),
        (".;../base;/lib/*.yaml", ("apps/web", "apps/base", "lib/*.yaml")),
        (" ./x ; y/../z ", ("apps/web/x", "apps/web/z")),
        ("../..", (".",)),
        ("/a/..b", ("a/..b",)),
        ("*.{yaml,json}", ("apps/web/*.{yaml,json}",)),
    ],
)
def test_paths_are_from_the_root_or_from_the_sources_path(text: str, paths: tuple[str, ...]) -> None:
    assert parse_generate_paths(text, "apps/web") == paths


def test_the_sources_path_may_be_the_root() -> None:
    assert parse_generate_paths(".;a;/b", ".") == (".", "a", "b")


@pytest.mark.parametrize("text", ["../../..", "/..", "/../x", ".;../../../x"])
def test_a_path_that_leaves_the_repository_is_refused(text: str) -> None:
    with pytest.raises(ConfigurationError, match=r" leaves the repository$"):
        parse_generate_paths(text, "apps/web")


@pytest.mark.parametrize("text", ["[a", "/{a,b", "a\\"])
def test_what_is_no_glob_is_refused(text: str) -> None:
    with pytest.raises(ConfigurationError, match=r" is no valid glob"):
        parse_generate_paths(text, ".")


@pytest.mark.parametrize(
    ("path", "file", "is_touched"),
    [
        (".", "anything/at/all", True),
        ("k8s", "k8s", True),
        ("k8s", "k8s/web.yaml", True),
        ("k8s", "k8s/a/b/c", True),
        ("k8s", "k8s-old/web.yaml", False),
        ("k8s", "old/k8s/web.yaml", False),
        ("k8s/web.yaml", "k8s/web.yaml", True),
        ("k8s/web.yaml", "k8s/web.yaml.bak", False),
        ("k8s/*.yaml", "k8s/web.yaml", True),
        ("k8s/*.yaml", "k8s/a/web.yaml", False),
        ("*/web.yaml", "k8s/web.yaml", True),
        ("k8s/**.yaml", "k8s/a/web.yaml", True),
        ("k?s/web.yaml", "k8s/web.yaml", True),
        ("k8s/[a-f]*", "k8s/web.yaml", False),
    ],
)
def test_what_is_touched(path: str, file: str, is_touched: bool) -> None:
    assert touched([path], [file]) is is_touched
    assert touched(["elsewhere", path], ["README.md", file]) is is_touched


def test_nothing_is_touched_by_nothing() -> None:
    assert not touched([], ["a"])
    assert not touched(["."], [])


@pytest.mark.parametrize(
    ("path", "names", "is_glob"),
    [
        (".", (), False),
        ("k8s", ("k8s",), False),
        ("k8s/web.yaml", ("k8s", "web.yaml"), False),
        ("*", (), True),
        ("**/*.yaml", (), True),
        ("k8s/*.yaml", ("k8s",), True),
        ("a/b/c?/d", ("a", "b"), True),
        ("a/b-[0-9]/d", ("a",), True),
        ("a/{b,c/d}.yaml", ("a",), True),
        ("a/b\\*/c", ("a",), True),
    ],
)
def test_what_a_path_begins_with_before_any_glob(path: str, names: tuple[str, ...], is_glob: bool) -> None:
    assert split_glob(path) == (names, is_glob)
