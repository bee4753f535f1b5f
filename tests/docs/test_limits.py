"""docs/reference/limits.md, held against the constants of the code."""

import re
import tomllib
from typing import Any

import pytest

from deployer import (
    annotations,
    body,
    configuration,
    http,
    limits,
    live_secrets,
    metadata_server,
    retry,
    secrets,
    tree,
    webhook,
)
from deployer import settings as settings_
from deployer.application import Application
from deployer.cli.checks import cluster as cluster_check
from deployer.cli.checks import queue as queue_check
from deployer.cluster import connection, gke, history, lease
from deployer.github import (
    app,
    app_key,
    blob_folder,
    blobs,
    budget,
    files,
    known,
    listing,
    statuses,
    transport,
    trees,
    verified,
)
from deployer.queue import envelope, inline, jobs, message, oidc, publisher, pubsub, survey
from deployer.rendering import parsed
from deployer.rendering.kustomize import build, child, reach
from deployer.report import commit
from deployer.sync import decision, engine, jq_child, prune, record, wanted, writing
from tests.docs.commands import ROOT
from tests.docs.reference import page, rows

_DEFAULTS = limits.DEFAULT_LIMITS

CONSTANTS: dict[str, Any] = {
    "body of a delivery": webhook.MAX_BODY,
    "time for it to arrive": body.SECONDS,
    "large bodies read at once": body._AT_ONCE._initial_value,  # type: ignore[attr-defined]
    "size up to which a body is small": body._SMALL,
    "values in a payload": webhook._MOST_VALUES,
    "a webhook's secret": settings_.MIN_SECRET,
    "readings of the secret for a wrong signature": live_secrets.PAUSE,
    "characters of a ref": webhook._LONGEST_REF,
    "a job within the request": inline.BUDGET,
    "jobs of one event at once": jobs.PARALLEL,
    "a message": message.MAX_DATA,
    "values around the data of a message": envelope._MOST_VALUES,
    "publishing, all attempts together": publisher.SECONDS,
    "one attempt of it": publisher._EACH,
    "messages of one request": publisher.MOST_MESSAGES,
    "bytes of one request": publisher.MOST_BYTES,
    "time before the end of a request at which a rollout is left": pubsub.MARGIN,
    "a job of the schedule that waits": pubsub._STALE,
    "calls of `reconcile` in which each application is looked at": survey.ROUNDS,
    "clusters, and refs, that `reconcile` asks at once": survey._PARALLEL,
    "calls after a sync in which it is looked at each time": survey._FRESH,
    "pause between two syncs of an application that pushes begin": wanted.PAUSE,
    "what Pub/Sub waits for an answer": queue_check._ACK,
    "difference of clocks, in tokens of pushes": oidc.CLOCK_SKEW,
    "readings of Google's certificates for an unknown key": oidc._PAUSE,
    "bytes of its manifest files": _DEFAULTS.total_bytes,
    "manifest files": _DEFAULTS.files,
    "YAML documents": _DEFAULTS.documents,
    "objects": _DEFAULTS.objects,
    "keys and values": _DEFAULTS.nodes,
    "lists and mappings inside each other": _DEFAULTS.depth,
    "the most that these may be set to": limits.DEEPEST,
    "files and folders around its path": trees.MAX_ENTRIES,
    "links that a link leads through": tree.MAX_LINKS,
    "Kustomize: bases on each other": reach.MAX_DEPTH,
    "Kustomize: builds of folders": reach.MAX_BUILDS,
    "Kustomize: one build": build.SECONDS,
    "Kustomize: memory": child.MEGABYTES << 20,
    "a jq expression": jq_child.SECONDS,
    "its memory": jq_child.MEGABYTES << 20,
    "checks that may be required": annotations.MOST_CHECKS,
    "syncs that the inventory remembers": Application.revision_history_limit,
    "bytes of that history": history.MAX_BYTES,
    "objects that are pruned without a word": prune.FEW,
    "percentage that is pruned without a word": annotations.DEFAULT_MAX_PRUNE_PERCENTAGE,
    "time to wait for health": annotations.DEFAULT_TIMEOUT,
    "requests to a cluster at once": connection.PARALLEL,
    "waiting for another sync of the application": record._WAIT,
    "a Lease that is not renewed": lease.DURATION,
    "questions, while it waits, whether a newer commit is there": engine._ASK_AGAIN,
    "a new CustomResourceDefinition to be served": writing._DEFINITIONS_TIMEOUT,
    "an object to be gone that is made again": writing._GONE_TIMEOUT,
    "pause before a drift is healed again": decision._HEAL_LONGEST,
    "reasons that one sync shows on the commit": commit._MAX_REASONS,
    "connecting": http.CONNECT,
    "each read": http.TIMEOUT,
    "an answer, to its end": http.WHOLE,
    "its size": http.MAX_ANSWER,
    "attempts": retry.ATTEMPTS,
    "time within which the last one begins": retry.PATIENCE,
    "another machine's words in an error": http.MAX_WORDS,
    "a request to the metadata server": metadata_server._EACH,
    "Secret Manager, where a delivery waits": secrets._HURRY,
    "a secret is kept": secrets.KEPT,
    "a GKE cluster's endpoint is kept": gke.KEPT,
    "requests at once, of one fetch": transport.PARALLEL,
    "requests at once, of a process": transport.MOST_AT_ONCE,
    "files of one GraphQL query": blobs.QUERY_FILES,
    "bytes of one GraphQL query": blobs.QUERY_BYTES,
    "a file that GraphQL is asked for": blobs.MAX_TEXT,
    "lists of folders, where a tree is too large for one": listing.MAX_LISTINGS,
    "statuses and other creations of a token, a minute": {seconds: most for most, seconds in budget.CREATIONS}[60.0],
    "the same, an hour": {seconds: most for most, seconds in budget.CREATIONS}[3_600.0],
    "time that one waits for its turn": budget.WAIT,
    "characters of a status": statuses.MAX_DESCRIPTION,
    "applications of a ref with a status each": configuration.TOGETHER,
    "an answer that is kept to be confirmed": known.MAX_ANSWER,
    "all such answers": known.ANSWERS.maxsize,
    "trees that are kept": trees.TREES.kept.maxsize,
    "files that are kept": files.BLOBS.kept.maxsize,
    "parsed files that are kept": parsed.PARSED._read.maxsize,
    "`DEPLOYER_CACHE_FOLDER`": blob_folder.MOST,
    "an App's token is exchanged before its end": app._EARLY,
    "a lacking permission is asked for again": app._MAY_MORE,
    "an App's key is read anew": app_key._READ_AGAIN,
    "GitHub's word on a signature is kept": verified.KNOWN.ttl,
}
"""Each limit of the page, and where the code has it."""

