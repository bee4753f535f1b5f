"""`deployer send`."""

import json
import os
import sys
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import click

from deployer.cli.command import Command
from deployer.cli.delivery import (
    Answered,
    Push,
    headers_of,
    new_delivery,
    parse_address,
    ping_payload,
    post,
    push_payload,
)
from deployer.cli.terminal import print_line, say_error
from deployer.configuration import load_configuration
from deployer.errors import AnswerError, ConfigurationError
from deployer.github.revision import find_ref
from deployer.repository import Repository, is_ref_name, parse_repository
from deployer.secrets import read_live
from deployer.settings import Settings, check_webhook_secret, load_settings
from deployer.source import HEAD
from deployer.sync.connections import open_github
from deployer.versions import parse_range
from deployer.webhook import NO_COMMIT

_SETTING = "DEPLOYER_WEBHOOK_SECRET"
_DEFAULT_BRANCH = "main"  # where GitHub is not asked


@click.group("send")
def send_command() -> None:
    """Send the function a signed delivery, as GitHub would make it.

    The secret that signs it is that of DEPLOYER_WEBHOOK_SECRET (the newest, where several are live). A push is only a
    hint to look: what is deployed is what the watched ref points at, whatever the delivery says.

    \b
    Examples:
      deployer send ping      # is anybody there, and is it the same secret?
      deployer send push shop # have the application looked at, as after a push
    """


def _delivery_options(command: Callable[..., Any]) -> Callable[..., Any]:
    for option in (
        click.option(
            "-o", "--output", type=click.Choice(["json"]), help="Print one JSON document, once there is a delivery."
        ),
        click.option(
            "--timeout",
            type=click.IntRange(min=1),
            default=30,
            show_default=True,
            metavar="SECONDS",
            help="How long to wait for the answer.",
        ),
        click.option(
            "--url",
            metavar="URL",
            envvar="DEPLOYER_LOCAL_WEBHOOK_URL",
            help="Of the function; else $DEPLOYER_LOCAL_WEBHOOK_URL.",
        ),
    ):
        command = option(command)
    return command


def _commit(context: click.Context, option: click.Parameter, value: str | None) -> str | None:
    if value is not None and (len(value) != 40 or value.strip("0123456789abcdef")):
        raise click.BadParameter("a commit's SHA has 40 digits of 0-9 and a-f")
    return value


@send_command.command("ping", cls=Command)
@_delivery_options
def ping_command(url: str | None, timeout: int, output: str | None) -> None:
    """Send a ping, which starts nothing.

    GitHub sends one for a new webhook. It shows that the function is there, and has the same secret as this machine.

    Exit status 0: answered with 2xx, 1: not, 2: bad input.

    \b
    Examples:
      deployer send ping
      deployer send ping --url https://deployer.example.com
    """
    settings = load_settings(os.environ)
    _deliver("ping", ping_payload(_required(url)), settings, _required(url), timeout, output)


@send_command.command("push", cls=Command)
@click.argument("application", metavar="[APP]", required=False)
@click.option("--repository", metavar="URL", help="Whose push it is, instead of an APP's.")
@click.option("--ref", metavar="REF", help="Such as refs/heads/main; else what APP watches.")
@click.option("--before", metavar="SHA", callback=_commit, help="What the ref was; else zeros, as for a new one.")
@click.option("--after", metavar="SHA", callback=_commit, help="What it is; else as GitHub says. Zeros delete.")
@_delivery_options
def push_command(
    application: str | None,
    repository: str | None,
    ref: str | None,
    before: str | None,
    after: str | None,
    url: str | None,
    timeout: int,
    output: str | None,
) -> None:
    """Send a push to the repository of APP, or to another one.

    What is not given, GitHub is asked for, as the settings say: which ref an APP watches, and what it points at.
    With --ref and --after nothing is asked, and the default branch is said to be main.

    With the inline queue, the answer comes when all is deployed: give it time.

    Exit status 0: answered with 2xx, 1: not, 2: bad input.

    \b
    Examples:
      deployer send push shop
      deployer send push shop -o json > answer.json
      deployer send push --repository https://github.com/acme/shop.git \\
        --ref refs/heads/main --after 2222222222222222222222222222222222222222
    """
    if bool(application) == bool(repository):
        raise click.UsageError("name either an APP or a --repository")
    settings = load_settings(os.environ)
    to = _required(url)
    if application:
        source = load_configuration(settings.require_config()).application(application).source
        whose, wanted = source.repository, ref or source.target_revision
    else:
        whose, wanted = _repository(str(repository)), ref or HEAD
    push = _push(settings, whose, wanted, before or NO_COMMIT, after)
    _deliver("push", push_payload(push, datetime.now(UTC)), settings, to, timeout, output)


