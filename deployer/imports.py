"""Libraries that are slow to import are imported where they are used; of these, only one thread imports at a time.

The modules of such a library import each other. Two threads that come from different ends wait for each other's locks,
which Python notices, and ends one of them with `_DeadlockError` (https://docs.python.org/3/library/importlib.html,
`_frozen_importlib`).
"""

from threading import RLock

IMPORTING = RLock()
"""Held while such a library is imported."""
