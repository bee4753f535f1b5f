from typing import Any

import pytest

from deployer.errors import ConfigurationError
from deployer.fields import Fields
from deployer.repository import Repository
from deployer.source import Directory, Source, overridden, parse_source, parse_target_revision

PLACE = "apps/web.yaml, document 1"
FILE = "acme/web at 1234567: k8s/.argocd-source.yaml, document 1"


def parse(**changes: Any) -> Source:
    values = {"repoURL": "https://github.com/Acme/Web.git", "path": "k8s", "targetRevision": "main", **changes}
    return parse_source(Fields(values, PLACE, "spec.source"))


def test_a_source() -> None:
    made = parse(name="web")
    assert made == Source("https://github.com/Acme/Web.git", Repository("github.com", "acme/web"), "k8s", "main")
    assert made.ref == (Repository("github.com", "acme/web"), "main")


@pytest.mark.parametrize("directory", [None, {}, {"recurse": False}, {"include": ""}, {"jsonnet": {}}])
def test_a_directory_that_sets_nothing_is_not_explicit(directory: object) -> None:
    made = parse(directory=directory)
    assert not made.explicit_directory
    assert made.directory == Directory()


@pytest.mark.parametrize(
    ("path", "normal"),
    [
        *(("", "."), (".", "."), ("./", "."), ("./k8s/", "k8s"), ("k8s//web/./x.yaml", "k8s/web/x.yaml")),
        *((None, "."), ("a..b/c", "a..b/c")),
    ],
)
def test_path(path: str | None, normal: str) -> None:
    assert parse(path=path).path == normal


@pytest.mark.parametrize("path", ["/k8s", "..", "../x", "a/../b", "a/..", "a\\b", "a\nb", "a\x00b", "a\ud800"])
def test_path_refused(path: str) -> None:
    with pytest.raises(ConfigurationError, match=rf"^{PLACE}: spec\.source\.path: must be relative"):
        parse(path=path)


@pytest.mark.parametrize(
    ("text", "revision"),
    [
        *(("", "HEAD"), ("HEAD", "HEAD"), ("main", "main"), ("feature/x", "feature/x"), ("v1.2.3", "v1.2.3")),
        *(("1.2", "1.2"), ("refs/heads/2.x", "refs/heads/2.x"), ("refs/tags/v1", "refs/tags/v1")),
        *(("x-ray", "x-ray"), ("deadbeef", "deadbeef"), ("2026-01", "2026-01")),
        *(("^1.2", "^1.2"), ("1.x", "1.x"), ("*", "*"), ("~1.2", "~1.2"), (">=1, <2", ">=1, <2")),
        *(("1.0||2.0", "1.0||2.0"), (" >=1 \n <2 ", ">=1 <2"), ("1.2 - 1.4", "1.2 - 1.4"), ("v1.2.X", "v1.2.X")),
    ],
)
def test_target_revision(text: str, revision: str) -> None:
    assert parse_target_revision(text) == revision


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a" * 40, "a fixed commit is not supported yet"),
        ("A1" * 20, "a fixed commit is not supported yet"),
        ("^main", "is no name of a branch or tag"),
        (">=1 or 2", "is no name of a branch or tag"),
        ("^1.2 " * 60, "is no name of a branch or tag"),
        ("a b", "is no name of a branch or tag"),
        ("-x", "is no name of a branch or tag"),
        ("a..b", "is no name of a branch or tag"),
        ("refs/pull/1/head", "is neither a branch nor a tag"),
        ("refs/remotes/origin/main", "is neither a branch nor a tag"),
    ],
)
def test_target_revision_refused(text: str, message: str) -> None:
    with pytest.raises(
        ConfigurationError,
        match=rf"^{PLACE}: spec\.source\.targetRevision: .*{message}.*allowed: HEAD, a branch.* such as \^1\.2$",
    ):
        parse(targetRevision=text)


def test_a_password_in_the_address_is_never_shown() -> None:
    with pytest.raises(ConfigurationError, match=r"spec\.source\.repoURL: holds a user name or a password") as caught:
        parse(repoURL="https://ada:hunter2@github.com/acme/web")
    assert "hunter2" not in str(caught.value)
    assert caught.value.__cause__ is None


@pytest.mark.parametrize(
    ("field", "value"),
    [
        *(("chart", "web"), ("ref", "values"), ("helm", {"releaseName": "web"}), ("plugin", {"name": "x"})),
        ("directory", {"jsonnet": {"libs": ["x"]}}),
    ],
)
def test_other_tools_are_refused_by_name(field: str, value: object) -> None:
    with pytest.raises(ConfigurationError, match=rf"^{PLACE}: spec\.source\.{field}.*: .*not supported"):
        parse(**{field: value})


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"repoURL": "acme/web"}, "repoURL: is not the address of a repository"),
        ({"targetRevision": 1.0}, "targetRevision: must be text"),
        ({"directory": {"recurse": "yes"}}, "directory.recurse: must be true or false"),
        ({"directory": {"include": "{a"}}, "directory.include: '{a' is no valid glob"),
        ({"directory": {"exclude": "[a"}}, r"directory.exclude: '\[a' is no valid glob"),
        ({"directory": {"recurse": True}, "kustomize": {"namePrefix": "a-"}}, "kustomize: stands beside `directory`"),
    ],
)
def test_what_is_wrong_is_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError, match=rf"^{PLACE}: spec\.source\.{message}"):
        parse(**changes)


def test_a_file_beside_the_manifests_changes_how_they_are_read() -> None:
    source = parse(directory={"recurse": True, "include": "*.yaml"})
    changed = overridden(source, {"directory": {"include": None, "exclude": "a.yaml"}}, FILE)
    assert changed.directory == Directory(recurse=True, exclude="a.yaml")
    again = overridden(changed, {"directory": None, "kustomize": {"namePrefix": "a-"}}, FILE)
    assert (again.directory, again.kustomize.name_prefix) == (Directory(), "a-")
    assert overridden(again, {}, FILE) == again


def test_it_does_not_change_where_they_are() -> None:
    elsewhere = {"repoURL": "https://evil.example/x", "path": "/etc", "targetRevision": "evil", "chart": "evil"}
    assert overridden(parse(), {**elsewhere, "directory": {"recurse": True}}, FILE) == parse(
        directory={"recurse": True}
    )
    unset = parse(targetRevision=None)
    assert overridden(unset, elsewhere, FILE) == unset


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"kustomise": {}}, "kustomise: unknown field; did you mean kustomize"),
        ({"plugin": {"name": "evil"}}, "plugin: plugins are not supported"),
        ({"helm": {"values": "a"}}, "helm: Helm is not supported yet"),
        ({"kustomize": {"namePrefix": 1}}, "kustomize.namePrefix: must be text"),
        ({"directory": "all"}, "directory: must be a mapping"),
    ],
)
def test_a_file_that_is_wrong_is_named(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError, match=f"^{FILE}: {message}"):
        overridden(parse(), changes, FILE)


def test_a_directory_that_sets_nothing_is_explicit_in_a_file_beside_the_manifests() -> None:
    for directory in ({}, {"recurse": False}):
        assert overridden(parse(directory={}), {"directory": directory}, "f").explicit_directory
    assert not overridden(parse(directory={}), {"kustomize": {"namePrefix": "a"}}, "f").explicit_directory
    assert not overridden(parse(directory={"recurse": True}), {"directory": None}, "f").explicit_directory
    assert overridden(parse(directory={"recurse": True}), {"directory": {"recurse": False}}, "f").explicit_directory
