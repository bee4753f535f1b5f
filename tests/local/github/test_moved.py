"""Repositories that get another name, are deleted, or are gone for a token only."""

import contextlib
from pathlib import Path

import pytest

from local.github import GitHub
from tests.local.github.helpers import SECRET, TOKEN, Clone, ask, ask_once, query

OLD, NEW = "/repos/acme/web", "/repos/acme/site"
ASK = '{ repository(owner: "acme", name: "web"%s) { nameWithOwner object(expression: "main") { oid } } }'


def test_the_old_address_leads_to_the_repositorys_number(github: GitHub, first: str) -> None:
    number = ask(github, OLD).json()["id"]
    github.rename("acme/web", "acme/site")

    read = ask_once(github, f"{OLD}/git/trees/main?recursive=1")
    written = ask_once(github, f"{OLD}/statuses/{first}", {"state": "success"})

    expected = f"{github.api_url}/repositories/{number}/git/trees/main?recursive=1"
    assert (read.status, written.status) == (301, 307)
    assert read.headers["location"] == read.json()["url"] == expected
    assert read.json()["message"] == "Moved Permanently"
    followed = ask(github, f"{OLD}/git/trees/main?recursive=1").json()
    assert [entry["path"] for entry in followed["tree"]] == ["a.yaml", "apps", "apps/web", "apps/web/b.yaml"]
    assert ask(github, OLD).json()["full_name"] == "acme/site"
    assert ask(github, f"/repositories/{number}/commits/main").json()["sha"] == first
    assert ask(github, NEW).json()["id"] == number
    assert ("GET", f"/repositories/{number}") in github.requests


def test_what_was_said_goes_with_the_repository(github: GitHub, first: str) -> None:
    github.tokens.add("ghs_ci", permissions={"checks": "write"})
    ask(github, f"{OLD}/statuses/{first}", {"state": "success"})
    run = ask(github, f"{OLD}/check-runs", {"name": "x", "head_sha": first}, Authorization="Bearer ghs_ci").json()
    deployment = ask(github, f"{OLD}/deployments", {"ref": "main", "required_contexts": []}).json()

    github.rename("acme/web", "acme/site")

    assert ask(github, f"{NEW}/commits/main/status").json()["state"] == "success"
    assert ask(github, f"{NEW}/check-runs/{run['id']}").json()["name"] == "x"
    assert ask(github, f"{NEW}/deployments/{deployment['id']}").status == 200
    assert github.statuses.of("acme/web", first) == []


def test_graphql_follows_unless_it_is_asked_not_to(github: GitHub, first: str) -> None:
    github.rename("acme/web", "acme/site")
    followed = query(github, ASK % "").json()
    refused = query(github, ASK % ", followRenames: false").json()
    assert followed == {"data": {"repository": {"nameWithOwner": "acme/site", "object": {"oid": first}}}}
    assert refused["errors"][0]["type"] == "NOT_FOUND"


def test_git_follows(github: GitHub, clone: Clone, first: str) -> None:
    github.rename("acme/web", "moved/site")
    second = clone.commit("second", {})
    assert f"{first}\trefs/heads/main" in clone.git("ls-remote", "origin", "main")  # after a warning
    clone.push("main")
    assert ask(github, "/repos/moved/site/commits/main").json()["sha"] == second


def test_another_repository_of_the_old_name_ends_the_redirect(
    github: GitHub, clone: Clone, first: str, tmp_path: Path
) -> None:
    github.rename("acme/web", "acme/site")
    other = Clone(tmp_path / "other", f"{github.git_url}/acme/another.git")
    sha = other.commit("other", {})
    other.push("main")
    github.rename("acme/another", "acme/web")
    assert ask(github, f"{OLD}/commits/main").json()["sha"] == sha
    assert ask(github, f"{NEW}/commits/main").json()["sha"] == first
    github.rename("acme/web", "acme/another")
    github.rename("acme/site", "acme/web")  # back again
    assert ask(github, f"{OLD}/commits/main").json()["sha"] == first
    assert ask_once(github, NEW).status == 301


