"""What the commands on APP|PATH share: the form of their help, and how their errors are told."""

from typing import Any

import click

from deployer.cli.terminal import say, say_error
from deployer.errors import AnswerError, ConfigurationError, DeployerError, RenderError

_FAILED, _BAD_INPUT, _INTERRUPTED = 1, 2, 130


class PathOption(click.Option):
    """An option that goes with a PATH only."""


class Command(click.Command):
    """Ends every command alike: an error is a line on standard error and an exit status, and so is Ctrl-C."""

    def __init__(self, *args: Any, bad_input: int = _BAD_INPUT, interrupted: str = "", **kwargs: Any) -> None:
        """Take what differs between commands, besides click's own arguments.

        Args:
            args: click's.
            bad_input: the exit status where something that was given is wrong.
            interrupted: what a person should know who has pressed Ctrl-C.
            kwargs: click's.
        """
        super().__init__(*args, **kwargs)
        self.bad_input = bad_input
        self.interrupted = interrupted

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; an error, or Ctrl-C, ends it with a line on standard error and an exit status."""
        try:
            return super().invoke(ctx)
        except DeployerError as error:
            say_error(str(error))
            ctx.exit(self.bad_input if is_bad_input(error) else _FAILED)
        except KeyboardInterrupt:
            say("interrupted:" if self.interrupted else "interrupted", self.interrupted, "yellow")
            ctx.exit(_INTERRUPTED)


class TargetCommand(Command):
    """A command on APP|PATH: its help shows apart which options an APP does not take."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the options, those that go with a PATH apart."""
        for title, apart in (("Options", False), ("Options for a PATH", True)):
            options = [one for one in self.get_params(ctx) if isinstance(one, click.Option)]
            records = [one.get_help_record(ctx) for one in options if isinstance(one, PathOption) is apart]
            with formatter.section(title):
                formatter.write_dl([record for record in records if record])


def is_bad_input(error: DeployerError) -> bool:
    """Tell whether what was given is wrong, or something that the deployer depends on failed."""
    # A 404 is a repository, ref or path that somebody wrote wrong.
    not_there = isinstance(error, AnswerError) and error.status == 404
    return not_there or isinstance(error, ConfigurationError | RenderError)


def refuse_path_options(application: str) -> None:
    """Raise click.UsageError where the current command was given options for a PATH, though it has an application."""
    context = click.get_current_context()
    options = (option for option in context.command.params if isinstance(option, PathOption))
    given = [option.opts[-1] for option in options if context.params[str(option.name)]]
    if given:
        raise click.UsageError(f"{', '.join(given)}: only for a PATH, and {application} is an application")
