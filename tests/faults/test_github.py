"""Whole deployments with a GitHub that has faults: those that pass are not noticed, those that stay change nothing."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from deployer.application import Application, parse_application
from deployer.cluster_document import ClusterDocument
from deployer.configuration import Placement
from deployer.errors import SourceError
from deployer.retry import PATIENCE
from deployer.settings import Settings, load_settings
from deployer.sync.deploy import deploy
from deployer.sync.how import How
from local.world import World
from tests.faults.proxy import Answer, Cut, Fault, Proxy
from tests.sync.helpers import ignore
from tests.world import Bench, config_map

STAGING = ClusterDocument("staging", (), "projects/local/secrets/staging-kubeconfig", {}, "test.yaml")
LIMITED = {"message": "API rate limit exceeded for user ID 1."}
SECONDARY = {"message": "You have exceeded a secondary rate limit."}
NO_ACCESS = {"message": "Resource not accessible by personal access token"}
AT_ONCE = {"Retry-After": "0"}


@pytest.fixture
def proxy(world: World, tmp_path: Path) -> Iterator[Proxy]:
    """Stands between the deployer and the world's GitHub."""
    with Proxy(world.github.git_url, tmp_path) as proxy:
        yield proxy


@pytest.fixture
def settings(world: World, proxy: Proxy) -> Settings:
    return load_settings({**world.exports, "DEPLOYER_GITHUB_API_URL": f"{proxy.url}/api/v3"})


@pytest.fixture
def application(bench: Bench, proxy: Proxy) -> Application:
    """The bench's application, at the GitHub that the proxy is; the world's own function knows nothing of it."""
    return parse_application(
        {
            "apiVersion": "argoproj.io/v1alpha1",
            "kind": "Application",
            "metadata": {"name": bench.name},
            "spec": {
                "source": {"repoURL": f"{proxy.url}/{bench.repository}.git", "targetRevision": "main", "path": "."},
                "destination": {"name": "staging", "namespace": bench.name},
                "syncPolicy": {"syncOptions": ["CreateNamespace=true"]},
            },
        },
        "test.yaml",
    )


@pytest.mark.parametrize(
    ("request_", "faults"),
    [
        pytest.param("GET .*/git/ref/", [Answer(500)], id="500 for the ref"),
        pytest.param("GET .*/git/trees/", [Answer(502, b"<html>"), Answer(503, headers=AT_ONCE)], id="502, then 503"),
        pytest.param("GET .*/git/trees/", [Cut(after=40)], id="cut in the middle of the tree"),
        pytest.param("POST .*/graphql", [Cut(), Cut(after=9)], id="cut before the files, and in the middle of them"),
        pytest.param("POST .*/graphql", [Answer(429, SECONDARY, AT_ONCE)], id="429"),
        pytest.param("POST .*/graphql", [Answer(403, SECONDARY, AT_ONCE)], id="secondary rate limit"),
        pytest.param("recursive", [Answer(200, {"tree": [], "truncated": True})], id="truncated tree"),
        pytest.param("POST .*/statuses/", [Answer(502, headers=AT_ONCE), Cut(after=9)], id="status: 502, then cut"),
    ],
)
def test_a_fault_that_passes_is_not_noticed(
    bench: Bench, settings: Settings, application: Application, proxy: Proxy, request_: str, faults: list[Fault]
) -> None:
    commit = bench.push({"a.yaml": config_map("a"), "b.yaml": config_map("b")})
    proxy.play(request_, *faults)
    deployed = deploy(Placement(application, STAGING), settings, How(), ignore)
    assert deployed.message.startswith("2 objects in staging: 2 created, healthy")
    assert bench.statuses(commit)[-1] == ("success", deployed.message)
    # The ref, the tree and the files; two statuses, of which the last is sent when all is counted.
    assert len(proxy.seen) >= 5 + len(faults)