def test_names_are_kept_when_the_github_is_started_anew(
    github: GitHub, clone: Clone, first: str, tmp_path: Path
) -> None:
    number = ask(github, OLD).json()["id"]
    github.rename("acme/web", "acme/site")
    with GitHub(tmp_path / "github", token=TOKEN, webhook_url=None, webhook_secret=SECRET) as again:
        assert ask_once(again, OLD).status == 301
        assert ask(again, NEW).json()["id"] == number


def test_a_new_repository_of_an_old_name_is_another_one(
    github: GitHub, clone: Clone, first: str, tmp_path: Path
) -> None:
    number = ask(github, OLD).json()["id"]
    github.rename("acme/web", "acme/site")
    clone.git("push", "-q", f"{github.git_url}/else/web.git", "main")
    github.rename("else/web", "acme/web")
    github.delete("acme/web")
    second = clone.commit("second", {})
    clone.push("main")  # nothing is redirected any more
    for here in (github, GitHub(tmp_path / "github", token=TOKEN, webhook_url=None, webhook_secret=SECRET)):
        with here if here is not github else contextlib.nullcontext():
            assert ask(here, f"{OLD}/commits/main").json()["sha"] == second
            assert ask(here, f"{NEW}/commits/main").json()["sha"] == first
            assert ask(here, OLD).json()["id"] != ask(here, NEW).json()["id"] == number


def test_a_deleted_repository_takes_its_old_names_with_it(github: GitHub, first: str) -> None:
    github.rename("acme/web", "acme/site")
    github.delete("acme/site")
    assert [ask_once(github, path).status for path in (OLD, NEW)] == [404, 404]


def test_a_repository_that_is_deleted(github: GitHub, clone: Clone, first: str) -> None:
    tree = f"{OLD}/git/trees/{first}"
    assert ask(github, tree).status == 200
    github.delete("acme/web")
    assert [ask(github, path).status for path in (OLD, tree, f"{OLD}/git/commits/{first}")] == [404] * 3
    assert query(github, ASK % "").json()["errors"][0]["type"] == "NOT_FOUND"
    assert "not found" in clone.git("ls-remote", "origin", check=False)
    clone.commit("other", {})
    clone.git("checkout", "-q", "--orphan", "fresh")
    clone.commit("fresh", {})
    clone.push("fresh")
    assert ask(github, f"{OLD}/git/commits/{first}").status == 404  # nothing of the old one is left


def test_a_repository_that_a_token_sees_no_more(github: GitHub, clone: Clone, first: str) -> None:
    clone.git("push", "-q", f"{github.git_url}/acme/api.git", "main")
    github.tokens.add("other", permissions={"contents": "read"})
    github.restrict(TOKEN, ["acme/api"])
    assert [ask(github, path).status for path in (OLD, f"{OLD}/commits/main", "/repos/acme/api")] == [404, 404, 200]
    assert ask(github, OLD, Authorization="Bearer other").status == 200
    github.rename("acme/web", "acme/site")
    assert ask_once(github, OLD).status == 404
    github.restrict(TOKEN, ["acme/site"])
    assert [ask_once(github, path).status for path in (OLD, NEW, "/repos/acme/api")] == [301, 200, 404]
    github.restrict(TOKEN, None)
    assert ask(github, "/repos/acme/api").status == 200


@pytest.mark.parametrize("path", ["/repositories/1", "/repositories/1/git/ref/heads/main"])
def test_a_number_that_no_repository_has(github: GitHub, first: str, path: str) -> None:
    assert ask(github, path).status == 404
    assert ask(github, path, Authorization="Bearer wrong").status == 401


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        ("acme/none", "acme/site", "no repository acme/none"),
        ("acme/web", "acme/web", "is there already"),
        ("acme/web", "acme/not a name", "allows no such name"),
    ],
)
def test_what_cannot_be_renamed(github: GitHub, first: str, before: str, after: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        github.rename(before, after)
