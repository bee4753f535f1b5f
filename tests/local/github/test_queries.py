import contextlib
import hashlib
from http import HTTPStatus
from pathlib import Path
from typing import Any

import pytest

from local.github import GitHub
from local.github.query_schema import LONGEST_TEXT
from tests.local.github.helpers import TOKEN, Answer, Clone, query

BLOB = "__typename oid ... on Blob { text byteSize isTruncated isBinary }"
ASK_FOR_ONE = "query ($owner: String!, $name: String!) { repository(owner: $owner, name: $name) { found: %s } }"
WEB = {"owner": "acme", "name": "web"}


def found(github: GitHub, wanted: str) -> Any:
    """Return what a selection in a repository comes to, of which nothing goes wrong."""
    answer = query(github, ASK_FOR_ONE % wanted, WEB)
    assert (answer.status, answer.json().keys()) == (200, {"data"})
    return answer.json()["data"]["repository"]["found"]


def blob_id(content: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


def push(clone: Clone, name: str, content: bytes) -> str:
    """Push a file, and return its blob's SHA."""
    (clone.folder / name).write_bytes(content)
    clone.commit(name, {})
    clone.push("main")
    return blob_id(content)


def test_many_files_come_with_one_query(github: GitHub, clone: Clone, first: str) -> None:
    files = {f"many/{number}.yaml": f"number: {number}\n" for number in range(300)}
    commit = clone.commit("many", files)
    clone.push("main")
    by_id = [f'a{i}: object(oid: "{blob_id(text.encode())}") {{ {BLOB} }}' for i, text in enumerate(files.values())]
    by_path = [f'b{i}: object(expression: "{commit}:{path}") {{ {BLOB} }}' for i, path in enumerate(files)]
    github.requests.clear()

    answer = query(github, f'{{ repository(owner: "acme", name: "web") {{ {" ".join(by_id + by_path)} }} }}')

    objects = answer.json()["data"]["repository"]
    for letter in "ab":
        for i, text in enumerate(files.values()):
            assert objects[f"{letter}{i}"] == {
                "__typename": "Blob",
                "oid": blob_id(text.encode()),
                "text": text,
                "byteSize": len(text),
                "isTruncated": False,
                "isBinary": False,
            }
    assert github.requests == [("POST", "/graphql")]
    assert github.limits.graphql.used == 1


def test_variables_fragments_and_the_words_of_the_schema(github: GitHub, clone: Clone, first: str) -> None:
    text = """
    query Files($owner: String!, $name: String!, $oid: GitObjectID!) {
      repository(owner: $owner, name: $name) {
        id
        name
        nameWithOwner
        object(oid: $oid) { id abbreviatedOid ...Content }
      }
    }
    fragment Content on Blob { text }
    """
    sha = blob_id(b"kind: Pod\n")

    answer = query(github, text, {**WEB, "oid": sha}).json()["data"]["repository"]

    assert (answer["name"], answer["nameWithOwner"]) == ("web", "acme/web")
    assert answer["object"]["text"] == "kind: Pod\n"
    assert answer["object"]["abbreviatedOid"] == sha[:7]
    assert answer["id"] != answer["object"]["id"]


def test_trees_and_commits_and_tags(github: GitHub, clone: Clone, first: str) -> None:
    (clone.folder / "link").symlink_to("a.yaml")
    (clone.folder / "run").write_text("#!/bin/sh\n")
    (clone.folder / "run").chmod(0o755)
    clone.git("update-index", "--add", "--cacheinfo", f"160000,{first},vendored")
    (clone.folder / "vendored").mkdir()
    commit = clone.commit("all kinds", {})
    clone.git("tag", "-a", "-m", "the release", "v1")
    clone.push("main", "v1")
    tree = clone.git("rev-parse", "HEAD^{tree}")
    entries = "entries { name mode type oid size object { __typename } }"

    by_expression = found(github, f'object(expression: "{commit}:") {{ __typename oid ... on Tree {{ {entries} }} }}')
    shown = {entry.pop("name"): entry for entry in by_expression["entries"]}
    below = found(github, f'object(expression: "{commit}:apps/web") {{ ... on Tree {{ entries {{ name }} }} }}')
    of_commit = found(github, 'object(expression: "main") { __typename oid ... on Commit { message tree { oid } } }')
    tag = clone.git("rev-parse", "v1")
    of_tag = found(github, f'object(oid: "{tag}") {{ ... on Tag {{ name target {{ __typename oid }} }} }}')

    assert (by_expression["__typename"], by_expression["oid"]) == ("Tree", tree)
    assert {name: (entry["mode"], entry["type"], entry["size"]) for name, entry in shown.items()} == {
        "a.yaml": (0o100644, "blob", 10),
        "apps": (0o040000, "tree", 0),
        "link": (0o120000, "blob", 6),
        "run": (0o100755, "blob", 10),
        "vendored": (0o160000, "commit", 0),
    }
    assert shown["a.yaml"]["oid"] == blob_id(b"kind: Pod\n")
    assert (shown["vendored"]["oid"], shown["apps"]["object"]) == (first, {"__typename": "Tree"})
    assert below == {"entries": [{"name": "b.yaml"}]}
    assert of_commit == {"__typename": "Commit", "oid": commit, "message": "all kinds", "tree": {"oid": tree}}
    assert of_tag == {"name": "v1", "target": {"__typename": "Commit", "oid": commit}}


@pytest.mark.parametrize(
    "wanted",
    [
        f'oid: "{"0" * 40}"',
        'expression: "main:none.yaml"',
        'expression: "main:./a.yaml"',
        'expression: "main:../a.yaml"',
        'expression: "main:a.yaml\\nmain:a.yaml"',
        'expression: "none"',
        'expression: "none:a.yaml"',
        'expression: ""',
        f'expression: "{"0" * 40}:a.yaml"',
    ],
)
def test_an_object_that_is_not_there_is_null_and_others_are_there(github: GitHub, first: str, wanted: str) -> None:
    selection = f'object({wanted}) {{ oid }} there: object(expression: "main:a.yaml") {{ oid }}'
    answer = query(github, ASK_FOR_ONE % selection, WEB).json()
    assert answer == {"data": {"repository": {"found": None, "there": {"oid": blob_id(b"kind: Pod\n")}}}}


def test_an_empty_repository_has_no_objects(github: GitHub, clone: Clone) -> None:
    clone.git("push", "-q", "origin", ":refs/heads/none", check=False)  # makes it
    assert found(github, 'object(expression: "HEAD") { oid }') is None


def test_a_binary_file_has_no_text(github: GitHub, clone: Clone, first: str) -> None:
    content = b"\x89PNG\0\xff"
    sha = push(clone, "logo.png", content)
    blob = found(github, f'object(oid: "{sha}") {{ {BLOB} }}')
    assert (blob["text"], blob["isBinary"], blob["byteSize"]) == (None, True, 6)


def test_text_that_is_not_utf8_is_not_what_the_file_has(github: GitHub, clone: Clone, first: str) -> None:
    sha = push(clone, "latin", "name: caf\xe9\n".encode("latin-1"))
    blob = found(github, f'object(oid: "{sha}") {{ {BLOB} }}')
    assert (blob["text"], blob["isBinary"], blob["byteSize"]) == ("name: caf\N{REPLACEMENT CHARACTER}\n", False, 11)


@pytest.mark.parametrize(("size", "truncated"), [(LONGEST_TEXT, False), (LONGEST_TEXT + 1, True)])
def test_a_long_text_is_cut_and_says_so(github: GitHub, clone: Clone, first: str, size: int, truncated: bool) -> None:
    sha = push(clone, "long", b"x" * size)
    blob = found(github, f'object(oid: "{sha}") {{ {BLOB} }}')
    assert (len(blob["text"]), blob["byteSize"], blob["isTruncated"]) == (512_000, size, truncated)


@pytest.mark.parametrize(
    ("text", "variables", "message"),
    [
        ("{ repository(owner:", None, "Syntax Error"),
        ('{ repository(owner: "acme", name: "web") { nope } }', None, "nope"),
        ('{ repository(owner: "acme", name: "web") { object(oid: "main") { oid } } }', None, "GitObjectID"),
        (ASK_FOR_ONE % "id", {"owner": "acme"}, "name"),
        ("query A { __typename } query B { __typename }", None, "operation"),
        (ASK_FOR_ONE % "id", "web", "Variables must be an object"),
        ("", None, "A query attribute must be specified and must be a string."),
        (None, None, "A query attribute must be specified and must be a string."),
    ],
)
def test_a_query_that_will_not_do_is_answered_with_errors_and_200(
    github: GitHub, first: str, text: str | None, variables: object, message: str
) -> None:
    answer = query(github, text, variables)
    assert (answer.status, answer.json().keys()) == (200, {"errors"})
    assert message in answer.json()["errors"][0]["message"]


def test_an_operation_is_chosen_by_its_name(github: GitHub, first: str) -> None:
    text = 'query A { __typename } query B { repository(owner: "acme", name: "web") { name } }'
    with github.app.test_client() as client:
        body = {"query": text, "operationName": "B"}
        answer = client.post("/api/graphql", json=body, headers={"Authorization": f"Bearer {TOKEN}"})
    assert answer.json == {"data": {"repository": {"name": "web"}}}


def test_a_repository_that_is_not_there_is_null_and_named(github: GitHub, first: str) -> None:
    answer = query(github, ASK_FOR_ONE % "id", {"owner": "acme", "name": "none"})
    assert answer.status == 200
    assert answer.json() == {
        "data": {"repository": None},
        "errors": [
            {
                "type": "NOT_FOUND",
                "path": ["repository"],
                "locations": [{"line": 1, "column": 43}],
                "message": "Could not resolve to a Repository with the name 'acme/none'.",
            }
        ],
    }


def as_(github: GitHub, token: str) -> Answer:
    wanted = 'object(expression: "main") { oid }'
    return query(github, ASK_FOR_ONE % wanted, WEB, Authorization=f"Bearer {token}")


@pytest.mark.parametrize(("token", "words"), [("github_pat_x", "personal access token"), ("ghs_x", "integration")])
def test_a_token_that_may_not_read_contents_is_forbidden_to(github: GitHub, first: str, token: str, words: str) -> None:
    github.tokens.add(token, permissions={"statuses": "write"})
    answer = as_(github, token)
    assert (answer.status, answer.json()["data"]) == (200, {"repository": {"found": None}})
    (error,) = answer.json()["errors"]
    assert (error["type"], error["path"]) == ("FORBIDDEN", ["repository", "found"])
    assert (error["message"], error["extensions"]) == (f"Resource not accessible by {words}", {"saml_failure": False})


def test_a_classic_token_without_its_scope_and_one_that_is_restricted_are_told_of_nothing(
    github: GitHub, first: str
) -> None:
    github.tokens.add("ghp_other", scopes=("repo:status",))
    github.tokens.add("github_pat_x", permissions={"contents": "read"})
    github.restrict("github_pat_x", ["acme/other"])
    for token in ("ghp_other", "github_pat_x"):
        assert as_(github, token).json()["errors"][0]["type"] == "NOT_FOUND"
    github.restrict("github_pat_x", None)
    assert as_(github, "github_pat_x").json()["data"]["repository"]["found"]["oid"] == first


def test_a_token_that_is_not_known_is_refused_in_json(github: GitHub, first: str) -> None:
    answer = as_(github, "wrong")
    assert (answer.status, answer.json()["message"]) == (401, "Bad credentials")


@pytest.mark.parametrize(("kind", "code"), [("RATE_LIMIT", {"code": "graphql_rate_limit"}), ("RATE_LIMITED", {})])
def test_queries_have_a_limit_of_their_own_which_is_answered_200(
    github: GitHub, first: str, kind: Any, code: dict[str, str]
) -> None:
    github.limits.graphql.limit, github.limits.query_error = 1, kind
    allowed, refused = as_(github, TOKEN), as_(github, TOKEN)

    (error,) = refused.json()["errors"]
    assert (allowed.status, refused.status, refused.json().keys()) == (200, 200, {"errors"})
    assert error.pop("message").startswith("API rate limit already exceeded for user ID ")
    assert error == {"type": kind, **code}
    assert refused.headers["x-ratelimit-resource"] == "graphql"
    assert refused.headers["x-ratelimit-remaining"] == "0"
    assert github.limits.primary.used == 0


def test_a_query_costs_one_point_and_makes_no_content(github: GitHub, first: str) -> None:
    github.limits.points.limit = 2
    assert [as_(github, TOKEN).status for _ in range(2)] == [200, 200]
    github.limits.status = HTTPStatus.TOO_MANY_REQUESTS
    refused = as_(github, TOKEN)
    assert refused.status == 429
    assert refused.json()["message"].startswith("You have exceeded a secondary rate limit")
    assert int(refused.headers["retry-after"]) > 0
    assert github.limits.creations.used == 0


def test_a_query_may_fail_on_demand(github: GitHub, first: str) -> None:
    github.fail("/graphql", 502, body="<html>Unicorn!</html>")
    github.fail("/graphql", 200, body={"errors": [{"type": "RESOURCE_LIMITS_EXCEEDED", "message": "too much"}]})
    unicorn, limited, well = (as_(github, TOKEN) for _ in range(3))
    assert (unicorn.status, unicorn.body) == (502, b"<html>Unicorn!</html>")
    assert limited.json()["errors"][0]["type"] == "RESOURCE_LIMITS_EXCEEDED"
    assert "errors" not in well.json()


def test_a_query_is_behind_a_push_as_other_requests_are(github: GitHub, clone: Clone, first: str) -> None:
    github.lag.requests = 1
    second = clone.commit("second", {})
    clone.push("main")
    assert [as_(github, TOKEN).json()["data"]["repository"]["found"]["oid"] for _ in range(2)] == [first, second]


def test_no_git_process_is_left(github: GitHub, first: str, tmp_path: Path) -> None:
    for _ in range(3):
        assert "errors" not in as_(github, TOKEN).json()
    folder, left = str(tmp_path).encode(), []
    for process in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):  # it may have ended
            command = process.read_bytes()
            left += [command] if b"cat-file" in command and folder in command else []
    assert left == []
