import pytest

from deployer.errors import ConfigurationError
from deployer.glob import matches


@pytest.mark.parametrize(
    ("pattern", "path", "expected"),
    [
        ("*.yaml", "web.yaml", True),
        ("*.yaml", "deep/down/web.yaml", True),
        ("*.yaml", "web.yml", False),
        ("**/web.yaml", "a/b/web.yaml", True),
        ("web?.yaml", "web1.yaml", True),
        ("web?.yaml", "web.yaml", False),
        ("web?yaml", "web/yaml", True),
        ("{web,db}.yaml", "db.yaml", True),
        ("{web,db}.yaml", "cache.yaml", False),
        ("{web,d{a,b}}/*", "db/x.yaml", True),
        ("{*.yml,config.json}", "config.json", True),
        ("{,web}.yaml", ".yaml", True),
        ("a,b}.yaml", "a,b}.yaml", True),
        ("[a-c].yaml", "b.yaml", True),
        ("[a-c].yaml", "d.yaml", False),
        ("[!a-c].yaml", "d.yaml", True),
        ("[!a-c].yaml", "b.yaml", False),
        ("[^a].yaml", "^.yaml", True),
        ("[^a].yaml", "b.yaml", False),
        (r"\*.yaml", "*.yaml", True),
        (r"\*.yaml", "web.yaml", False),
        (r"\{a,b\}", "{a,b}", True),
        ("web.yaml", "webXyaml", False),
        ("*", "line\nbreak.yaml", True),
        ("?", "\n", True),
        ("*a*b*c", "xaxbxbxc", True),
        ("*a*b*c", "xbxaxc", False),
        ("{a,ab}{c,bc}", "abc", True),
        ("{*a,b}*c", "xxac", True),
        ("{*a,b}*c", "xxbc", False),
        ("{a,{b,c*}}d", "cxd", True),
        ("", "", True),
        ("", "a", False),
        ("[a|&~^-]", "&", True),
        ("*a" * 40 + "b", "a" * 4_000, False),
        ("{*a,*aa}" * 40 + "b", "a" * 1_000, False),
    ],
)
def test_matches(pattern: str, path: str, expected: bool) -> None:
    assert matches(pattern, path) is expected


@pytest.mark.parametrize(
    ("pattern", "text", "expected"),
    [
        ("a/*", "a/b", True),
        ("a/*", "a/", True),
        ("a/*", "a/b/c", False),
        ("*/c", "a/b/c", False),
        ("*", "a/b", False),
        ("a/**", "a/b/c", True),
        ("**/c", "a/b/c", True),
        ("**", "a/b/c", True),
        ("a/*/c", "a/b/c", True),
        ("*b*/c", "abba/c", True),
        ("{a,b/*}/c", "b/x/c", True),
        ("{a,b*}/c", "b/x/c", False),
        ("a?b", "a/b", False),
        ("a?b", "axb", True),
        ("a[!x]b", "a/b", True),
        ("*a" * 40 + "b", "a" * 4_000, False),
    ],
)
def test_a_star_stops_at_the_separator(pattern: str, text: str, expected: bool) -> None:
    assert matches(pattern, text, "/") is expected


@pytest.mark.parametrize("pattern", ["{web,db", "[a-c", "[z-a]", "[]", "web\\", "{" * 10_000])
def test_a_glob_without_an_end_is_refused(pattern: str) -> None:
    with pytest.raises(ConfigurationError, match="is no valid glob"):
        matches(pattern, "web.yaml")
