import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deployer.errors import ConfigurationError
from deployer.repository import Repository, is_ref_name, parse_repository, repository_glob


@pytest.mark.parametrize(
    ("url", "host", "full_name"),
    [
        ("https://github.com/Acme/Web.git", "github.com", "acme/web"),
        ("https://github.com/acme/web", "github.com", "acme/web"),
        ("https://github.com/acme/web/", "github.com", "acme/web"),
        ("https://GitHub.com:443/acme/web.git/", "github.com", "acme/web"),
        ("HTTPS://github.com/acme/web", "github.com", "acme/web"),
        ("https://github.example.com:8443/acme/web.git", "github.example.com:8443", "acme/web"),
        ("http://127.0.0.1:4321/acme/web.git", "127.0.0.1:4321", "acme/web"),
        ("http://[::1]:4321/acme/web.git", "[::1]:4321", "acme/web"),
        ("http://localhost:80/acme/web", "localhost", "acme/web"),
        ("git@github.com:acme/web.git", "github.com", "acme/web"),
        ("git@github.com:Acme/web.git/", "github.com", "acme/web"),
        ("ssh://git@github.com/acme/web.git", "github.com", "acme/web"),
        ("ssh://git@github.com:22/acme/web", "github.com", "acme/web"),
        ("ssh://github.com:2222/acme/web", "github.com", "acme/web"),
        ("ssh://git@ssh.github.com:443/acme/web.git", "github.com", "acme/web"),
        ("git@SSH.github.com:acme/web.git", "github.com", "acme/web"),
        ("https://ssh.github.com/acme/web.git", "ssh.github.com", "acme/web"),
        ("https://www.github.com/acme/web", "github.com", "acme/web"),
        ("git@www.github.com:acme/web.git", "www.github.com", "acme/web"),
        ("http://GitHub.com/acme/web.GIT", "github.com", "acme/web"),
        ("SSH://Git@GitHub.com/ACME/Web.Git/", "github.com", "acme/web"),
        ("Git@GitHub.com:/ACME/Web.Git", "github.com", "acme/web"),
        ("org-1234567@github.com:acme/web.git", "github.com", "acme/web"),
        ("ssh://org-1234567@github.com/acme/web", "github.com", "acme/web"),
        ("git@acme.ghe.com:platform/web.git", "acme.ghe.com", "platform/web"),
        ("https://github.com/acme/web.github.io", "github.com", "acme/web.github.io"),
        ("https://github.com/acme/.github", "github.com", "acme/.github"),
    ],
)
def test_parse_repository(url: str, host: str, full_name: str) -> None:
    assert parse_repository(url) == Repository(host, full_name)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "acme/web",
        "github.com/acme/web",
        "https://github.com/web",
        "https://github.com/acme/web/tree/main",
        "https://github.com/acme/..",
        "https://github.com/../web",
        "https://github.com/acme/web?ref=main",
        "https://github.com/acme/web#main",
        "https://github.com//acme/web",
        "https:///acme/web",
        "https://github.com:port/acme/web",
        "https://github.com/acme/web\n",
        "git://github.com/acme/web",
        "file:///srv/git/acme/web",
        "oci://ghcr.io/acme/web",
    ],
)
def test_parse_repository_refuses(url: str) -> None:
    with pytest.raises(ConfigurationError, match=r"is not the address of a repository.*allowed: https://"):
        parse_repository(url)


@pytest.mark.parametrize(
    ("text", "pattern"),
    [
        ("*", "**"),
        ("**", "**"),
        ("https://github.com/Acme/*", "github.com/acme/*"),
        ("HTTPS://GitHub.com:443/acme/web.git/", "github.com/acme/web.git"),
        ("http://127.0.0.1:4321/**", "127.0.0.1:4321/**"),
        ("https://www.github.com/acme/*", "github.com/acme/*"),
        ("git@github.com:acme/*", "github.com/acme/*"),
        ("*@github.com:/acme/*", "github.com/acme/*"),
        ("git@github.com:42/*", "github.com/42/*"),
        ("git@ssh.github.com:acme/*", "github.com/acme/*"),
        ("ssh://github.com/acme/*", "github.com/acme/*"),
        ("ssh://git@ssh.github.com:443/acme/*.git", "github.com/acme/*.git"),
        ("ssh://git@GITHUB.com:argoproj/test", "github.com/argoproj/test"),
        ("https://*.ghe.com/acme/{web,api}", "*.ghe.com/acme/{web,api}"),
        ("https://gitlab.com/group/*/*", "gitlab.com/group/*/*"),
        ("**/web", "**/web"),
        ("github.com/acme/*", "github.com/acme/*"),
    ],
)
def test_repository_glob(text: str, pattern: str) -> None:
    assert repository_glob(text) == pattern


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is not the address of repositories"),
        ("*acme*", "is not the address of repositories"),
        ("https://github.com", "is not the address of repositories"),
        ("*://github.com/acme/*", "is not the address of repositories"),
        ("github.com:8443/acme/*", "is not the address of repositories"),
        ("https://ada:hunter2@github.com/acme/*", "is not the address of repositories"),
        ("https://hunter2@github.com/acme/*", "is not the address of repositories"),
        ("ssh://git:hunter2@github.com/acme/*", "is not the address of repositories"),
        ("https://*.example.com:8443/acme/*", "has both a glob in its host and a port"),
        ("https://github.com/*", r"matches nothing: `\*` stops at `/`"),
        ("acme/web", "matches nothing"),
    ],
)
def test_repository_glob_refuses(text: str, message: str) -> None:
    with pytest.raises(ConfigurationError, match=rf"^{message}.*; allowed: ") as caught:
        repository_glob(text)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    "url",
    [
        "https://ada:hunter2@github.com/acme/web.git",
        "https://hunter2@github.com/acme/web.git",
        "ssh://git:hunter2@github.com/acme/web.git",
        "https://github.com/acme/web?token=hunter2",
        "git:hunter2@github.com:acme/web.git",
    ],
)
def test_parse_repository_never_shows_a_password(url: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        parse_repository(url)
    assert "hunter2" not in str(caught.value)
    assert "allowed: https://" in str(caught.value)


def test_parse_repository_names_the_password_as_the_problem() -> None:
    with pytest.raises(ConfigurationError, match="user name or a password"):
        parse_repository("https://ada:hunter2@github.com/acme/web.git")


def test_repository_reads_as_people_write_it() -> None:
    assert str(Repository("github.com", "acme/web")) == "acme/web"


@pytest.mark.parametrize("name", ["main", "v1.0", "feature/a-b", "refs/heads/main", "a@b", "ünïcode", "a=b", "HEAD"])
def test_is_ref_name(name: str) -> None:
    assert is_ref_name(name)


@pytest.mark.parametrize(
    "name",
    [
        *("", "@", "-x", "/x", "x/", "x.", ".x", "a/.b", "a..b", "a//b", "x.lock", "x.lock/y", "a@{b", "a b"),
        *("a~b", "a^b", "a:b", "a?b", "a*b", "a[b", "a\\b", "a\tb", "a\x7fb", "\ud800"),
    ],
)
def test_is_no_ref_name(name: str) -> None:
    assert not is_ref_name(name)


@given(st.text(st.sampled_from("ab.@{}~^:?*[\\/- lock"), min_size=1, max_size=8))
def test_is_ref_name_is_what_git_says(name: str) -> None:
    git = subprocess.run(["git", "check-ref-format", f"refs/heads/{name}"], check=False, timeout=10)
    assert is_ref_name(name) == (git.returncode == 0 and not name.startswith("-") and name != "@")
