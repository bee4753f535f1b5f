from typing import Any

from bench.burst import counted


def test_only_what_was_planned_is_a_sync() -> None:
    about = {"application": "shop"}
    log: list[dict[str, Any]] = [
        {"message": "looking, because of a push", **about},
        {"message": "2 objects in staging: healthy", "durations": {"resolve": 0.1, "plan": 0.1, "apply": 0.1}, **about},
        {"message": "1234567 is there already", "durations": {"resolve": 0.1}, **about},
        {"message": "superseded by 1234567", **about},
        {"message": "superseded by 1234567", "durations": {"plan": 0.1}, **about},
        {"message": "2 objects in staging: failed", "durations": {"plan": 0.1}, "application": "api"},
        {"message": "2 objects in staging: healthy", "durations": {"plan": 0.1}, **about},
        {"message": "queued 2 jobs"},
    ]
    assert counted(log) == {"shop": 4, "api": 1}
