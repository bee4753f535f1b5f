"""What can go wrong, as a person is told of it.

DeployerError
├── ConfigurationError   a setting or a configuration document is wrong
├── RenderError          the files of the repository are not valid manifests
├── HeldBackError        a sync window of the project does not let a sync go ahead now
├── DeletedError         the application was deleted by hand
├── StaysError           the commit is not to be deployed, or not yet
└── AnswerError          another machine refused, or did not answer
    ├── SecretError      Secret Manager: no such secret, no access, no answer
    ├── TokenError       Google gives no access token to whoever runs this
    ├── QueueError       Pub/Sub: no such topic, no access, no answer
    ├── SourceError      GitHub: no such ref, no such path, no access, no answer
    └── ClusterError     a cluster: kubeconfig, connection, an object it refuses
        ├── BusyError    another sync of the application is under way
        └── SupersededError  a newer commit has taken this one's place

Each message says what happened, to what, and what to do next; none ever holds the value of a secret.
"""


class DeployerError(Exception):
    """Base of every error that is meant to be read by a person.

    `kept` says that the fault was written down where the next reconcile finds it: on the commit, or in the inventory.
    """

    kept = False


class ConfigurationError(DeployerError):
    """A setting or a configuration document is wrong; the message names file, document, field and what is allowed."""


class RenderError(DeployerError):
    """The files of a repository are not valid manifests; the message names file and line."""


class HeldBackError(DeployerError):
    """A sync window of the project does not let a sync go ahead now; the message says which, and until when."""


class DeletedError(DeployerError):
    """The application was deleted by hand, and nothing is deployed until its watched ref moves."""


class StaysError(DeployerError):
    """A commit is not to be deployed, or not yet: the application stays as it is; the message says why."""


class AnswerError(DeployerError):
    """Another machine refused, or did not answer.

    `status` is its HTTP status, 0 where there was no answer; `transient` says that the fault may pass, and
    `retry_after` after how many seconds, where the other one said so.
    """

    def __init__(
        self, message: str, *, status: int = 0, transient: bool = False, retry_after: float | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.transient = transient
        self.retry_after = retry_after


class SecretError(AnswerError):
    """Secret Manager cannot give a secret."""


class TokenError(AnswerError):
    """Google gives no access token to whoever runs this."""


class QueueError(AnswerError):
    """Pub/Sub does not take what is published."""


class SourceError(AnswerError):
    """GitHub or the repository cannot give what was asked for."""


class ClusterError(AnswerError):
    """A cluster cannot be reached, or refuses what was asked."""


class BusyError(ClusterError):
    """Another sync of the application is under way, and has not ended while this one waited."""


class SupersededError(ClusterError):
    """A newer commit has taken the place of the one that was to be deployed; the message begins by saying which."""
