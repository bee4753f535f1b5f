"""The command line: `python -m deployer`, installed as `deployer`."""

import sys

import click

from deployer import __version__
from deployer.cli.render import render_command
from deployer.cli.sync import sync_command
from deployer.errors import AnswerError, DeployerError

_BAD_INPUT = 2


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="deployer")
def cli() -> None:
    """Bring Kubernetes clusters to what stands in Git.

    APP is an application's name in the configuration at DEPLOYER_CONFIG; its files come from GitHub. PATH is a folder
    or file on this disk, used with --kubeconfig and --namespace; it needs no configuration and no GitHub. What holds a
    `/` is a PATH: write ./shop for a folder that is called like an application.

    \b
    Examples:
      deployer render ./k8s                      the manifests of a folder, as YAML
      deployer sync ./k8s -n shop --dry-run      what a sync would do, asked of the server
      deployer sync ./k8s -n shop                sync, and wait until all is healthy
      deployer sync shop -o json                 an application of the configuration, for scripts
    """


cli.add_command(render_command)
cli.add_command(sync_command)


def main() -> None:
    """Run the command line; errors end it with what happened on standard error, and a status."""
    try:
        cli(prog_name="deployer")
    except DeployerError as error:
        click.secho(f"error: {error}", fg="red", err=True)
        sys.exit(exit_status(error))


def exit_status(error: DeployerError) -> int:
    """The exit status for an error: 2 for bad input, 1 where a neighbour failed."""
    # A 404 is a repository, ref or path that somebody wrote wrong.
    return 1 if isinstance(error, AnswerError) and error.status != 404 else _BAD_INPUT
