"""The settings and the configuration, without asking anybody."""

from collections.abc import Mapping

from deployer.cli.checks.section import DOCUMENTS, QUEUES, SETTINGS_PAGE, Section
from deployer.configuration import Configuration, load_configuration
from deployer.report.words import plural
from deployer.settings import SETTINGS, Settings, load_settings


def check_settings(section: Section, environ: Mapping[str, str]) -> Settings | None:
    """Read the settings of an environment; returns None where they are not valid."""
    settings = section.attempt(
        "settings", lambda: load_settings(environ), f"{SETTINGS_PAGE} lists every setting, its default and its meaning"
    )
    if settings:
        given = [setting.name for setting in SETTINGS if environ.get(setting.name)]
        section.ok("settings", f"{len(given)} of {len(SETTINGS)} are set, each to something that is allowed")
        if settings.queue == "pubsub":
            section.ok("queue", "pubsub: behind the public door are the webhook's secrets, and the topic, and no more")
        else:
            section.warn(
                "queue",
                f"{settings.queue}: the public door runs the jobs itself, so the credentials for GitHub and every "
                "cluster are behind it",
                f"fit for one machine and very small set-ups; keep the accounts in the clusters narrow ({QUEUES})",
            )
    return settings


def check_configuration(section: Section, settings: Settings | None) -> Configuration | None:
    """Read the configuration; returns None where it is not valid."""
    if settings is None:
        section.skip("configuration", "the settings, which say where it is, are not valid")
        return None
    hint = f"{DOCUMENTS} shows both kinds of document; examples/config holds a complete one"
    configuration = section.attempt("configuration", lambda: load_configuration(settings.require_config()), hint)
    if configuration:
        told = (
            f"{plural(len(configuration.applications), 'application')} and "
            f"{plural(len(configuration.clusters), 'cluster')} in {settings.config}"
        )
        if configuration.applications:
            section.ok("configuration", told)
        else:
            section.warn("configuration", f"{told}: no push deploys anything", hint)
    return configuration
