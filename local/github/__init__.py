"""A GitHub on this machine, for people who try the deployer and for its tests."""

from local.github.server import GitHub
from local.github.webhooks import Delivery

__all__ = ["Delivery", "GitHub"]
