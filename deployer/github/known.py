"""What GitHub has answered, kept to ask it whether that still holds; then it says so, and need not say it again.

Such an answer, a 304, is free for GitHub's primary rate limit (https://docs.github.com/rest/using-the-rest-api/
best-practices-for-using-the-rest-api#use-conditional-requests). Without one nothing is taken from here: GitHub is asked
every time, and what it says is as new as ever.
"""

import hashlib
import re
import sys
import threading
from dataclasses import dataclass

from cachetools import LRUCache

MAX_ANSWER = 2_000_000
"""Bytes of an answer that is kept: a page of a hundred statuses has 200,000."""

# What never changes is kept by its own id, in `files.py` and `trees.py`: nobody asks for it twice.
_LASTING = re.compile(r"/git/(blobs|trees)/[0-9a-f]{40}\b")
_ETAG = re.compile(r'(W/)?"[!#-~]{1,200}"')
_OVERHEAD = 1_000  # bytes that an entry takes besides its text


@dataclass(frozen=True)
class Known:
    """An answer's body, and the mark that GitHub gave this state of it (RFC 9110, 8.8.3)."""

    etag: str
    text: str


def _size(known: Known) -> int:
    return sys.getsizeof(known.text) + _OVERHEAD


ANSWERS: LRUCache[tuple[bytes, str], Known] = LRUCache(16_000_000, getsizeof=_size)
_LOCK = threading.Lock()


def recall(authorization: str, address: str) -> Known | None:
    """What is known of an address.

    Args:
        authorization: the header that the request will have: what one token was answered is nothing to another one.
        address: all of it, where the request goes in the end: each has marks of its own.
    """
    with _LOCK:
        return ANSWERS.get(_key(authorization, address))


def keep(authorization: str, address: str, etag: str | None, text: str) -> None:
    """Keep what a GET was answered with 200; an answer that has no mark, or is too large, is not kept."""
    known = Known(etag or "", text)
    if not _LASTING.search(address) and _ETAG.fullmatch(known.etag) and _size(known) <= MAX_ANSWER:
        with _LOCK:
            ANSWERS[_key(authorization, address)] = known


def _key(authorization: str, address: str) -> tuple[bytes, str]:
    return hashlib.sha256(authorization.encode()).digest(), address
