"""The secrets that stand in settings: the webhook's, which may be several, and GitHub's token."""

from deployer.cli.checks.section import APP, GITHUB, Section
from deployer.errors import DeployerError
from deployer.report.words import plural
from deployer.secret_name import FILE, MANAGED
from deployer.secrets import read_live, read_setting
from deployer.settings import MIN_SECRET, Settings, check_webhook_secret

_PREVIOUS = "DEPLOYER_WEBHOOK_SECRET_PREVIOUS"
_GITHUB_TOKEN = "DEPLOYER_GITHUB_TOKEN"  # noqa: S105 (the name of a setting)


def check_webhook_secrets(section: Section, settings: Settings) -> None:
    """Read every secret that a delivery may be signed with."""
    hint = f"the function does not start without one ({GITHUB})"
    sources = section.attempt("DEPLOYER_WEBHOOK_SECRET", settings.require_webhook_secrets, hint) or {}
    for name, source in sources.items():
        try:
            live = read_live(name, source, settings.secret_manager_endpoint)
            for secret in live:
                check_webhook_secret(name, secret)
        except DeployerError as error:
            section.fail(name, str(error), hint)
            continue
        told = f"{plural(len(live), 'secret')} of at least {MIN_SECRET} bytes, from {where(source)}"
        if name == _PREVIOUS:
            section.warn(name, f"{told}: as good as the new one", "unset it once GitHub signs with the new one")
        elif len(live) > 1:
            section.warn(
                name, f"{told}: two versions are enabled", "disable the older once GitHub signs with the newer"
            )
        else:
            section.ok(name, told)


def read_token(section: Section, settings: Settings) -> str | None:
    """Read GitHub's token, and say of which kind it is; returns None where it cannot be had."""

    def read() -> str:
        settings.require_github()
        return read_setting(_GITHUB_TOKEN, settings.github_token, settings.secret_manager_endpoint, fresh=True)

    token = section.attempt("token", read, f"it needs contents: read, and commit statuses: write ({GITHUB})")
    if not token:
        return None
    kind, advice = kind_of(token)
    told = f"{kind}, from {where(settings.github_token)}"
    if advice:
        section.warn("token", told, advice)
    else:
        section.ok("token", told)
    return token


def where(source: str) -> str:
    """Say where a secret comes from, without saying the secret."""
    return source if source.startswith((FILE, MANAGED)) else "the environment"


def kind_of(token: str) -> tuple[str, str]:
    """Tell the kind of a GitHub token by its beginning, and what to do about it, `""` where nothing.

    https://docs.github.com/en/authentication/keeping-your-account-and-data-secure/about-authentication-to-github
    lists the beginnings. Tokens of before 2021, and of other servers, have none.
    """
    narrow = "make a fine-grained one, for the repositories of the configuration only"
    kinds = {
        "github_pat_": ("a fine-grained personal access token", ""),
        "ghp_": ("a classic personal access token, good for every repository of its owner", narrow),
        "gho_": ("a token of an OAuth app, good for every repository of its owner", narrow),
        "ghu_": ("a user's token of a GitHub App, which ends after eight hours", narrow),
        "ghs_": (
            "an installation's token of a GitHub App, which ends after an hour",
            f"be that App: set DEPLOYER_GITHUB_APP_ID and DEPLOYER_GITHUB_APP_KEY instead ({APP})",
        ),
    }
    return next((told for start, told in kinds.items() if token.startswith(start)), ("of a kind it does not tell", ""))
