"""One repository: what is deployed from it, whether its commits can be told, and its webhook."""

from collections.abc import Mapping, Sequence

from deployer.application import Application
from deployer.cli.checks.app import check_installation
from deployer.cli.checks.hooks import check_hooks
from deployer.cli.checks.section import APP, DOCUMENTS, GITHUB, SIGNATURES, Section
from deployer.errors import DeployerError, SourceError
from deployer.github.checks import read_checks
from deployer.github.client import GitHub
from deployer.github.revision import resolve
from deployer.github.verified import VERIFIED, read_signature
from deployer.limits import Limits
from deployer.manifest import Manifest
from deployer.report.words import in_short, plural
from deployer.repository import Repository
from deployer.sync.source import fetch, render_fetched
from deployer.webhook import NO_COMMIT

Found = Mapping[str, Sequence[Manifest]]
"""The manifests of applications, by name; one that cannot be read is missing."""


def check_repository(
    section: Section, github: GitHub, repository: Repository, applications: Sequence[Application], limits: Limits
) -> Found:
    """Look at a repository as the deployer's token, or its App, sees it.

    Args:
        section: takes the checks.
        github: with the deployer's own credentials.
        repository: whose.
        applications: those that are deployed from it.
        limits: how much their files may ask for.
    """
    if repository.host != github.host:
        section.fail(
            str(repository),
            f"it is at {repository.host}, and this deployer reads {github.host}",
            "change spec.source.repoURL, or DEPLOYER_GITHUB_API_URL",
        )
        return {}
    if not check_installation(section, github, repository):
        return {}
    found = {}
    for application in applications:
        manifests = _check_source(section, github, application, limits)
        if manifests is not None:
            found[application.name] = manifests
    try:
        github.request("GET", f"/repos/{repository.full_name}")
    except SourceError:
        for name in ("statuses", "webhook"):
            section.skip(name, "the repository cannot be read")
        return found
    _check_statuses(section, github, repository)
    requiring = [one for one in applications if one.require_checks]
    for application in requiring:
        _check_checks(section, github, application)
    for application in applications:
        if application.require_verified:
            _check_signature(section, github, application)
    _check_webhook(section, github, repository, [one.name for one in requiring])
    return found


def _check_source(section: Section, github: GitHub, application: Application, limits: Limits) -> list[Manifest] | None:
    """Read an application's manifests, exactly as a sync does."""
    source, name = application.source, f"source of {application.name}"
    try:
        commit = resolve(github, source.repository, source.target_revision)
        fetched = fetch(github, application, commit, limits)
        manifests = render_fetched(fetched, limits, allow_empty=application.allow_empty)
    except DeployerError as error:
        section.fail(name, str(error), f"spec.source in {application.place}; {DOCUMENTS} says what it may be")
        return None
    at = f"{source.target_revision} is at {commit[:7]}"
    paths = " and ".join(one.path for one in application.sources)
    section.ok(name, f"{at}, and has {plural(len(manifests), 'manifest')} in {paths}")
    return manifests


def _check_statuses(section: Section, github: GitHub, repository: Repository) -> None:
    """Try to set a status on a commit that cannot exist, which leaves no trace.

    Who may not write is refused (403; 404 for a classic token), and who may is told that there is no such commit (422):
    GitHub has answered so for years, but documents neither that message nor that permissions come first
    (https://docs.github.com/en/rest/commits/statuses#create-a-commit-status). So any other answer decides nothing.
    """
    name, holder = "statuses", github.credentials.holder
    try:
        github.request(
            "POST", f"/repos/{repository.full_name}/statuses/{NO_COMMIT}", {"state": "pending", "context": "deployer"}
        )
    except SourceError as error:
        if error.status == 422:
            section.ok(name, "commits can be told what became of them")
        elif _is_refusal(error):
            told = f"{holder.name} may not write commit statuses, so no commit can be told what became of it"
            classic = ", or a classic one repo:status" if holder.classic else ""
            section.fail(name, told, f"give it commit statuses: write{classic} ({_place(github)})")
        else:
            section.fail(name, str(error), "try again; nothing was written")
        return
    section.warn(name, "GitHub took a status for a commit that cannot exist", "report this, with GitHub's version")


def _check_checks(section: Section, github: GitHub, application: Application) -> None:
    """Read how the checks stand that an application requires, which not every token may see."""
    source, name = application.source, f"checks of {application.name}"
    try:
        commit = resolve(github, source.repository, source.target_revision)
        checks = read_checks(github, source.repository, commit, application.require_checks)
    except SourceError as error:
        section.fail(name, str(error), f"without, no commit of {application.name} is deployed ({_place(github)})")
        return
    stand = in_short([f"{check} is {found.state}" for check, found in checks.items()])
    section.ok(name, f"{stand} at {commit[:7]}")


def _check_signature(section: Section, github: GitHub, application: Application) -> None:
    """Ask GitHub whether it verifies the commit that an application watches, where that must be signed."""
    source, name = application.source, f"signature of {application.name}"
    try:
        commit = resolve(github, source.repository, source.target_revision)
        signature = read_signature(github, source.repository, commit)
    except SourceError as error:
        section.fail(name, str(error), f"without, no commit of {application.name} is deployed ({_place(github)})")
        return
    if signature == VERIFIED:
        section.ok(name, f"GitHub verifies {commit[:7]}")
    elif signature.state == "waiting":
        section.warn(name, f"{commit[:7]} waits for {signature.words}, and is not deployed before", "try again")
    else:
        told = f"{commit[:7]} is {signature.words}, so it is not deployed"
        section.warn(name, told, f"push a signed commit ({SIGNATURES})")


def _check_webhook(section: Section, github: GitHub, repository: Repository, requiring: Sequence[str]) -> None:
    try:
        hooks = github.request_list(f"/repos/{repository.full_name}/hooks?per_page=100")
    except SourceError as error:
        if _is_refusal(error):
            what = "pushes and checks" if requiring else "pushes"
            section.skip(
                "webhook",
                f"{github.credentials.holder.limited} may not see webhooks, and the deployer does not need it to",
                f"look at Settings, Webhooks by hand: it must be active, for {what}, and its last delivery a success",
            )
        else:
            section.fail("webhook", str(error), "try again")
        return
    check_hooks(section, [hook.fields for hook in hooks], requiring)


def _is_refusal(error: SourceError) -> bool:
    """Whether the token may not do it; a rate limit, which passes, comes with 403 as well."""
    return error.status in (403, 404) and not error.transient


def _place(github: GitHub) -> str:
    """The page that says what a token, or the App, needs."""
    return GITHUB if github.credentials.holder.classic else APP
