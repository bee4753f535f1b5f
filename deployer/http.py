"""How long an HTTP request that leaves the process may take, and how much it may bring back."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from urllib3 import BaseHTTPResponse

CONNECT = 5.0
"""Seconds that a connection may take."""

TIMEOUT = 15.0
"""Seconds without a byte of an answer."""

WHOLE = 60.0
"""Seconds until an answer has ended: a byte every ten seconds would keep within each other limit for ever."""

MAX_ANSWER = 64_000_000
"""Bytes that an answer may have; a list of 10,000 large objects needs less."""

MAX_WORDS = 1_000
"""Characters of another machine's own words that a person is told; an admission webhook needs some hundred."""

_CHUNK = 65_536


@dataclass(frozen=True)
class Timeouts:
    """Seconds that a request may take: for each step of connecting, for each read, and until its answer has ended."""

    connect: float = CONNECT
    read: float = TIMEOUT
    whole: float = WHOLE


DEFAULT_TIMEOUTS = Timeouts()


class TooLargeError(ValueError):
    """An answer is larger than `MAX_ANSWER`."""


def read_answer(answer: "BaseHTTPResponse") -> bytes:
    """Read the body of an answer of urllib3 to its end, and let go of its connection.

    Raises:
        TooLargeError: it is larger than `MAX_ANSWER`.
        urllib3.exceptions.HTTPError: it was cut off, or a single read took too long.
    """
    data = bytearray()
    try:
        while chunk := answer.read1(_CHUNK, decode_content=True):
            data += chunk
            if len(data) > MAX_ANSWER:
                raise TooLargeError(f"the answer is larger than {MAX_ANSWER:,} bytes")
    finally:
        answer.close()  # one that was not read to its end leaves a connection that nobody can use again
    return bytes(data)


def excerpt(text: str) -> str:
    """What another machine says, as a person is told of it: on one line, and its first `MAX_WORDS` characters.

    Args:
        text: of any length; values of Secrets are masked already, since one that is cut would be known by nobody.
    """
    words = " ".join(text[:MAX_WORDS].split())
    return f"{words}…" if len(text) > MAX_WORDS else words
