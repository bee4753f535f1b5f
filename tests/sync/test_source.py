"""From files to manifests."""

import pytest

from deployer.application import Directory
from deployer.errors import RenderError
from deployer.limits import DEFAULT_LIMITS
from deployer.sync.source import render_some
from tests.world import config_map


def test_files_without_a_manifest_are_an_error_that_says_where() -> None:
    with pytest.raises(RenderError, match="there are no manifests at k8s in acme/shop: check `path`"):
        render_some({"values.yaml": b"a: 1"}, Directory(), "k8s in acme/shop", DEFAULT_LIMITS)
    (manifest,) = render_some({"a.yaml": config_map("a").encode()}, Directory(), "k8s", DEFAULT_LIMITS)
    assert manifest.name == "a"
