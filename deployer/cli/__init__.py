"""The command line: `python -m deployer`, installed as `deployer`."""

import gc
import signal
import sys
from types import FrameType

import click

from deployer import __version__
from deployer.cli.delete import delete_command
from deployer.cli.diff import diff_command
from deployer.cli.doctor import doctor_command
from deployer.cli.history import history_command
from deployer.cli.render import render_command
from deployer.cli.rollback import rollback_command
from deployer.cli.send import send_command
from deployer.cli.status import status_command
from deployer.cli.sync import sync_command
from deployer.cli.terminal import say_fault


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="deployer")
def cli() -> None:
    """Bring Kubernetes clusters to what stands in Git.

    APP is an application's name in the configuration at DEPLOYER_CONFIG; its files come from GitHub. PATH is a folder
    or file on this disk; it needs no configuration and no GitHub, and its cluster is kubectl's current one, or that of
    --kubeconfig and --context. What holds a `/` is a PATH: write ./shop for a folder that is called like an
    application.

    \b
    Examples:
      deployer render ./k8s                  # the manifests of a folder
      deployer diff ./k8s -n shop            # what a sync would change
      deployer sync ./k8s -n shop            # do it, and wait for health
      deployer sync shop                     # the same for an application
      deployer status                        # how all applications are
      deployer rollback shop                 # back to what was healthy before
      deployer doctor                        # what is missing, how to mend it
    """


cli.add_command(delete_command)
cli.add_command(diff_command)
cli.add_command(doctor_command)
cli.add_command(history_command)
cli.add_command(render_command)
cli.add_command(rollback_command)
cli.add_command(send_command)
cli.add_command(status_command)
cli.add_command(sync_command)


def main() -> None:
    """Run the command line; what nobody expected is shown as a fault of the deployer's own."""
    signal.signal(signal.SIGTERM, _interrupt)
    gc.set_threshold(50_000)  # Python looks for garbage as often as suits small programs: a sync took 6 % longer
    try:
        cli(prog_name="deployer")
    except Exception:
        say_fault()
        sys.exit(1)
    finally:
        gc.freeze()  # or Python looks through all that the libraries have loaded once more, before it ends


def _interrupt(number: int, frame: FrameType | None) -> None:
    """End as with Ctrl-C: the commit is told, and the Lease given back."""
    raise KeyboardInterrupt
