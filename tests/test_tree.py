"""Links are followed as an operating system would, and never out of the repository."""

import posixpath
from collections.abc import Iterable, Mapping
from pathlib import Path

import pytest

from deployer.errors import SourceError
from deployer.tree import Entry, follow, foresee
from tests.trees import MemoryTree

FILES = ("one.yaml", "deploy/k8s/web.yaml", "deploy/shared/base.yaml")
LINKS = {
    "k8s": "deploy/k8s",
    "k8s-slash": "deploy/k8s/",
    "k8s-dots": "./deploy/./shared/../k8s",
    "again": "k8s",
    "deploy/k8s/link.yaml": "../shared/base.yaml",
    "deploy/k8s/through.yaml": "../../k8s/../shared/base.yaml",  # `..` is that of where k8s leads
    "deploy/k8s/shared": "../shared",
    "root": ".",
    "deploy/up": "..",
    "circle": "circle",
    "ping": "pong",
    "pong": "ping",
    "file": "one.yaml",
    "nowhere": "gone/x.yaml",
    "under-a-file": "one.yaml/x",
    "out": "..",
    "deploy/out": "../../etc/passwd",
    "deploy/in-and-out": "k8s/../../../one.yaml",
    "absolute": "/etc/passwd",
    "empty": "",
    "module": "vendor/lib",
    **{f"hop{number}": f"hop{number + 1}" for number in range(10)},
    "hop10": "one.yaml",
}
SUBMODULE = "vendor/lib"


class Source:
    """A tree of these."""

    where = "acme/web at 1234567"

    def entry(self, path: str) -> Entry | None:
        mode = {**dict.fromkeys(FILES, "100644"), **dict.fromkeys(LINKS, "120000"), SUBMODULE: "160000"}.get(path)
        folders = {posixpath.dirname(one) for one in (*FILES, *LINKS, SUBMODULE)} | {"deploy"}
        mode = mode or ("040000" if path in folders else None)
        return Entry(mode, "0" * 40, 1) if mode else None

    def below(self, folder: str, *, recurse: bool) -> Mapping[str, Entry]:
        raise NotImplementedError

    def read(self, paths: Iterable[str]) -> Mapping[str, bytes]:
        return {path: LINKS[path].encode() for path in paths}


def end(path: str) -> str:
    return follow(Source(), path)[0]


@pytest.mark.parametrize(
    ("path", "where"),
    [
        (".", ""),
        ("one.yaml", "one.yaml"),
        ("./deploy//k8s/", "deploy/k8s"),
        ("k8s", "deploy/k8s"),
        ("k8s/web.yaml", "deploy/k8s/web.yaml"),
        ("k8s-slash/web.yaml", "deploy/k8s/web.yaml"),
        ("k8s-dots/web.yaml", "deploy/k8s/web.yaml"),
        ("again/web.yaml", "deploy/k8s/web.yaml"),
        ("again/link.yaml", "deploy/shared/base.yaml"),
        ("deploy/k8s/through.yaml", "deploy/shared/base.yaml"),
        ("again/shared/base.yaml", "deploy/shared/base.yaml"),
        ("root", ""),
        ("root/root/one.yaml", "one.yaml"),
        ("deploy/up/one.yaml", "one.yaml"),
        ("file", "one.yaml"),
        ("empty", ""),
        ("hop1", "one.yaml"),
    ],
)
def test_where_a_path_leads(path: str, where: str, tmp_path: Path) -> None:
    assert end(path) == where
    for name in FILES:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    for name, target in LINKS.items():
        if target:  # Linux makes no such link
            (tmp_path / name).symlink_to(target)
    if path != "empty":
        assert (tmp_path / path).resolve() == tmp_path / where, "the operating system says so, too"


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("gone", "acme/web at 1234567 has no path 'gone': check the application's `path`"),
        ("deploy/gone/x", "has no path 'deploy/gone': check the application's `path`"),
        ("one.yaml/x", "has no path 'one.yaml': check the application's `path`"),
        ("nowhere", "has no path 'gone', where the link nowhere leads: correct the link, or what goes through it"),
        ("k8s/gone.yaml", "has no path 'deploy/k8s/gone.yaml', where the link k8s leads"),
        ("under-a-file", "has no path 'one.yaml', where the link under-a-file leads"),
        ("out", "acme/web at 1234567: the link out leaves the repository: put what it names into the repository"),
        ("out/deploy/k8s", "the link out leaves the repository"),
        ("deploy/out", "the link deploy/out leaves the repository"),
        ("deploy/in-and-out", "the link deploy/in-and-out leaves the repository"),
        ("absolute", "the link absolute leaves the repository"),
        ("circle", "acme/web at 1234567: circle leads through more than 10 links: name where they end"),
        ("ping", "ping leads through more than 10 links"),
        ("hop0", "hop0 leads through more than 10 links"),
        ("../one.yaml", "acme/web at 1234567: ../one.yaml leaves the repository"),
        ("vendor/lib", "vendor/lib is a submodule, which is not supported: copy its files"),
        ("vendor/lib/x", "vendor/lib is a submodule"),
        ("module", "vendor/lib is a submodule"),
    ],
)
def test_links_out_of_the_repository_and_other_bad_ways_are_refused(path: str, reason: str) -> None:
    with pytest.raises(SourceError) as caught:
        end(path)
    assert reason in str(caught.value)


def test_links_are_foreseen_a_wave_at_a_time() -> None:
    links = {"a": "b", "b": "c", "out": "../x", "absolute": "/x", "nowhere": "gone", "circle": "circle", "root": "."}
    tree = MemoryTree({"c/k.yaml": "", "d/k.yaml": "", "e.yaml": ""}, {**links, "d/link": "../e.yaml"})
    foresee(tree, ["a/k.yaml", "d", "e.yaml", "e.yaml/x", "", *links], ("link",))
    assert tree.link_reads == [{*links, "d/link"} - {"d/link"}, {"d/link"}]
    assert tree.reads == []


def test_a_link_that_is_too_long_is_not_foreseen() -> None:
    tree = MemoryTree({}, {"long": "x" * 5_000})
    foresee(tree, ["long"])
    assert tree.link_reads == []
