"""The GitHub App: whether its key fits, where it is installed, and what it may do there."""

from deployer.cli.checks.secrets import where
from deployer.cli.checks.section import APP, Section
from deployer.errors import DeployerError, SourceError
from deployer.github.app import HELPFUL, NEEDED, App, lacking
from deployer.github.client import GitHub
from deployer.repository import Repository
from deployer.settings import Settings

HOOKS = {"repository_hooks": "read"}
"""What shows webhooks to a doctor, and to nobody else."""


def check_app(section: Section, app: App, github: GitHub, settings: Settings) -> bool:
    """Ask GitHub who this is, which only the App's own key can; returns whether there was an answer.

    https://docs.github.com/en/rest/apps/apps#get-the-authenticated-app
    """
    name, place = "App", where(settings.github_app_key)
    try:
        app.prepare()
    except DeployerError as error:
        section.fail(name, str(error), f"the key is a file of the App's settings, Private keys ({APP})")
        return False
    try:
        found = github.request("GET", "/app")
        told = f"{github.host} knows the key from {place} as that of {found.text('name')} ({found.text('html_url')})"
    except SourceError as error:
        unreachable = "check DEPLOYER_GITHUB_API_URL, and that this machine can reach it: curl -sI the address"
        section.fail(
            name, str(error), f"its settings show its ID and its keys ({APP})" if error.status else unreachable
        )
        return False
    section.ok(name, told)
    return True


def check_installation(section: Section, github: GitHub, repository: Repository) -> bool:
    """Say whether the App is installed for a repository, and what it may do; returns False where it is not.

    Where there is no App, there is nothing to say.
    """
    app, name = github.credentials, "installation"
    if not isinstance(app, App):
        return True
    try:
        found = app.installation(repository.full_name, github.ask)
    except SourceError as error:
        section.fail(name, str(error), f"without, nothing is deployed from {repository} ({APP})")
        return False
    change = f"give them to the App in its settings, Permissions, and accept them at {found.page} ({APP})"
    without = lacking(found.permissions, NEEDED)
    if without:
        section.fail(name, f"the App may not do all that a sync needs: it lacks {', '.join(without)}", change)
        return True
    told = f"the App is installed, and may do what a sync needs ({found.page})"
    rest = lacking(found.permissions, HELPFUL)
    if rest:
        told += f"; it lacks {', '.join(rest)}, for checks that are required, or deployments that CI starts"
    section.ok(name, told)
    return True
