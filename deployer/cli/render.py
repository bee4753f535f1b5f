"""`deployer render`."""

import json
from pathlib import Path

import click
import yaml

from deployer.application import Directory
from deployer.cli.target import find_target, read_path
from deployer.github.client import GitHub
from deployer.github.revision import resolve
from deployer.manifest import Manifest
from deployer.sync.deploy import fetch, render_some


@click.command("render")
@click.argument("target", metavar="APP|PATH")
@click.option("-r", "--recurse", is_flag=True, help="Read the folders below PATH, too.")
@click.option("-o", "--output", type=click.Choice(["yaml", "json"]), default="yaml", show_default=True, help="Format.")
def render_command(target: str, recurse: bool, output: str) -> None:
    """Print the manifests of an application, or of a folder or file.

    They are what the source holds, checked; the namespace of the destination is filled in by a sync, which knows from
    the cluster which kinds have one. JSON is one List.

    \b
    Examples:
      deployer render ./k8s
      deployer render shop -o json | jq '.items[].kind'
    """
    manifests = [dict(manifest.body) for manifest in load_manifests(target, recurse)]
    if output == "json":
        click.echo(json.dumps({"apiVersion": "v1", "kind": "List", "items": manifests}, indent=2))
    else:
        click.echo(yaml.dump_all(manifests, Dumper=yaml.CSafeDumper, sort_keys=False), nl=False)


def load_manifests(target: str, recurse: bool) -> list[Manifest]:
    """The manifests of APP|PATH.

    Raises:
        DeployerError: they cannot be had.
    """
    found = find_target(target)
    if isinstance(found, Path):
        directory = Directory(recurse=recurse)
        return render_some(read_path(found, directory), directory, target)
    source = found.application.source
    with GitHub(found.settings.github_api_url, found.settings.require_github_token()) as github:
        files = fetch(github, found.application, resolve(github, source.repository, source.target_revision))
    return render_some(files, source.directory, f"{source.path} in {source.repository}")
