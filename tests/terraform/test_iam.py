import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.docs.reference import tables
from tests.terraform.case import Case
from tests.terraform.conftest import CASES
from tests.terraform.iam import Grant, grants, open_to_all, told
from tests.terraform.terraform import ROOT, copy_module, served

(ROWS,) = tables((ROOT / "README.md").read_text(), "| account | may | on | when |")


def test_the_table_tells_what_terraform_makes(case: Case) -> None:
    made, words = grants(case.state), told(ROWS, case)

    assert sorted(made - words) == [], "terraform gives this, and the table does not tell it"
    assert sorted(words - made) == [], "the table tells this, and terraform does not give it"


def test_nothing_but_the_webhook_is_open_to_all(case: Case) -> None:
    assert open_to_all(case.state) == [
        'module.deployer.google_cloud_run_v2_service_iam_member.invoker["webhook"]: member'
    ]
    outward = {name: function["ingress_settings"] for name, function in case.functions().items() if name != "webhook"}
    assert set(outward.values()) <= {"ALLOW_INTERNAL_ONLY"}


def test_no_role_is_wider_than_it_must_be(case: Case) -> None:
    made = grants(case.state)

    assert {grant.role for grant in made} & {"roles/owner", "roles/editor", "roles/viewer"} == set()
    assert not [grant for grant in made if "secret" in grant.role and not grant.place.startswith("secret ")]
    assert not [grant for grant in made if re.search("[aA]dmin|[tT]okenCreator|serviceAccountUser", grant.role)]


def test_every_row_of_the_table_is_compared(make_case: Callable[[str], Case]) -> None:
    # A row that stands for nothing in any of our root modules would be compared with nothing.
    assert [row for row in ROWS if not any(told([row], make_case(name)) for name in CASES)] == []


PLANTED = """
resource "google_project_iam_member" "planted" {{
  project = var.project
  role    = "{role}"
  member  = "serviceAccount:${{local.emails["webhook"]}}"
}}
"""


def _made_with(folder: Path, file: str, old: str, new: str) -> dict[str, Any]:
    """What terraform makes of the complete example when one text of the module is another."""
    module = copy_module(folder, source=False)
    path = module / file
    text = path.read_text() if path.exists() else ""
    assert old in text, f"{file} has changed: plant the fault in its new words"
    path.write_text(text.replace(old, new, 1))
    with served(module / "examples" / "complete", module) as terraform:
        return terraform.apply()


def test_a_second_open_service_is_found(tmp_path: Path) -> None:
    made = _made_with(tmp_path, "functions.tf", '"serviceAccount:${local.emails["push"]}"', '"allAuthenticatedUsers"')

    assert [where for where in open_to_all(made) if '"sync"' in where] == [
        'module.deployer.google_cloud_run_v2_service_iam_member.invoker["sync"]: member'
    ]


def test_a_grant_that_is_not_told_is_found(tmp_path: Path, complete: Case) -> None:
    made = _made_with(tmp_path, "planted.tf", "", PLANTED.format(role="roles/secretmanager.secretAccessor"))

    assert grants(made) - told(ROWS, complete) == {
        Grant(
            f"serviceAccount:deployer-webhook@{complete.project}.iam.gserviceaccount.com",
            "roles/secretmanager.secretAccessor",
            f"project {complete.project}",
        )
    }


def test_a_grant_that_is_told_and_missing_is_found(tmp_path: Path, complete: Case) -> None:
    made = _made_with(tmp_path, "queue.tf", 'concat(["webhook"], local.runners)', "local.runners")

    assert [grant.place for grant in told(ROWS, complete) - grants(made)] == ["topic deployer"]
