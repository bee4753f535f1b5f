"""What is our own on GitHub."""

import pytest

from deployer.github.statuses import context_of
from deployer.ours import is_ours


@pytest.mark.parametrize("name", ["deployer", "deployer/shop", "deployer/", "DEPLOYER/shop", context_of("shop")])
def test_what_is_ours(name: str) -> None:
    assert is_ours(name)


@pytest.mark.parametrize("name", ["", "deployers", "deploy", "my/deployer", "deployer-shop", " deployer", "/deployer"])
def test_what_is_not(name: str) -> None:
    assert not is_ours(name)