UNITS = {"KB": 1_000, "MB": 1_000_000, "KiB": 1_024, "MiB": 1_024**2}
"""What a unit multiplies a figure by; seconds, bytes, characters, entries and percent are what they are."""


def figure(cell: str) -> float:
    """The number that a cell says."""
    found = re.fullmatch(r"(?:every )?([0-9,.]+)(?: ([A-Za-z%]+))?", cell)
    assert found, cell
    return float(found[1].replace(",", "")) * UNITS.get(found[2], 1)


TOLD = {limit: cell for limit, cell, _ in rows("limits", "| limit | is | beyond it |")}


def test_the_page_has_every_limit() -> None:
    assert sorted(TOLD) == sorted(CONSTANTS)


@pytest.mark.parametrize("limit", CONSTANTS)
def test_a_figure_is_the_codes(limit: str) -> None:
    assert figure(TOLD[limit]) == CONSTANTS[limit]


def test_figures() -> None:
    assert figure("25 MiB") == 26_214_400
    assert figure("every 10 s") == 10
    assert figure("750,000") == 750_000
    assert figure("2.5 s") == 2.5


def test_what_it_runs_with_is_the_codes() -> None:
    text = page("limits")
    oldest = ".".join(map(str, cluster_check._OLDEST))
    assert f"Kubernetes {oldest} or newer" in text
    with (ROOT / "pyproject.toml").open("rb") as file:
        least, beyond = re.findall(r"3\.[0-9]+", tomllib.load(file)["project"]["requires-python"])
    assert f"Python {least} to 3.{int(beyond.partition('.')[2]) - 1}" in text
