"""What is no sync window, and is refused with its place and field."""

import re
from typing import Any

import pytest

from deployer.errors import ConfigurationError
from tests.test_sync_windows import NIGHT, windows


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"kind": "forbid"}, "kind: 'forbid' is none; allowed: allow, deny"),
        ({"kind": None}, "kind: is missing"),
        ({"schedule": ""}, "schedule: is missing"),
        ({"schedule": "@daily"}, "schedule: '@daily' has not five fields"),
        ({"schedule": "0 0 30 2 *"}, "schedule: '0 0 30 2 *' is a day that never comes"),
        ({"duration": None}, "duration: is missing"),
        ({"duration": "8"}, "duration: '8' is none; allowed: a number with a unit, as 8h, 90m, 1h30m"),
        ({"duration": 8}, "duration: must be text"),
        ({"duration": "1d"}, "duration: '1d' is none"),
        ({"duration": "0h"}, "duration: '0h' is not between 1s and 366 days"),
        ({"duration": "9000h"}, "duration: '9000h' is not between 1s and 366 days"),
        ({"duration": "999999999999h"}, "is not between"),
        ({"timeZone": "Europe/Bern"}, "timeZone: 'Europe/Bern' is no zone of the IANA database"),
        ({"timeZone": "Europe"}, "timeZone: 'Europe' is no zone"),
        ({"timeZone": "../../etc/passwd"}, "timeZone: '../../etc/passwd' is no zone"),
        ({"timeZone": "/etc/localtime"}, "is no zone"),
        ({"timeZone": "+02:00"}, "is no zone"),
        ({"applications": []}, "applications: name what it is about in applications, clusters or namespaces"),
        ({"applications": "*"}, "applications: must be a list of texts"),
        ({"clusters": ["a", "[b"]}, "clusters[1]: '[b' is no valid glob"),
        ({"namespaces": ["!web"]}, "namespaces[0]: '!web' fits nothing here"),
        ({"namespaces": [""]}, "namespaces[0]: '' fits nothing here"),
        ({"manualSync": "yes"}, "manualSync: must be true or false"),
        ({"andOperator": 1}, "andOperator: must be true or false"),
        ({"syncOverrun": "x"}, "syncOverrun: must be true or false"),
        ({"description": 1}, "description: must be text"),
        ({"timezone": "UTC"}, "timezone: unknown field; did you mean timeZone?"),
    ],
)
def test_what_is_no_window(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError, match=f"^a.yaml, document 1: {re.escape('spec.syncWindows[1].')}") as told:
        windows(NIGHT, NIGHT | change)
    assert message in str(told.value)


def test_what_changes_nothing_here_may_be_written() -> None:
    assert windows({**NIGHT, "description": "no deploys at night", "syncOverrun": True}) == windows(NIGHT)
