"""The secrets that deliveries may be signed with: two of them, so that one can be rotated while the other is in use."""

import threading
import time
from collections.abc import Callable

from deployer.errors import DeployerError
from deployer.secrets import read_live
from deployer.settings import Settings, check_webhook_secret

PAUSE = 10.0
"""Seconds between two readings: whoever sends wrong signatures must not have Secret Manager asked for each of them."""

_WAIT = 1.0
"""Seconds that a delivery waits for the reading that another one has begun."""


class LiveSecrets:
    """The secrets as they were when they were last read; shared by threads."""

    def __init__(
        self,
        read: Callable[[], tuple[bytes, ...]],
        on_error: Callable[[DeployerError], None],
        pause: float = PAUSE,
    ) -> None:
        """Read them for the first time.

        Args:
            read: gives all that are live.
            on_error: told where they cannot be read anew; those read before go on being good.
            pause: seconds between two readings anew.

        Raises:
            DeployerError: whatever `read` raises.
        """
        self.values = read()
        self._read = read
        self._on_error = on_error
        self._pause = pause
        self._next = time.monotonic()
        self._lock = threading.Lock()

    def others_than(self, tried: tuple[bytes, ...]) -> bool:
        """Say whether there are other secrets than those that a signature was tried with.

        They are read anew for that, where that was not done a moment ago.
        """
        if self._lock.acquire(timeout=_WAIT):
            try:
                if self.values == tried and time.monotonic() >= self._next:
                    self._next = time.monotonic() + self._pause
                    self.values = self._read()
            except DeployerError as error:
                self._on_error(error)
            finally:
                self._lock.release()
        return self.values != tried


def read_webhook_secrets(settings: Settings) -> tuple[bytes, ...]:
    """Read the webhook's secrets: that of the setting, and the previous one where there is one.

    Raises:
        ConfigurationError: there is none, or one is no secret, or too short.
        SecretError: one cannot be had.
    """
    sources = settings.require_webhook_secrets()
    return tuple(
        check_webhook_secret(name, secret)
        for name, source in sources.items()
        for secret in read_live(name, source, settings.secret_manager_endpoint)
    )
