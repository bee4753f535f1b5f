"""One cluster: the way to it, its version, and what the account may do there."""

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import Any

from deployer.application import Application
from deployer.cli.checks.access import Access, attributes, leave_to_act_as, needs, rules
from deployer.cli.checks.section import CLUSTER, GKE, Section
from deployer.cluster.connection import PARALLEL, Cluster
from deployer.cluster.discovery import Discovery, discover
from deployer.cluster.inventory import empty
from deployer.cluster_document import ClusterDocument
from deployer.configuration import Placement
from deployer.errors import ClusterError
from deployer.google_token import google_token
from deployer.http import Timeouts
from deployer.manifest import Manifest
from deployer.report.words import plural
from deployer.settings import Settings
from deployer.sync.connections import open_cluster
from deployer.sync.targets import namespace_target, resolve

TIMEOUTS = Timeouts(connect=5, read=5, whole=10)
"""Seconds: whoever asks a doctor waits for the answer."""

_OLDEST = (1, 27)  # the first with aggregated discovery (KEP-3352)
_REVIEWS = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
_WHO = "/apis/authentication.k8s.io/v1/selfsubjectreviews"

Manifests = Callable[[Application], Sequence[Manifest] | None]
"""Gives an application's manifests, None where they cannot be read; may wait for them."""


def check_cluster(
    section: Section,
    document: ClusterDocument,
    settings: Settings,
    placements: Sequence[Placement],
    manifests: Manifests,
) -> None:
    """Look at a cluster with the deployer's own credentials.

    Args:
        section: takes the checks.
        document: the cluster's.
        settings: say where Secret Manager is.
        placements: the applications that are deployed there.
        manifests: what they deploy.
    """
    after = ["API server", "account", "kinds", *(_access_to(one.application) for one in placements)]
    way = "endpoint" if document.gke else "kubeconfig"
    hint = f"{CLUSTER} shows how to make one; {document.place} names the secret"
    if document.gke:
        hint = f"{GKE} says what it needs; {document.place} names the cluster"
    connected = section.attempt(way, lambda: open_cluster(document, settings, fresh=True, timeouts=TIMEOUTS), hint)
    if connected is None:
        _skip(section, after, f"there is no {way} to ask {'at' if document.gke else 'with'}")
        return
    if document.gke:
        who = google_token().principal() or "this account"
        section.ok(way, f"{document.gke.endpoint} of {document.gke}, asked as {who}")
    else:
        section.ok(way, f"can be read from {document.kubeconfig_secret}, and asks for nothing unsafe")
    with closing(connected) as cluster:
        if not _check_version(section, cluster, document):
            _skip(section, after[1:], "the API server cannot be asked")
            return
        account = _check_account(section, cluster)
        discovery = _check_kinds(section, cluster)
        if not discovery:
            _skip(section, after[3:], "the cluster does not tell its kinds")
            return
        for placement in placements:
            _check_access(section, cluster, discovery, placement, manifests(placement.application), account)


def _skip(section: Section, names: Sequence[str], reason: str) -> None:
    for name in names:
        section.skip(name, reason)


def _access_to(application: Application) -> str:
    return f"access for {application.name}"


def _check_version(section: Section, cluster: Cluster, document: ClusterDocument) -> bool:
    hint = f"check the address and the credentials in the kubeconfig, and a firewall in between ({CLUSTER})"
    if document.gke:
        hint = f"check what the account may do, and a firewall in between ({GKE})"
    version = section.attempt("API server", lambda: cluster.request("GET", "/version"), hint)
    if version is None:
        return False
    told = str(version.get("gitVersion", "an unknown version"))
    # Such as 27+, where a provider has added to it.
    numbers = [re.match(r"\d+", str(version.get(part, ""))) for part in ("major", "minor")]
    if tuple(int(found[0]) if found else 0 for found in numbers) < _OLDEST:
        section.fail("API server", f"runs Kubernetes {told}", "upgrade it to 1.27 or newer")
        return False
    section.ok("API server", f"answers; Kubernetes {told}")
    return True


def _check_account(section: Section, cluster: Cluster) -> str:
    """Ask who we are; returns the account's name."""
    try:
        body = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}
        status: Mapping[str, Any] = cluster.request("POST", _WHO, body=body)["status"]
        account = str(status["userInfo"]["username"])
        everything = _allowed(cluster, Access("*", "*", "", "", "*"))
    except ClusterError as error:
        if error.status == 404:
            section.skip("account", "only Kubernetes 1.28 and newer tell who asks")
        else:
            section.fail("account", str(error), f"make new credentials for it ({CLUSTER})")
        return "the account"
    if everything:
        section.warn("account", f"{account} may do everything in this cluster", f"a narrow Role is enough ({CLUSTER})")
    else:
        section.ok("account", account)
    return account


