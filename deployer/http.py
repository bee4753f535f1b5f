"""How long an HTTP request that leaves the process may take, and how much it may bring back."""

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from urllib3 import BaseHTTPResponse

CONNECT = 5.0
"""Seconds that a connection may take."""

TIMEOUT = 15.0
"""Seconds that each read of an answer may take."""

WHOLE = 60.0
"""Seconds that a whole answer may take: a byte every ten seconds would keep within each other limit for ever."""

MAX_ANSWER = 64_000_000
"""Bytes that an answer may have; a list of 10,000 large objects needs less."""

_CHUNK = 65_536


@dataclass(frozen=True)
class Timeouts:
    """Seconds that a request may take: to connect, for each read, and until its answer has ended.

    The end is looked for after each read, so that `whole` + `read` is the longest.
    """

    connect: float = CONNECT
    read: float = TIMEOUT
    whole: float = WHOLE


DEFAULT_TIMEOUTS = Timeouts()


class TooLargeError(ValueError):
    """An answer is larger than `MAX_ANSWER`."""


def read_answer(answer: "BaseHTTPResponse", deadline: float) -> bytes:
    """Read an answer's body to its end, and let go of its connection.

    Args:
        answer: of urllib3, its body not read yet.
        deadline: on `time.monotonic`'s clock.

    Raises:
        TimeoutError: it still went on at the deadline.
        TooLargeError: it is larger than `MAX_ANSWER`.
        urllib3.exceptions.HTTPError: it was cut off, or a single read took too long.
    """
    data = bytearray()
    try:
        while chunk := answer.read1(_CHUNK, decode_content=True):
            data += chunk
            if len(data) > MAX_ANSWER:
                raise TooLargeError(f"the answer is larger than {MAX_ANSWER:,} bytes")
            if time.monotonic() > deadline:
                raise TimeoutError(f"the answer did not end in time; {len(data):,} bytes of it came")
    finally:
        answer.close()  # one that was not read to its end leaves a connection that nobody can use again
    return bytes(data)
