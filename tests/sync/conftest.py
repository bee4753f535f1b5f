from collections.abc import Iterator

import pytest

from deployer.cluster.connection import Cluster
from deployer.cluster.discovery import Resource
from deployer.cluster.objects import list_all
from deployer.settings import Settings, load_settings
from tests.sync.app import App
from tests.sync.wanting import Known
from tests.world import Bench

_DEFINITIONS = Resource("apiextensions.k8s.io", "v1", "CustomResourceDefinition", "customresourcedefinitions", False)


@pytest.fixture
def settings(bench: Bench) -> Settings:
    """The world's."""
    return load_settings(bench.world.exports)


@pytest.fixture
def group(staging: Cluster, namespace: str) -> Iterator[str]:
    """An API group for one test, which may define kinds in it; gone when the test is."""
    name = f"{namespace}.example.com"
    yield name
    for one in list_all(staging, _DEFINITIONS, ""):
        if one["spec"]["group"] == name:
            path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
            staging.request("DELETE", f"{path}/{one['metadata']['name']}")


@pytest.fixture
def app(staging: Cluster, namespace: str) -> App:
    return App(staging, namespace)


@pytest.fixture
def known(bench: Bench, settings: Settings, staging: Cluster) -> Known:
    return Known(bench, settings, staging)
