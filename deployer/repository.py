"""Repositories and refs on GitHub: one name for the many spellings of an address, and what Git accepts as a ref."""

import re
from dataclasses import dataclass

from deployer.errors import ConfigurationError

_USER = r"[A-Za-z0-9_.-]+@"
_HOST = r"(?P<host>[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9A-Fa-f:.]+\])"
_PORT = r"(?::(?P<port>\d{1,5}))?"
_NAME = r"(?P<owner>[A-Za-z0-9-][A-Za-z0-9_.-]*)/(?P<name>[A-Za-z0-9_.-]+?)(?:\.git)?/*"
_FORMS = (
    re.compile(rf"(?P<scheme>https?)://{_HOST}{_PORT}/{_NAME}", re.IGNORECASE),
    re.compile(rf"ssh://(?:{_USER})?{_HOST}(?::\d{{1,5}})?/{_NAME}", re.IGNORECASE),
    re.compile(rf"{_USER}{_HOST}:/?{_NAME}", re.IGNORECASE),
)
_GLOBS = r"(?P<path>[^/:@][^:@]*)"
_GLOB_USER = r"[A-Za-z0-9_.*-]+@"
# The same forms with globs in them, and two more: an address that begins with its host, which may be `**`, and `:`
# after `ssh://HOST`, as in Argo CD's documentation.
_GLOB_FORMS = (
    re.compile(rf"(?P<scheme>https?://)(?P<host>[^/:@]+)(?P<port>:\d+)?/{_GLOBS}"),
    re.compile(rf"(?P<scheme>ssh://)(?:{_GLOB_USER})?(?P<host>[^/:@]+)(?P<port>:\d+(?=/))?[/:]{_GLOBS}"),
    re.compile(rf"(?P<scheme>){_GLOB_USER}(?P<host>[^/:@]+)(?P<port>):/?{_GLOBS}"),
    re.compile(rf"(?P<scheme>)(?P<host>[^/:@]+)(?P<port>)/{_GLOBS}"),
)
_COMMIT = re.compile(r"[0-9a-f]{40}")
# Other hosts of github.com's repositories: one for SSH where a network lets only port 443 out, one that redirects.
_SSH_OVER_HTTPS, _REDIRECTS = "ssh.github.com", "www.github.com"
_DEFAULT_PORTS = {("https", "443"), ("http", "80")}
_ALLOWED_GLOBS = "allowed: '*', or an address with globs, such as https://github.com/acme/* or git@github.com:acme/*"
_ALLOWED = "allowed: https://HOST/OWNER/NAME.git, git@HOST:OWNER/NAME.git, ssh://git@HOST/OWNER/NAME.git"


@dataclass(frozen=True)
class Repository:
    """A repository: its host (with the port of an HTTP address, if unusual) and `owner/name`, both in lower case."""

    host: str
    full_name: str

    def __str__(self) -> str:
        """`acme/web`, as people write it."""
        return self.full_name


def parse_repository(url: str) -> Repository:
    """Read the repository that a clone address names; GitHub does not tell upper from lower case in addresses.

    The port of an SSH address says nothing about the host's web address, so it is dropped; and `ssh.github.com` is
    `github.com` (https://docs.github.com/authentication/troubleshooting-ssh/using-ssh-over-the-https-port), as
    `www.github.com` is on the web.
    Raises ConfigurationError for any other form; its message never repeats the address, which may hold a password.
    """
    match = next((found for form in _FORMS if (found := form.fullmatch(url))), None)
    if match is None and re.match(r"[a-z]+://[^/]*@", url, re.IGNORECASE):
        raise ConfigurationError(f"holds a user name or a password, which belong into no configuration; {_ALLOWED}")
    if match is None or match["name"] in (".", ".."):
        raise ConfigurationError(f"is not the address of a repository on GitHub; {_ALLOWED}")
    parts = {name: (value or "").lower() for name, value in match.groupdict().items()}
    scheme, port = parts.get("scheme", ""), parts.get("port", "")
    usual = not port or (scheme, port) in _DEFAULT_PORTS
    if parts["host"] == (_REDIRECTS if scheme else _SSH_OVER_HTTPS):
        parts["host"] = "github.com"
    return Repository(parts["host"] if usual else f"{parts['host']}:{port}", f"{parts['owner']}/{parts['name']}")


def repository_glob(text: str) -> str:
    """Write a glob of clone addresses as one of `host/owner/name`, so that every spelling of a repository matches it.

    The globs are those of `deployer.glob` with the separator `/`, and `*` alone is every repository.
    Raises ConfigurationError for what would match none; its message never repeats the address.
    """
    if text in ("*", "**"):
        return "**"
    found = next((match for form in _GLOB_FORMS if (match := form.fullmatch(text.lower().rstrip("/")))), None)
    if found is None:
        raise ConfigurationError(f"is not the address of repositories; {_ALLOWED_GLOBS}")
    host, port = found["host"], found["port"] or ""
    try:
        host = parse_repository(f"{found['scheme'] or 'ssh://'}{host}{port}/owner/name").host
    except ConfigurationError:
        if port:
            raise ConfigurationError(f"has both a glob in its host and a port; {_ALLOWED_GLOBS}") from None
    pattern = f"{host}/{found['path']}"
    if "**" not in pattern and pattern.count("/") < 2:
        raise ConfigurationError(f"matches nothing: `*` stops at `/`, so OWNER/NAME needs two; {_ALLOWED_GLOBS}")
    return pattern


def is_commit(text: str) -> bool:
    """Whether a text is the whole name of a commit: a SHA-1, in lower case as Git writes it."""
    return bool(_COMMIT.fullmatch(text))


def is_ref_name(name: str) -> bool:
    """Say whether Git accepts a branch, tag or full ref of this name (`git check-ref-format --branch`)."""
    return not (
        re.search(r"[\x00-\x20\x7f~^:?*\[\\\ud800-\udfff]|\.\.|@\{|//", name)
        or name in ("", "@")
        or name.startswith(("-", "/"))
        or name.endswith(("/", "."))
        or any(part.startswith(".") or part.endswith(".lock") for part in name.split("/"))
    )