def _required(url: str | None) -> str:
    if not url:
        raise click.UsageError("where to? Say --url https://…, or set DEPLOYER_LOCAL_WEBHOOK_URL")
    return url


def _repository(url: str) -> Repository:
    try:
        return parse_repository(url)
    except ConfigurationError as error:
        raise ConfigurationError(f"--repository {error}") from None


def _push(settings: Settings, repository: Repository, wanted: str, before: str, after: str | None) -> Push:
    """Fill in what was not given.

    Raises:
        ConfigurationError: it cannot be, or the ref is none.
        SourceError: GitHub does not say.
    """
    if not (is_ref_name(wanted) or parse_range(wanted)):
        raise ConfigurationError(f"--ref {wanted!r} is no name of a branch or tag; allowed: refs/heads/…, refs/tags/…")
    if after and wanted.startswith("refs/"):
        return Push(repository, wanted, before, after, _DEFAULT_BRANCH)
    if not settings.github_token and not settings.github_app_id:
        raise ConfigurationError(
            "what the ref is and points at, only GitHub knows: set DEPLOYER_GITHUB_TOKEN, or "
            "DEPLOYER_GITHUB_APP_ID and DEPLOYER_GITHUB_APP_KEY, or say both --ref (refs/heads/… or refs/tags/…) and "
            "--after"
        )
    with open_github(settings) as github:
        if repository.host != github.host:
            raise ConfigurationError(
                f"{repository} is at {repository.host}, and {github.host} is asked: change DEPLOYER_GITHUB_API_URL, "
                "or say both --ref and --after"
            )
        default = github.request("GET", f"/repos/{repository.full_name}").text("default_branch")
        found = find_ref(github, repository, wanted)
    return Push(repository, found.name, before, after or found.sha, default)


def _deliver(
    event: str, payload: Mapping[str, Any], settings: Settings, url: str, timeout: int, output: str | None
) -> None:
    """Sign, send, show what came back, and end with its exit status."""
    address = parse_address(url)
    source = settings.require_webhook_secrets()[_SETTING]
    secret = check_webhook_secret(_SETTING, read_live(_SETTING, source, settings.secret_manager_endpoint)[0])
    body, delivery = json.dumps(payload).encode(), new_delivery()
    try:
        answered = post(address, headers_of(event, body, secret, delivery), body, timeout)
    except AnswerError:
        if output:
            _print_document(None, delivery)
        raise
    if output:
        _print_document(answered, delivery)
    else:
        print_line(f"{answered.status} after {answered.seconds:.1f} s, for delivery {delivery}", "")
        print_line(answered.body if isinstance(answered.body, str) else json.dumps(answered.body, indent=2), "")
    if not 200 <= answered.status < 300:
        say_error(f"the function answered {answered.status}", _advice(answered))
        sys.exit(1)


def _print_document(answered: Answered | None, delivery: str) -> None:
    document = {
        "status": answered.status if answered else None,
        "body": answered.body if answered else None,
        "delivery": delivery,
        "seconds": round(answered.seconds, 3) if answered else None,
    }
    click.echo(json.dumps(document, indent=2))


def _advice(answered: Answered) -> str:
    """What to do about an answer that is no success."""
    ours = isinstance(answered.body, dict) and "error" in answered.body
    if not ours:
        return "this is not how the deployer answers: check --url, and that everybody may call the function"
    if answered.status == 403:
        return "the function has another secret: give it, this machine and the webhook on GitHub the same one"
    return "the function's log says more"
