"""`deployer doctor`, where a setting, the configuration, the token or a repository is not as it should be."""

import pytest

from tests.cli.clinic import FILES, Clinic


def test_a_wrong_token_leaves_the_rest_to_be_looked_at(clinic: Clinic) -> None:
    clinic.cluster("staging")
    clinic.application()
    clinic.bench.push(FILES)
    found = clinic.examine(DEPLOYER_GITHUB_TOKEN="wr0ng-token")
    assert found.status == 1
    host = clinic.bench.world.github.git_url.removeprefix("http://")
    status, message, _ = found.of("GitHub", host)
    assert (status, "refused the token (401" in message) == ("failed", True)
    assert found.of(clinic.repository, clinic.bench.repository)[:2] == ("skipped", "GitHub cannot be asked")
    assert found.of("cluster staging", "access for web")[0] == "skipped"
    assert found.of("cluster staging", "API server")[0] == "ok"
    assert "wr0ng-token" not in found.everything


def test_no_token_is_a_failure_of_its_own(clinic: Clinic) -> None:
    found = clinic.examine(DEPLOYER_GITHUB_TOKEN="")
    assert found.of("GitHub", "token")[0] == "failed"
    assert found.of("GitHub", clinic.bench.world.github.api_url)[0] == "skipped"


def test_a_token_that_cannot_be_sent(clinic: Clinic) -> None:
    status, message, _ = clinic.examine(DEPLOYER_GITHUB_TOKEN="s3cret token").of(
        "GitHub", clinic.bench.world.github.api_url
    )
    assert (status, "a character that no token has" in message) == ("failed", True)
    assert "s3cret" not in message


def test_a_ref_that_is_not_there_is_named(clinic: Clinic) -> None:
    clinic.cluster("staging")
    clinic.application(targetRevision="release")
    clinic.bench.push(FILES)
    found = clinic.examine()
    assert found.status == 1
    status, message, hint = found.of(clinic.repository, "source of web")
    assert (status, "no branch or tag release" in message) == ("failed", True)
    assert "application.yaml, document 1" in hint
    assert found.of("cluster staging", "access for web")[0] == "skipped"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"DEPLOYER_QEUE": "inline"}, "DEPLOYER_QEUE is no setting"),
        ({"DEPLOYER_QUEUE": "carrier-pigeon"}, "'carrier-pigeon' is no queue"),
    ],
)
def test_bad_settings_are_all_that_can_be_told(clinic: Clinic, changes: dict[str, str], said: str) -> None:
    found = clinic.examine(**changes)
    assert found.status == 1
    status, message, _ = found.of("settings", "settings")
    assert (status, said in message) == ("failed", True)
    rest = {check["status"] for key, check in found.checks.items() if key != ("settings", "settings")}
    assert rest == {"skipped"}


def test_a_bad_configuration_leaves_secrets_and_github_to_be_looked_at(clinic: Clinic) -> None:
    clinic.application("nowhere")
    found = clinic.examine()
    status, message, _ = found.of("settings", "configuration")
    assert (found.status, status) == (1, "failed")
    assert "no Cluster has the name or alias 'nowhere'" in message
    assert found.statuses("GitHub")["token"] == "ok"
    assert found.of("repositories and clusters", "repositories and clusters")[0] == "skipped"


def test_a_configuration_without_applications_deploys_nothing(clinic: Clinic) -> None:
    clinic.cluster("staging")
    status, message, _ = clinic.examine().of("settings", "configuration")
    assert (status, "no push deploys anything" in message) == ("warning", True)
