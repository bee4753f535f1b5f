"""What happened in a repository, told to its webhook."""

from collections.abc import Callable

from local.github import documents
from local.github.documents import Document
from local.github.repository import Repository
from local.github.rest_hooks import Hooking
from local.github.webhooks import Webhooks


class Events:
    """Sends what happens, without waiting, to the webhook that hears of a repository's events, if it wants it."""

    def __init__(self, base: str, hooking: Hooking, webhooks: Webhooks) -> None:
        self._base = base
        self._hooking = hooking
        self._webhooks = webhooks

    def send(self, repository: Repository, event: str, payload: Callable[[], Document]) -> None:
        """Have an event told; its payload takes processes to make, and is asked for only where somebody wants it."""
        hook, target = self._webhooks.hook, self._hooking.target(repository)
        if hook and target and hook.wants(event):
            self._webhooks.send(event, payload(), target=target, host=self._base.removeprefix("http://"))

    def tell(self, repository: Repository, event: str, payload: Callable[[], Document]) -> None:
        """Have an event told, with what all of them have in common but a push.

        https://docs.github.com/en/webhooks/webhook-events-and-payloads#webhook-payload-object-common-properties
        """

        def whole() -> Document:
            return {
                **payload(),
                "repository": documents.full_repository(self._base, repository),
                "organization": documents.organization(self._base, repository.owner),
                "sender": documents.account(self._base, documents.USER),
            }

        self.send(repository, event, whole)
