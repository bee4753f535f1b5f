"""The secrets that stand in settings."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from deployer.cli.checks.secrets import check_webhook_secrets, kind_of, read_token
from deployer.cli.checks.section import Section
from deployer.settings import load_settings
from local.secret_manager import SecretManager

SECRET = "s3cret-s3cret-s3cret"
MANAGED = "projects/acme/secrets/webhook"


@pytest.fixture
def manager() -> Iterator[SecretManager]:
    with SecretManager() as manager:
        yield manager


def check(**environ: str) -> list[tuple[str, str, str]]:
    section = Section("webhook secrets")
    check_webhook_secrets(section, load_settings(environ))
    assert SECRET not in str(section)
    return [(one.name, one.status, one.message) for one in section.checks]


CURRENT, PREVIOUS = "DEPLOYER_WEBHOOK_SECRET", "DEPLOYER_WEBHOOK_SECRET_PREVIOUS"


def test_a_secret_in_the_environment() -> None:
    told = "1 secret of at least 16 bytes, from the environment"
    assert check(**{CURRENT: SECRET}) == [(CURRENT, "ok", told)]


def test_a_mounted_secret(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text(f"{SECRET}\n")
    place = f"file:{tmp_path}/secret"
    assert check(**{CURRENT: place}) == [(CURRENT, "ok", f"1 secret of at least 16 bytes, from {place}")]


@pytest.mark.parametrize(
    ("environ", "said"),
    [
        ({}, "DEPLOYER_WEBHOOK_SECRET is not set"),
        ({CURRENT: "short"}, "DEPLOYER_WEBHOOK_SECRET has 5 bytes"),
        ({CURRENT: "file:/not/there"}, "cannot be read"),
    ],
)
def test_no_secret_is_a_failure(environ: dict[str, str], said: str) -> None:
    ((name, status, message),) = check(**environ)
    assert (name, status) == (CURRENT, "failed")
    assert said in message


def test_one_that_cannot_be_read_does_not_hide_the_other() -> None:
    found = check(**{CURRENT: "short", PREVIOUS: SECRET})
    assert [(name, status) for name, status, _ in found] == [(CURRENT, "failed"), (PREVIOUS, "warning")]


def test_a_rotation_under_way_is_a_warning_until_it_ends(manager: SecretManager) -> None:
    first = manager.put(MANAGED, SECRET.encode())
    environ = {CURRENT: MANAGED, "DEPLOYER_SECRET_MANAGER_ENDPOINT": manager.address}
    assert check(**environ)[0][1:] == ("ok", f"1 secret of at least 16 bytes, from {MANAGED}")
    manager.put(MANAGED, f"{SECRET}-2".encode())
    ((_, status, message),) = check(**environ)
    assert (status, message.split(",")[0]) == ("warning", "2 secrets of at least 16 bytes")
    manager.disable(first)
    assert check(**environ)[0][1] == "ok"


def test_a_secret_that_the_manager_has_not(manager: SecretManager) -> None:
    ((_, status, message),) = check(**{CURRENT: MANAGED, "DEPLOYER_SECRET_MANAGER_ENDPOINT": manager.address})
    assert status == "failed"
    assert f"secret {MANAGED} does not exist" in message


@pytest.mark.parametrize(
    ("token", "kind", "advised"),
    [
        ("github_pat_x", "fine-grained", False),
        ("ghp_x", "classic", True),
        ("gho_x", "OAuth", True),
        ("ghu_x", "eight hours", True),
        ("ghs_x", "an hour", True),
        ("0123456789abcdef0123456789abcdef01234567", "does not tell", False),
    ],
)
def test_the_kind_of_a_token_is_told_by_its_beginning(token: str, kind: str, advised: bool) -> None:
    told, advice = kind_of(token)
    assert kind in told
    assert bool(advice) == advised
    section = Section("GitHub")
    assert read_token(section, load_settings({"DEPLOYER_GITHUB_TOKEN": token})) == token
    (found,) = section.checks
    assert found.status == ("warning" if advised else "ok")
    assert token not in str(found)


def test_a_token_that_is_not_set() -> None:
    section = Section("GitHub")
    assert read_token(section, load_settings({})) is None
    (found,) = section.checks
    assert (found.status, "DEPLOYER_GITHUB_TOKEN is not set" in found.message) == ("failed", True)
