"""All checks: what each needs from another, and the order in which people see them."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from contextlib import ExitStack

from deployer.application import Application
from deployer.cli.checks.app import HOOKS, check_app
from deployer.cli.checks.cluster import check_cluster
from deployer.cli.checks.github import check_github
from deployer.cli.checks.queue import check_queue
from deployer.cli.checks.repository import Found, check_repository
from deployer.cli.checks.secrets import check_webhook_secrets, read_token
from deployer.cli.checks.section import GITHUB, Section
from deployer.cli.checks.settings import check_configuration, check_settings
from deployer.cluster_document import ClusterDocument
from deployer.configuration import Configuration
from deployer.github.client import GitHub
from deployer.http import Timeouts
from deployer.limits import Limits
from deployer.manifest import Manifest
from deployer.repository import Repository
from deployer.settings import Settings
from deployer.sync.connections import app_of

_TIMEOUTS = Timeouts(connect=5, read=10, whole=30)
"""Seconds that a request to GitHub may take: whoever asks a doctor waits for the answer."""

# Looked at at once. A repository may have 16 requests under way, and GitHub's secondary limit stands at 100.
_REPOSITORIES, _CLUSTERS = 4, 16

_SECRETS, _QUEUE, _GITHUB = "webhook secrets", "Pub/Sub", "GitHub"

Waiting = Callable[[Sequence[str]], None]
"""Told the titles of the sections that are waited for."""


def examine(environ: Mapping[str, str], waiting: Waiting) -> Iterator[Section]:
    """Check everything that the settings lead to. All is asked at once, but for what needs an answer from before.

    Args:
        environ: the environment with the settings.
        waiting: told what is waited for, before each wait.

    Yields:
        Each section once it is done; the clusters come last, each as it answers.
    """
    first = Section("settings")
    settings = check_settings(first, environ)
    configuration = check_configuration(first, settings)
    yield first
    if settings:
        yield from _neighbours(settings, configuration or Configuration(), waiting)
    else:
        for title in (_SECRETS, _GITHUB):
            yield _skipped(title, "the settings are not valid")
    if configuration is None:
        yield _skipped("repositories and clusters", "the configuration, which names them, cannot be read")


def _neighbours(settings: Settings, configuration: Configuration, waiting: Waiting) -> Iterator[Section]:
    sources: dict[Repository, list[Application]] = {}
    for application in configuration.applications:
        sources.setdefault(application.source.repository, []).append(application)
    with ExitStack() as stack:
        asking = stack.enter_context(ThreadPoolExecutor(_REPOSITORIES + 3))
        secrets = asking.submit(_secrets, settings)
        queue = asking.submit(_queue, settings) if settings.queue == "pubsub" else None
        github = asking.submit(_github, settings, stack)
        repositories = {
            repository: asking.submit(_repository, repository, applications, github, settings.limits)
            for repository, applications in sources.items()
        }
        entering = stack.enter_context(ThreadPoolExecutor(_CLUSTERS))
        clusters = {
            entering.submit(_cluster, document, settings, configuration, repositories): document.name
            for document in configuration.clusters
        }
        waiting([_SECRETS])
        yield secrets.result()
        if queue:
            waiting([_QUEUE])
            yield queue.result()
        waiting([_GITHUB])
        yield github.result()[0]
        for repository, future in repositories.items():
            waiting([f"repository {repository}"])
            yield future.result()[0]
        waiting([f"cluster {name}" for name in clusters.values()])
        for done in as_completed(list(clusters)):
            del clusters[done]
            yield done.result()
            waiting([f"cluster {name}" for name in clusters.values()])


def _skipped(title: str, reason: str) -> Section:
    section = Section(title)
    section.skip(title, reason)
    return section


def _secrets(settings: Settings) -> Section:
    section = Section(_SECRETS)
    section.finish(lambda: check_webhook_secrets(section, settings))
    return section


def _queue(settings: Settings) -> Section:
    section = Section(_QUEUE)
    section.finish(lambda: check_queue(section, settings))
    return section


def _github(settings: Settings, stack: ExitStack) -> tuple[Section, GitHub | None]:
    """The connection, where GitHub takes the token, or the App's key; `stack` closes it."""
    section = Section(_GITHUB)
    return section, section.finish(lambda: _opened(section, settings, stack))


def _opened(section: Section, settings: Settings, stack: ExitStack) -> GitHub | None:
    api = settings.github_api_url
    if settings.github_app_id:
        app = app_of(settings, HOOKS)
        as_app = stack.enter_context(GitHub(api, app, _TIMEOUTS))
        return as_app if check_app(section, app, as_app, settings) else None
    token = read_token(section, settings)
    if token is None:
        section.skip(api, "there is no token to ask with")
        return None
    github = section.attempt(
        api, lambda: GitHub(api, token, _TIMEOUTS), f"save it without line breaks and spaces ({GITHUB})"
    )
    if github is None:
        return None
    stack.enter_context(github)
    return github if check_github(section, github) else None


def _repository(
    repository: Repository,
    applications: Sequence[Application],
    opened: Future[tuple[Section, GitHub | None]],
    limits: Limits,
) -> tuple[Section, Found]:
    section = Section(f"repository {repository}")
    github = opened.result()[1]
    if github is None:
        section.skip(str(repository), "GitHub cannot be asked")
        return section, {}
    found = section.finish(lambda: check_repository(section, github, repository, applications, limits))
    return section, found or {}


def _cluster(
    document: ClusterDocument,
    settings: Settings,
    configuration: Configuration,
    repositories: Mapping[Repository, Future[tuple[Section, Found]]],
) -> Section:
    section = Section(f"cluster {document.name}")
    applications = [one for one in configuration.applications if configuration.cluster_for(one) == document]
    placements = [configuration.placement(one.name) for one in applications]

    def manifests(application: Application) -> Sequence[Manifest] | None:
        return repositories[application.source.repository].result()[1].get(application.name)

    section.finish(lambda: check_cluster(section, document, settings, placements, manifests))
    return section
