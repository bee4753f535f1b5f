"""Who may do what: as terraform makes it, and as the table in the documentation tells it."""

import re
from dataclasses import dataclass
from typing import Any

from tests.terraform.case import Case, resources, texts

# kind of resource → what it gives a role on, and the attribute that names that.
_PLACES = {
    "google_artifact_registry_repository_iam": ("repository", "repository"),
    "google_cloud_run_v2_service_iam": ("service", "name"),
    "google_project_iam": ("project", "project"),
    "google_pubsub_subscription_iam": ("subscription", "subscription"),
    "google_pubsub_topic_iam": ("topic", "topic"),
    "google_secret_manager_secret_iam": ("secret", "secret_id"),
    "google_service_account_iam": ("account", "service_account_id"),
    "google_storage_bucket_iam": ("bucket", "bucket"),
}
_IAM = re.compile(r"(google_\w+_iam)_(member|binding|policy|audit_config)")
_PUBLIC = {"allUsers", "allAuthenticatedUsers"}


@dataclass(frozen=True, order=True)
class Grant:
    """`member` has `role` on `place`, such as "topic deployer", if `condition` holds."""

    member: str
    role: str
    place: str
    condition: str = ""


def grants(state: dict[str, Any]) -> set[Grant]:
    """All that a state or planned values give.

    Raises:
        ValueError: something gives rights in a way that this module cannot read, and so must not be passed over.
    """
    found = set()
    for one in resources(state):
        if match := _IAM.fullmatch(one["type"]):
            if match[1] not in _PLACES or match[2] not in ("member", "binding"):
                raise ValueError(
                    f"{one['address']} gives rights, and tests/terraform/iam.py does not know how to read it"
                )
            kind, attribute = _PLACES[match[1]]
            values = one["values"]
            place = f"{kind} {values[attribute].rsplit('/', 1)[-1]}"
            condition = "".join(part["expression"] for part in values.get("condition") or [])
            for member in values["members"] if match[2] == "binding" else [values["member"]]:
                found.add(Grant(member, values["role"], place, condition))
    return found


def open_to_all(state: dict[str, Any]) -> list[str]:
    """Where anybody at all is let in: the address and attribute of each, in whatever kind of resource."""
    return sorted(
        f"{one['address']}: {path}"
        for one in resources(state)
        for path, text in texts(one["values"])
        if text in _PUBLIC or text.lower().startswith("public") or path.endswith("invoker_iam_disabled")
    )


def told(rows: list[list[str]], case: Case) -> set[Grant]:
    """What the table tells of one root module.

    Raises:
        ValueError: a row says something in words that this module cannot read.
    """
    found = set()
    for row in rows:
        account, role, place, when = row
        match = re.fullmatch(r"(\w+) `([\w-]+)`(?:, bucket `([\w-]+)` only)?", place)
        if match is None or not set(filter(None, when.split(", "))) <= case.conditions.keys():
            raise ValueError(f"tests/terraform/iam.py cannot read this row of the table: {row}")
        if not all(case.conditions[word] for word in filter(None, when.split(", "))):
            continue
        kind, name, bucket = match.groups()
        condition = ""
        if bucket:
            whole = f"projects/_/buckets/{case.fill(bucket)}"
            condition = f'resource.name == "{whole}" || resource.name.startsWith("{whole}/")'
        for one in _each(name, "connect-gateway" if "connect-gateway" in when else None, case):
            found.add(Grant(_member(account.strip("`"), case), role.strip("`"), f"{kind} {one}", condition))
    return found


def _member(account: str, case: Case) -> str:
    if account == "allUsers":
        return account
    return case.fill(f"serviceAccount:{account if '@' in account else f'{account}@PROJECT.iam.gserviceaccount.com'}")


def _each(name: str, endpoint: str | None, case: Case) -> set[str]:
    """The names that one of the table stands for."""
    if name == "KUBECONFIG_SECRET":
        return case.kubeconfig_secrets
    if name == "GKE_PROJECT":
        return case.gke_projects(endpoint)
    return {case.fill(name).replace("CLUSTER", cluster) for cluster in case.inputs["clusters"]}
