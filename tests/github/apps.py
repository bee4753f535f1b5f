"""What the tests of GitHub Apps have in common."""

import time

import pytest

from deployer.errors import SourceError
from deployer.github.app import HELPFUL, NEEDED, App
from deployer.github.client import GitHub
from local.github import GitHub as LocalGitHub
from tests.faults.proxy import Proxy

EVERYTHING = {**NEEDED, **HELPFUL, "contents": "write", "repository_hooks": "write", "issues": "write"}
WEB = "/repos/acme/web"


def made(server: LocalGitHub | Proxy) -> int:
    """How many tokens GitHub was asked for."""
    asked = server.requests if isinstance(server, LocalGitHub) else [(one.method, one.path) for one in server.seen]
    return sum(method == "POST" and path.endswith("/access_tokens") for method, path in asked)


def token_of(app: App, github: GitHub, repository: str = "acme/web") -> str:
    return app.authorization(repository, github.ask).removeprefix("token ")


def forget(app: App) -> None:
    """Have the App keep nothing, as when its tokens end, and nothing that was refused."""
    app._tokens.clear()
    app._refusals.clear()


def age(app: App, seconds: float = 120) -> None:
    """Have the App's tokens be older than what GitHub may not know yet, and than what may have been granted since."""
    for name, kept in app._tokens.items():
        app._tokens[name] = type(kept)(kept.authorization, kept.made - seconds, kept.until)
    app._refusals.clear()


def refused(github: GitHub, path: str = WEB) -> SourceError:
    with pytest.raises(SourceError) as caught:
        github.request("GET", path)
    assert not caught.value.transient
    assert "DEPLOYER_GITHUB_TOKEN" not in str(caught.value)
    return caught.value


def http_date(seconds: float) -> str:
    return time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime(seconds))
