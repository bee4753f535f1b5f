"""The inline queue: the request that brought an event runs its jobs.

It joins the public door and the credentials in one process: for one machine and very small set-ups.
"""

from concurrent.futures import ThreadPoolExecutor
from threading import Lock
from typing import Any

from deployer.configuration import Configuration, load_configuration
from deployer.errors import ConfigurationError, DeployerError
from deployer.report import log
from deployer.routing import Job, Routed, route
from deployer.settings import Settings
from deployer.sync.deploy import deploy
from deployer.sync.result import Progress, Step
from deployer.webhook import Event

_PARALLEL = 8
"""Jobs of one event under way at once: a push may concern many applications."""

# Within one process, the jobs of an application take turns: an older one must not write after a newer one.
_TURNS: dict[str, Lock] = {}


def run(event: Event, settings: Settings) -> tuple[dict[str, Any], int]:
    """Run the jobs of an event to their end.

    Args:
        event: from a verified delivery.
        settings: where the configuration, GitHub and Secret Manager are.

    Returns:
        The answer to the delivery, as JSON values, and its HTTP status. It names applications and outcomes; reasons
        are for the commit and the log, not for whoever reads GitHub's list of deliveries.
    """
    try:
        configuration = load_configuration(settings.require_config())
        settings.require_github_token()
    except ConfigurationError as error:
        log.error(f"nothing is deployed: {error}", delivery=event.delivery)
        return {"error": "the deployer's configuration is not valid; its log says where"}, 500
    routed = route(event, configuration.applications)
    if routed.reason:
        log.info(f"ignored because {routed.reason}", delivery=event.delivery)
        return {"ignored": f"ignored because {routed.reason}"}, 200
    with ThreadPoolExecutor(_PARALLEL) as pool:
        outcomes = list(pool.map(lambda job: _run(job, configuration, settings), routed.jobs))
    return _answer(routed, outcomes), 200


def _answer(routed: Routed, outcomes: list[str]) -> dict[str, Any]:
    jobs = [
        {"application": job.application, "outcome": outcome} for job, outcome in zip(routed.jobs, outcomes, strict=True)
    ]
    ignored = [{"application": name, "ignored": f"ignored {reason}"} for name, reason in routed.ignored]
    return {"applications": jobs + ignored}


def _run(job: Job, configuration: Configuration, settings: Settings) -> str:
    """Run one job; returns its outcome. Whatever happens, the other jobs of the event go on."""
    application = configuration.application(job.application)
    about: dict[str, Any] = {"application": application.name, "delivery": job.delivery}
    if application.self_heal:
        log.warning("automated.selfHeal is accepted, but not acted on yet", **about)
    log.info(f"looking, because of a {job.reason}", **about)
    try:
        deployed = deploy(
            application,
            configuration.cluster_for(application),
            configuration.project_for(application),
            settings,
            _reason_logger(about),
            before=job.before,
            turn=_TURNS.setdefault(application.name, Lock()),
            neighbours=configuration.neighbours_of(application),
            why=job.reason,
            who=f"delivery {job.delivery}",
        )
    except DeployerError as error:
        log.error(str(error), **about)
        return "failed"
    except Exception:
        log.error("the deployer failed in a way it should not", trace=True, **about)
        return "failed"
    say = log.error if deployed.result.outcome == "failed" else log.info
    durations = {step: round(seconds, 3) for step, seconds in deployed.result.durations.items()}
    say(deployed.message, revision=deployed.revision, duration=round(deployed.seconds, 3), durations=durations, **about)
    return deployed.result.outcome


def _reason_logger(about: dict[str, Any]) -> Progress:
    """Progress that logs each reason why a rollout is held up, once; the steps before are told by the outcome."""
    told: set[str] = set()

    def tell(step: Step) -> None:
        if step.reason and step.reason not in told:
            told.add(step.reason)
            log.warning(step.reason, **about)

    return tell
