"""The secrets that deliveries may be signed with: two of them, so that one can be rotated while the other is in use."""

import threading
import time
from collections.abc import Callable

from deployer.errors import DeployerError
from deployer.secrets import KEPT, read_live
from deployer.settings import Settings, check_webhook_secret

PAUSE = 10.0
"""Seconds between two readings: whoever sends wrong signatures must not have Secret Manager asked for each of them."""

_WAIT = 1.0
"""Seconds that a delivery waits for the reading that another one has begun."""


class LiveSecrets:
    """The secrets as they were when they were last read; shared by threads.

    They are read anew when they are older than `kept` seconds, so that a secret that was taken back ends, and when a
    signature is of none of them, but not twice within `pause` seconds.
    """

    def __init__(
        self,
        values: tuple[bytes, ...],
        read: Callable[[], tuple[bytes, ...]],
        on_error: Callable[[DeployerError], None],
        *,
        pause: float = PAUSE,
        kept: float = KEPT,
    ) -> None:
        """Take the secrets of this moment.

        Args:
            values: all that are live.
            read: gives them anew.
            on_error: told where they cannot be read anew; those read before go on being good.
            pause: seconds between two readings.
            kept: seconds after which they are read anew in any case.
        """
        self._values = values
        self._read = read
        self._on_error = on_error
        self._pause = pause
        self._kept = kept
        self._next = time.monotonic()
        self._old = self._next + kept
        self._lock = threading.Lock()

    def current(self) -> tuple[bytes, ...]:
        """Return all that are live."""
        # Whoever comes while another one reads takes those that are known.
        if time.monotonic() >= self._old and self._lock.acquire(blocking=False):
            self._read_and_release()
        return self._values

    def others_than(self, tried: tuple[bytes, ...]) -> bool:
        """Look whether there are other secrets than those that a signature was tried with, and say so."""
        if self._lock.acquire(timeout=_WAIT):
            if self._values == tried and time.monotonic() >= self._next:
                self._read_and_release()
            else:
                self._lock.release()
        return self._values != tried

    def _read_and_release(self) -> None:
        try:
            self._next = time.monotonic() + self._pause
            self._old = self._next
            self._values = self._read()
            self._old = time.monotonic() + self._kept
        except DeployerError as error:
            self._on_error(error)
        finally:
            self._lock.release()


def read_webhook_secrets(settings: Settings, *, hurry: bool = False) -> tuple[bytes, ...]:
    """Read the webhook's secrets: that of the setting, and the previous one where there is one.

    Args:
        settings: say where they are.
        hurry: a delivery waits for them, so Secret Manager gets two seconds and no second chance.

    Raises:
        ConfigurationError: there is none, or one is no secret, or too short.
        SecretError: one cannot be had.
    """
    sources = settings.require_webhook_secrets()
    return tuple(
        check_webhook_secret(name, secret)
        for name, source in sources.items()
        for secret in read_live(name, source, settings.secret_manager_endpoint, hurry=hurry)
    )
