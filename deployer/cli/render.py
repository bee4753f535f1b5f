"""`deployer render`."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click
import yaml

from deployer.cli.command import PathOption, TargetCommand, refuse_path_options
from deployer.cli.target import find_target, render_path
from deployer.github.revision import resolve
from deployer.manifest import Manifest
from deployer.sync.connections import open_github
from deployer.sync.source import fetch, render_fetched
from deployer.sync.text import style_of


@click.command("render", cls=TargetCommand, bad_input=1)
@click.argument("target", metavar="APP|PATH")
@click.option("-o", "--output", type=click.Choice(["yaml", "json"]), default="yaml", show_default=True, help="Format.")
@click.option("-r", "--recurse", cls=PathOption, is_flag=True, help="Read the folders below, too.")
def render_command(target: str, output: str, recurse: bool) -> None:
    """Print the manifests of APP|PATH.

    They are what the source holds, checked; the namespace of the destination is filled in by a sync, which knows from
    the cluster which kinds have one. YAML comes as several documents, JSON as one List.

    Exit status 0: printed, 1: the manifests cannot be had.

    \b
    Examples:
      deployer render ./k8s
      deployer render ./k8s --recurse -o json
      deployer render shop > manifests.yaml
    """
    manifests = [manifest.body for manifest in load_manifests(target, recurse)]
    if output == "json":
        click.echo(json.dumps({"apiVersion": "v1", "kind": "List", "items": manifests}, indent=2))
    else:
        click.echo(as_yaml(manifests), nl=False)


def load_manifests(target: str, recurse: bool) -> list[Manifest]:
    """The manifests of APP|PATH.

    Args:
        target: an application's name, or a path.
        recurse: whether folders below a PATH count.

    Raises:
        DeployerError: they cannot be had.
        click.UsageError: an application was given with an option for a PATH.
    """
    found = find_target(target)
    if isinstance(found, Path):
        return render_path(found, recurse=recurse)
    refuse_path_options(target)
    source, limits = found.application.source, found.settings.limits
    with open_github(found.settings) as github:
        commit = resolve(github, source.repository, source.target_revision)
        fetched = fetch(github, found.application, commit, limits)
    return render_fetched(fetched, limits, allow_empty=found.application.allow_empty)


def as_yaml(documents: Sequence[Any]) -> bytes:
    """Write JSON values as YAML documents, in UTF-8, that kubectl reads back as the same values."""
    text: bytes = yaml.dump_all(
        documents, Dumper=_Dumper, explicit_start=True, sort_keys=False, allow_unicode=True, encoding="utf-8"
    )
    return text


class _Dumper(yaml.CSafeDumper):
    """PyYAML's, without anchors, and with quotes where kubectl would read something else than text."""

    def ignore_aliases(self, data: Any) -> bool:
        return True

    def text(self, data: str) -> yaml.ScalarNode:
        return self.represent_scalar("tag:yaml.org,2002:str", data, style=style_of(data))


_Dumper.add_representer(str, _Dumper.text)
