"""Quantities as an API server writes them: first by a table, then by a server."""

from typing import Any

import pytest

from deployer.cluster.connection import Cluster
from deployer.sync.quantity import canonical
from tests.sync.helpers import manifest, written

CASES = {
    "1000m": "1",
    "1500m": "1500m",
    "0.5": "500m",
    ".5": "500m",
    "1": "1",
    "1000": "1k",
    "1024": "1024",
    "10000": "10k",
    "1024Mi": "1Gi",
    "1.5Gi": "1536Mi",
    "1Ki": "1Ki",
    "0.5Ki": "512",
    "1000Ki": "1000Ki",
    "1073741824": "1073741824",
    "1G": "1G",
    "0": "0",
    "0Mi": "0",
    "1E": "1E",
    "1.5": "1500m",
    "2.12": "2120m",
    "0.5Gi": "512Mi",
    "12Mi": "12Mi",
    "4096Ki": "4Mi",
    "100000000": "100M",
}
NUMBERS = {1: "1", 0.5: "500m", 2.0: "2", 1000: "1k"}


@pytest.mark.parametrize(
    ("written", "stored"), [*CASES.items(), *NUMBERS.items(), ("-1500m", "-1500m"), ("-2Ki", "-2Ki")]
)
def test_canonical(written: Any, stored: str) -> None:
    assert canonical(written) == stored


@pytest.mark.parametrize(
    "value",
    [
        "",
        "x",
        "1e3",
        "12E6",
        "1 Gi",
        "1mi",
        ".",
        "-",
        "m",
        "5.",
        "+2",
        "1.500",
        "0.001G",
        "01",
        ".125",
        "100n",
        "1u",
        "0.0005",
        "0.1n",
        "1.0001Ki",
        "99E",
        "1i",
        True,
        None,
        {},
        [1],
        1e-7,
    ],
)
def test_nothing_is_said_of_what_is_no_quantity_or_would_be_rounded(value: Any) -> None:
    assert canonical(value) is None


def test_a_server_writes_them_like_this(staging: Cluster, namespace: str) -> None:
    values = {f"example.com/{number}": value for number, value in enumerate([*CASES, *NUMBERS])}
    body = manifest(
        "v1",
        "ResourceQuota",
        "quota",
        namespace,
        spec={"hard": {f"requests.{key}": value for key, value in values.items()}},
    )
    (live,) = (one for key, one in written(staging, namespace, body).live.items() if key.kind == "ResourceQuota")
    assert live["spec"]["hard"] == {f"requests.{key}": canonical(value) for key, value in values.items()}