def test_a_rate_limit_that_ends_soon_is_waited_for(
    bench: Bench, settings: Settings, application: Application, proxy: Proxy
) -> None:
    bench.push({"a.yaml": config_map("a")})
    start = time.time()
    reset = {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": str(int(start) + 1)}
    proxy.play("git/ref", Answer(403, LIMITED, reset))
    assert deploy(Placement(application, STAGING), settings, How(), ignore).result.outcome == "succeeded"
    assert time.time() > int(start) + 1


@pytest.mark.parametrize(
    ("request_", "faults", "told"),
    [
        pytest.param("git/ref", [Answer(401, {"message": "Bad credentials"})], "set DEPLOYER_GITHUB_TOKEN", id="401"),
        pytest.param(
            "git/trees",
            [Answer(403, LIMITED, {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "4102444799"})],
            "GitHub's rate limit for this token is used up until ",
            id="primary rate limit",
        ),
        pytest.param(
            "git/blobs",
            [Answer(403, SECONDARY, {"Retry-After": "60"})],
            "GitHub's rate limit for this token is used up until ",
            id="secondary rate limit",
        ),
        pytest.param(
            "git/trees",
            [Answer(403, SECONDARY)],
            "GitHub's rate limit for this token is used up until ",
            id="secondary rate limit that does not say how long",
        ),
        pytest.param("git/trees", [Answer(429)], "GitHub's rate limit for this token is used up", id="429"),
        pytest.param(
            "git/blobs", [Answer(403, NO_ACCESS)], "give the token the permission contents=read", id="no permission"
        ),
        pytest.param("git/", [Answer(404, {"message": "Not Found"})] * 2, "has no branch or tag main", id="404, ref"),
        pytest.param("", [Answer(404, {"message": "Not Found"})] * 3, "check repoURL", id="404, repository"),
        pytest.param("git/ref", [Answer(409, {"message": "Git Repository is empty."})], "first commit", id="409"),
        pytest.param("git/trees", [Answer(422, {"message": "Invalid SHA"})], "422 to GET /repos/", id="422"),
        pytest.param("git/ref", [Answer(500, headers=AT_ONCE)] * 4, "it has a fault, try again later", id="500"),
        pytest.param("git/trees", [Answer(502, headers=AT_ONCE)] * 4, "it has a fault, try again later", id="502"),
        pytest.param("git/blobs", [Answer(503, headers=AT_ONCE)] * 8, "it has a fault, try again later", id="503"),
        pytest.param("git/trees", [Answer(200, b"<html>")], "something that is no JSON object", id="no JSON"),
        pytest.param("git/trees", [Answer(200)], "has no 'truncated' as it is documented", id="another answer"),
        pytest.param(
            "git/trees",
            [Answer(200, {"tree": [], "truncated": True})] * 2,
            "GitHub cannot list all of the folder .: split it",
            id="truncated tree taken for the whole",
        ),
        pytest.param(
            "git/blobs",
            [Answer(200, {"encoding": "base64", "content": ""})],
            "is not that file: its id does not match",
            id="wrong file",
        ),
        pytest.param(
            "git/trees",
            [Answer(301, headers={"Location": "http://127.0.0.1:1/"})],
            "to another host (301), where the token must not go",
            id="another host",
        ),
    ],
)
def test_a_fault_that_stays_changes_nothing_and_is_told(
    bench: Bench,
    settings: Settings,
    application: Application,
    proxy: Proxy,
    request_: str,
    faults: list[Fault],
    told: str,
) -> None:
    commit = bench.push({"a.yaml": config_map("a")})  # one file: the REST API is asked for it
    proxy.play(f"GET .*{request_}", *faults)
    start = time.monotonic()
    with pytest.raises(SourceError) as caught:
        deploy(Placement(application, STAGING), settings, How(), ignore)
    assert time.monotonic() - start < PATIENCE / 2, "what cannot be waited for is given up at once"
    assert told in str(caught.value)
    assert bench.kubectl("get", "namespace", bench.name, "--ignore-not-found") == ""
    statuses = bench.statuses(commit)
    if statuses:  # unless GitHub would not even say which commit it is
        state, description = statuses[-1]
        assert state == "error"
        assert str(caught.value).startswith(description.removesuffix("…"))
    assert bool(statuses) == (request_ in ("git/trees", "git/blobs"))


def test_a_commit_that_cannot_be_told_is_deployed_all_the_same(
    bench: Bench, settings: Settings, application: Application, proxy: Proxy, caplog: pytest.LogCaptureFixture
) -> None:
    commit = bench.push({"a.yaml": config_map("a")})
    proxy.play("POST", *[Answer(403, NO_ACCESS)] * 2)
    assert deploy(Placement(application, STAGING), settings, How(), ignore).result.outcome == "succeeded"
    assert bench.statuses(commit) == []
    assert "the commit could not be told 'success'" in caplog.text
    assert "give the token the permission statuses=write" in caplog.text


def test_an_api_that_lags_behind_a_push_is_waited_for(
    bench: Bench, settings: Settings, application: Application, proxy: Proxy
) -> None:
    before = bench.push({"a.yaml": config_map("a", "1")})
    after = bench.push({"a.yaml": config_map("a", "2")})
    old = Answer(200, {"ref": "refs/heads/main", "object": {"type": "commit", "sha": before}})
    proxy.play("git/ref/heads/main", old, old)
    assert deploy(Placement(application, STAGING), settings, How(before=before), ignore).revision == after
    assert bench.live("configmap", "a")["data"]["key"] == "2"
