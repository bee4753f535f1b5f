"""What a webhook is set to, and whose it is.

https://docs.github.com/en/rest/repos/webhooks and https://docs.github.com/en/rest/orgs/webhooks
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal, NamedTuple
from urllib.parse import urlencode

from local.github import documents

Kind = Literal["repository", "organization"]

_CONTENT_TYPES = {"json": "application/json", "form": "application/x-www-form-urlencoded"}


@dataclass(frozen=True)
class Hook:
    """The settings of a webhook: all webhooks of one GitHub are alike.

    `kind` says who has one: each repository, or each organisation for all of its repositories.
    """

    url: str
    secret: str = field(repr=False)
    kind: Kind = "repository"
    content_type: Literal["json", "form"] = "json"
    events: tuple[str, ...] = ("push",)
    active: bool = True
    insecure_ssl: Literal["0", "1"] = "0"
    created: datetime = field(default_factory=lambda: datetime.now(UTC))

    def wants(self, event: str) -> bool:
        """Tell whether an event is sent; a ping always is."""
        return event == "ping" or (self.active and not {event, "*"}.isdisjoint(self.events))

    def encode(self, payload: Mapping[str, Any]) -> tuple[str, bytes]:
        """Return the Content-Type and the body in which a payload is sent."""
        text = json.dumps(payload, ensure_ascii=False)
        body = text if self.content_type == "json" else urlencode({"payload": text})
        return _CONTENT_TYPES[self.content_type], body.encode()


class Target(NamedTuple):
    """Whose webhook one is: a repository's (`name` is `owner/name`) or an organisation's."""

    kind: Kind
    name: str

    @property
    def number(self) -> int:
        """The number of the repository or organisation."""
        return documents.number(self.name)

    @property
    def hook(self) -> int:
        """The number of the webhook."""
        return documents.number("hook", self.name)