def _check_kinds(section: Section, cluster: Cluster) -> Discovery | None:
    hint = "the account needs system:discovery, which every authenticated one has unless somebody took it away"
    discovery = section.attempt("kinds", lambda: discover(cluster), hint)
    if not discovery:
        return None
    told = f"{plural(len(discovery.resources), 'kind')} can be applied"
    if discovery.stale:
        apis = ", ".join(sorted(f"{group}/{version}" for group, version in discovery.stale))
        section.warn("kinds", f"{told}, but {apis} does not answer", "look at its APIService: kubectl get apiservices")
    else:
        section.ok("kinds", told)
    return discovery


def _check_access(
    section: Section,
    cluster: Cluster,
    discovery: Discovery,
    placement: Placement,
    manifests: Sequence[Manifest] | None,
    account: str,
) -> None:
    """Ask the cluster about each permission that a sync of an application needs, for the kinds that it has.

    Where its project names a service account, that one needs those for its objects.
    """
    application, acting = placement.application, placement.account
    name = _access_to(application)
    if manifests is None:
        section.skip(name, "its manifests, which say what it needs, are not known")
        return
    namespace = application.destination.namespace
    found = resolve(manifests, discovery, namespace, defaults=application.object_defaults)
    targets, refusals = (*found.targets, *found.hooks), found.refusals
    if refusals:
        first = refusals[0]
        section.fail(
            name,
            f"{first.manifest.key}: {first.reason}",
            f"mend its source, or spec.destination in {application.place}",
        )
        return
    home = empty(application.name, namespace).namespace
    made = all(target.key != namespace_target(home).key for target in targets)
    own = home if (application.create_namespace or not namespace) and made else ""
    try:
        if acting and not _allowed(cluster, leave := leave_to_act_as(acting)):
            told = f"{account} may not act as {acting}, as project {placement.project.name} wants"
            section.fail(name, told, f"add what is missing ({CLUSTER}) to\n{rules([leave])}")
            return
        as_account = cluster.acting_as(acting)
        there = _is_there(as_account, home)
        kept_up = bool(application.namespace_metadata)
        needed = needs(targets, own, there=there is not False, kept_up=kept_up, prune=application.prune)
        missing = _missing(as_account, {*needed.must, *needed.helps})
        unrecorded = _missing(cluster, needs((), "", there=True, home=home).must)
    except ClusterError as error:
        section.fail(name, str(error), "the account cannot ask what it may do: give it system:basic-user back")
        return
    refused = [access for access in needed.must if access in missing]
    unknown = [access for access in needed.helps if access in missing]
    kinds = plural(len({(target.resource.group, target.resource.kind) for target in targets}), "kind")
    if there is False and namespace and not own and made:
        create = f"kubectl create namespace {namespace}, or CreateNamespace=true in spec.syncPolicy.syncOptions"
        section.fail(name, f"there is no namespace {namespace}", create)
    elif refused or (unrecorded and not acting):
        told = f"{acting or account} may not do all that a sync of its {kinds} needs"
        lacking = [*sorted({*refused, *(() if acting else unrecorded)}), *unknown]
        section.fail(name, told, f"add what is missing ({CLUSTER}) to\n{rules(lacking)}")
    elif unrecorded:
        told = f"{account} may not write down what {acting} deploys"
        section.fail(name, told, f"add what is missing ({CLUSTER}) to\n{rules(sorted(unrecorded))}")
    elif unknown:
        told = f"its {kinds} can be applied, but what holds a pod up would not be told"
        section.warn(name, told, f"add what is missing ({CLUSTER}) to\n{rules(unknown)}")
    else:
        section.ok(name, f"its {kinds} can be applied" + (f" in namespace {namespace}" if namespace else ""))


def _is_there(cluster: Cluster, namespace: str) -> bool | None:
    """Whether a namespace exists; None where the account may not know."""
    try:
        cluster.request("GET", f"/api/v1/namespaces/{namespace}")
    except ClusterError as error:
        if error.status == 404:
            return False
        if error.status == 403:
            return None
        raise
    return True


def _missing(cluster: Cluster, needed: Collection[Access]) -> set[Access]:
    with ThreadPoolExecutor(PARALLEL) as pool:
        allowed = pool.map(lambda access: _allowed(cluster, access), needed)
        return {access for access, yes in zip(needed, allowed, strict=True) if not yes}


def _allowed(cluster: Cluster, access: Access) -> bool:
    """Ask whether this account may do something, which stores nothing.

    https://kubernetes.io/docs/reference/access-authn-authz/authorization/#checking-api-access
    """
    body = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectAccessReview",
        "spec": {"resourceAttributes": attributes(access)},
    }
    return bool(cluster.request("POST", _REVIEWS, body=body)["status"].get("allowed"))
