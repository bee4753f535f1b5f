import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from bench import google
from deployer.google_token import google_token
from deployer.queue.message import Message
from deployer.queue.publisher import Publisher
from deployer.settings import load_settings
from local.leash import Leash

_LATENCY = 0.1


@pytest.fixture
def there(tmp_path: Path) -> Iterator[google.Google]:
    with Leash(tmp_path / "leash") as leash:
        yield google.start(leash, (_LATENCY, _LATENCY))


def _publish(variables: Mapping[str, str]) -> float:
    publisher = Publisher(load_settings({name: value for name, value in variables.items() if name[:9] == "DEPLOYER_"}))
    publisher.publish([Message(b"first", {})])
    begin = time.monotonic()
    publisher.publish([Message(b"second", {})])
    return time.monotonic() - begin


def test_it_confirms_as_an_emulator(there: google.Google) -> None:
    assert _LATENCY < _publish(there.emulator) < 2 * _LATENCY


def test_it_confirms_as_google_itself(there: google.Google, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in there.itself.items():
        monkeypatch.setenv(name, value)
    google_token.cache_clear()
    assert _LATENCY < _publish(there.itself) < 2 * _LATENCY
    assert google_token().header() == "Bearer ya29.bench"
    google_token.cache_clear()
