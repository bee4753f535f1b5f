"""A whole world on one machine: control planes, GitHub, Secret Manager, Pub/Sub, and the functions between them."""

import secrets
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

from local.build import ensure_built
from local.control_plane import ControlPlane
from local.example import EXAMPLES, SHOP, configure
from local.front import Front
from local.functions import Queue, start_functions
from local.github import GitHub
from local.github.hook import Hook
from local.leash import Leash
from local.pubsub import find_emulator
from local.schedule import Schedule
from local.secret_manager import SecretManager

HEARD = ("push", "check_run", "check_suite", "status", "workflow_run", "deployment")
"""The events that the webhook sends: all that may start something."""


class World:
    """Everything the deployer meets, on loopback and free ports, in one folder; a context manager.

    `exports` are the environment variables that `python -m deployer` and scripts need to work against it. `sync` is
    what stands before the instances of that function, where the queue is Pub/Sub.
    """

    def __init__(
        self,
        folder: Path,
        clusters: Sequence[str],
        progress: Callable[[str], None],
        every: float | None = None,
        queue: Queue | None = None,
        settings: Mapping[str, str] | None = None,
    ) -> None:
        """Say how it is to be.

        Args:
            folder: where; it is made.
            clusters: the names of its clusters.
            progress: is told how it goes.
            every: how many seconds `reconcile` is called; None is not at all.
            queue: how jobs travel; None is inline.
            settings: of the deployer, besides those that say where everything is.
        """
        self.folder = folder
        self.exports: dict[str, str] = {}
        self.clusters: dict[str, ControlPlane] = {}
        self.sync: Front | None = None
        self._names = clusters
        self._progress = progress
        self._every = every
        self._queue = queue or Queue()
        self._settings = settings or {}
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        if self._queue.pubsub and not self._queue.endpoint:
            find_emulator()  # where it is missing, that is said before minutes are spent on building
        programs = ensure_built(self._progress)
        with ExitStack() as stack:
            leash = stack.enter_context(Leash(self.folder))
            others = "Pub/Sub, Secret Manager" if self._queue.pubsub else "Secret Manager"
            self._progress(f"starting {' and '.join(self._names)}, GitHub, {others} and the function")
            with ThreadPoolExecutor(len(self._names) + 1) as pool:
                of_queue = pool.submit(self._queue.settings, leash)
                starting = [pool.submit(ControlPlane.start, name, programs, leash) for name in self._names]
                self.clusters = {cluster.name: cluster for cluster in (future.result() for future in starting)}
            self.secret_manager = stack.enter_context(SecretManager())
            for name, cluster in self.clusters.items():
                self.secret_manager.put(
                    f"projects/local/secrets/{name}-kubeconfig", cluster.deployer_kubeconfig.encode()
                )
            token, webhook_secret = secrets.token_hex(20), secrets.token_hex(32)
            self.github = stack.enter_context(
                GitHub(self.folder / "git", token=token, webhook_url=None, webhook_secret=webhook_secret)
            )
            settings = {
                "DEPLOYER_CONFIG": str(_write_configuration(self.folder / "config", self.github.git_url, self._names)),
                "DEPLOYER_WEBHOOK_SECRET": webhook_secret,
                "DEPLOYER_GITHUB_TOKEN": token,
                "DEPLOYER_GITHUB_API_URL": self.github.api_url,
                "DEPLOYER_SECRET_MANAGER_ENDPOINT": self.secret_manager.address,
                **of_queue.result(),
                **self._settings,
            }
            functions = start_functions(stack, leash, settings, self._names, self._queue)
            self.sync = functions.sync
            self.github.webhook = Hook(functions.webhook, webhook_secret, events=HEARD)
            if self._every:
                stack.enter_context(Schedule(functions.reconcile, self._every, self._progress))
            self.exports = {
                **{
                    f"DEPLOYER_LOCAL_KUBECONFIG_{_variable(n)}": str(c.admin_kubeconfig)
                    for n, c in self.clusters.items()
                },
                "DEPLOYER_LOCAL_WEBHOOK_URL": functions.webhook,
                "DEPLOYER_LOCAL_RECONCILE_URL": functions.reconcile,
                **({"DEPLOYER_LOCAL_SYNC_URL": functions.sync.url} if functions.sync else {}),
                "DEPLOYER_LOCAL_WEBHOOK_SECRET": webhook_secret,
                "DEPLOYER_LOCAL_GITHUB_URL": self.github.api_url,
                "DEPLOYER_LOCAL_GITHUB_TOKEN": token,
                "DEPLOYER_LOCAL_GIT_URL": self.github.git_url,
                **settings,
            }
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()


def _write_configuration(folder: Path, git_url: str, clusters: Sequence[str]) -> Path:
    """Write the example's configuration for this world: the same documents, but for GitHub's address."""
    folder.mkdir(parents=True)
    configure(folder, git_url, SHOP, clusters[0])
    template = (EXAMPLES / "config" / "clusters.yaml").read_text().split("---\n")[0]
    (folder / "clusters.yaml").write_text("---\n".join(template.replace("staging", name) for name in clusters))
    return folder


def _variable(name: str) -> str:
    return name.upper().replace("-", "_")
