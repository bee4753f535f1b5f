"""Two live secrets, and their rotation, with a Secret Manager that speaks Google's protocol."""

import socket
import threading
import time
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

    def live(self, **seconds: float) -> LiveSecrets:
        return LiveSecrets(self.values, self, self.told.append, **seconds)


@pytest.fixture
def place() -> Place:
    return Place()


def test_they_are_read_anew_once_and_then_not_for_a_while(place: Place) -> None:
    live = place.live()
    assert [live.others_than((b"old",)) for _ in range(3)] == [False] * 3
    assert place.read == 1
    place.values = (b"new",)
    assert not live.others_than((b"old",)), "ten seconds have not passed"
    assert live.current() == (b"old",)


def test_they_are_read_anew_when_the_pause_is_over(place: Place) -> None:
    live = place.live(pause=0)
    assert not live.others_than((b"old",))
    place.values = (b"new", b"old")
    assert live.others_than((b"old",))
    assert live.current() == (b"new", b"old")


def test_what_another_delivery_has_read_is_not_read_once_more(place: Place) -> None:
    live = place.live(pause=0)
    place.values = (b"new",)
    assert live.others_than((b"old",))
    assert live.others_than((b"old",))
    assert place.read == 1


def test_a_secret_that_was_taken_back_ends_without_a_wrong_signature(place: Place) -> None:
    live = place.live(kept=0)
    place.values = (b"new",)
    assert live.current() == (b"new",)


def test_young_secrets_are_not_read_for_each_delivery(place: Place) -> None:
    live = place.live(kept=60)
    place.values = (b"new",)
    assert live.current() == (b"old",)
    assert place.read == 0


def test_what_cannot_be_read_anew_stays_as_it_was_and_is_tried_again_after_the_pause(place: Place) -> None:
    live = place.live(pause=0.2, kept=0)
    place.error = SecretError("out of reach")
    assert live.current() == live.current() == (b"old",)
    assert not live.others_than((b"old",))
    assert (place.read, place.told) == (1, [place.error])
    place.error, place.values = None, (b"new",)
    time.sleep(0.25)
    assert live.current() == (b"new",)


def test_many_wrong_signatures_at_once_read_once(place: Place) -> None:
    live = place.live()
    threads = [threading.Thread(target=live.others_than, args=((b"old",),)) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert place.read == 1


def test_a_secret_manager_that_is_silent_is_not_waited_for_in_a_hurry() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        made = load_settings(
            {
                "DEPLOYER_WEBHOOK_SECRET": NAME,
                "DEPLOYER_SECRET_MANAGER_ENDPOINT": f"127.0.0.1:{silent.getsockname()[1]}",
            }
        )
        start = time.monotonic()
        with pytest.raises(SecretError, match="Secret Manager cannot be reached"):
            read_webhook_secrets(made, hurry=True)
        assert time.monotonic() - start < 4
