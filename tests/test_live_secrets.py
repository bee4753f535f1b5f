"""Two live secrets, and their rotation, with a Secret Manager that speaks Google's protocol."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from deployer.errors import ConfigurationError, DeployerError, SecretError
from deployer.live_secrets import LiveSecrets, read_webhook_secrets
from deployer.settings import Settings, load_settings
from local.secret_manager import SecretManager

NAME = "projects/local/secrets/webhook"
FIRST, SECOND, THIRD = "the first secret of all", "the second secret of all", "the third secret of all"


@pytest.fixture
def manager() -> Iterator[SecretManager]:
    with SecretManager() as manager:
        yield manager


def settings(manager: SecretManager, secret: str = NAME, previous: str = "") -> Settings:
    return load_settings(
        {
            "DEPLOYER_WEBHOOK_SECRET": secret,
            "DEPLOYER_WEBHOOK_SECRET_PREVIOUS": previous,
            "DEPLOYER_SECRET_MANAGER_ENDPOINT": manager.address,
        }
    )


def put(manager: SecretManager, secret: str) -> str:
    return manager.put(NAME, secret.encode())


def test_the_latest_version_and_the_one_before_it_are_live(manager: SecretManager) -> None:
    for secret in (FIRST, SECOND, THIRD):
        put(manager, secret)
    assert read_webhook_secrets(settings(manager)) == (THIRD.encode(), SECOND.encode())


def test_disabling_the_old_version_ends_a_rotation(manager: SecretManager) -> None:
    old = put(manager, FIRST)
    put(manager, SECOND)
    manager.disable(old)
    assert read_webhook_secrets(settings(manager)) == (SECOND.encode(),)


def test_a_version_that_is_named_is_the_only_one(manager: SecretManager) -> None:
    put(manager, FIRST)
    put(manager, SECOND)
    assert read_webhook_secrets(settings(manager, f"{NAME}/versions/1")) == (FIRST.encode(),)


def test_a_file_and_a_value_may_be_live_together(manager: SecretManager, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text(SECOND + "\n")
    made = settings(manager, f"file:{tmp_path / 'secret'}", FIRST)
    assert read_webhook_secrets(made) == (SECOND.encode(), FIRST.encode())


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is empty, or holds something that is no secret: one line of text is needed"),
        (b"\n", "is empty, or holds"),
        (b"hunter2hunter2\nhunter2hunter2", "is empty, or holds"),
        (b"hunter2hunter2hunter2\xff", "is empty, or holds"),
        (b" hunter2hunter2hunter2", "is empty, or holds"),
        (b"hunter2", "DEPLOYER_WEBHOOK_SECRET has 7 bytes, fewer than 16"),
    ],
)
def test_a_file_that_is_no_secret(content: bytes, said: str, manager: SecretManager, tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_bytes(content)
    with pytest.raises(ConfigurationError, match=said) as caught:
        read_webhook_secrets(settings(manager, f"file:{file}"))
    assert "hunter2" not in str(caught.value)


def test_a_secret_that_is_not_there_is_told(manager: SecretManager) -> None:
    with pytest.raises(SecretError, match=f"secret {NAME} does not exist"):
        read_webhook_secrets(settings(manager))


class Place:
    """Where the secrets are; counts how often it is read."""

    def __init__(self) -> None:
        self.values: tuple[bytes, ...] = (b"old",)
        self.read = 0
        self.error: DeployerError | None = None
        self.told: list[DeployerError] = []

    def __call__(self) -> tuple[bytes, ...]:
        self.read += 1
        if self.error:
            raise self.error
        return self.values


def test_they_are_read_anew_once_and_then_not_for_a_while() -> None:
    place = Place()
    live = LiveSecrets(place, place.told.append)
    assert [live.others_than((b"old",)) for _ in range(3)] == [False] * 3
    assert place.read == 2, "at the start, and at the first wrong signature"
    place.values = (b"new",)
    assert not live.others_than((b"old",)), "ten seconds have not passed"
    assert live.values == (b"old",)


def test_they_are_read_anew_when_the_pause_is_over() -> None:
    place = Place()
    live = LiveSecrets(place, place.told.append, pause=0)
    assert not live.others_than((b"old",))
    place.values = (b"new", b"old")
    assert live.others_than((b"old",))
    assert live.values == (b"new", b"old")


def test_what_another_delivery_has_read_is_not_read_once_more() -> None:
    place = Place()
    live = LiveSecrets(place, place.told.append, pause=0)
    place.values = (b"new",)
    assert live.others_than((b"old",))
    assert live.others_than((b"old",))
    assert place.read == 2


def test_what_cannot_be_read_anew_stays_as_it_was() -> None:
    place = Place()
    live = LiveSecrets(place, place.told.append)
    place.error = SecretError("out of reach")
    assert not live.others_than((b"old",))
    assert live.values == (b"old",)
    assert place.told == [place.error]


def test_many_wrong_signatures_at_once_read_once() -> None:
    place = Place()
    live = LiveSecrets(place, place.told.append)
    threads = [threading.Thread(target=live.others_than, args=((b"old",),)) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert place.read == 2
