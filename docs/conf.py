"""How Sphinx builds these pages: `make docs`."""

import click
from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from deployer.cli import cli

project = "deployer"
html_title = "deployer"
extensions = ["myst_parser"]
exclude_patterns = ["_build"]

nitpicky = True  # a link that leads nowhere is a warning, and CI takes warnings for errors
myst_heading_anchors = 4  # headings down to `####` can be linked to

html_theme = "furo"
html_static_path = ["_static"]
html_css_files = ["wide.css"]
html_show_copyright = False
html_show_sourcelink = False
html_copy_source = False


class Help(SphinxDirective):
    """The directive `{help}`: what `deployer COMMAND --help` prints, from the code itself."""

    has_content = True

    def run(self) -> list[nodes.Node]:
        """Return the help as a block of text; an unknown command is an error of the build."""
        try:
            text = help_of(self.content[0].split() if self.content else [])
        except KeyError as error:
            raise self.error(f"deployer has no command {error}") from None
        return [nodes.literal_block(text, text, language="text")]


def help_of(words: list[str]) -> str:
    """Return the help of a command of `deployer`, such as `["send", "ping"]`; raises KeyError where there is none."""
    command: click.Command = cli
    context = click.Context(cli, info_name="deployer", max_content_width=100, **cli.context_settings)
    for word in words:
        if not isinstance(command, click.Group):
            raise KeyError(word)
        command = command.commands[word]
        context = click.Context(command, parent=context, info_name=word)
    return command.get_help(context)


def setup(app: Sphinx) -> dict[str, bool]:
    """Add the directive; Sphinx calls this."""
    app.add_directive("help", Help)
    return {"parallel_read_safe": True}
