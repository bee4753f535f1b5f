"""One instance of a function: started, killed, started anew, and what it says where it does not start."""

from pathlib import Path

import pytest

from local.function import Function
from local.leash import Leash
from tests.local import instances
from tests.local.instances import post


def test_it_comes_back_at_the_same_address(leash: Leash) -> None:
    (one,) = instances.start(leash, "one")
    assert one.running
    one.kill()
    assert not one.running
    with pytest.raises(OSError, match=r"refused|reset"):
        post(one.url, {})
    one.start()
    assert post(one.url, {}) == (200, b'{"by":"one"}\n')
    assert (leash.folder / "one.log").read_text().count("imported") == 2, "the log goes on"


def test_one_that_does_not_start_shows_the_end_of_its_log(leash: Leash, tmp_path: Path) -> None:
    source = tmp_path / "broken.py"
    source.write_text("import nowhere")
    function = Function(leash, {}, "sync", "broken", source=source)
    with pytest.raises(RuntimeError, match=r"the function sync did not start; .*\n[\s\S]*No module named 'nowhere'"):
        function.start()
    assert not function.running


def test_one_that_was_never_started_can_be_killed(leash: Leash, tmp_path: Path) -> None:
    function = Function(leash, {}, "sync", "never", source=tmp_path / "none.py")
    function.kill()
    assert not function.running


def test_it_gets_its_own_settings_and_no_others(leash: Leash, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DEPLOYER_GITHUB_TOKEN", "of whoever starts the world")
    source = tmp_path / "main.py"
    source.write_text("import os\ndef sync(request): return {n: v for n, v in os.environ.items() if 'DEPLOYER_' in n}")
    function = Function(leash, {"DEPLOYER_QUEUE": "pubsub"}, "sync", "one", source=source).start()
    assert post(function.url, {}) == (200, b'{"DEPLOYER_QUEUE":"pubsub"}\n')
