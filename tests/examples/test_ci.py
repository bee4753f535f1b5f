"""The examples for CI: what they may do, and the script that asks and waits, run against the local GitHub."""

import re
import shutil
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import yaml

from deployer.github.client import GitHub
from deployer.github.deployments import DeploymentState, set_deployment_status
from deployer.repository import Repository
from local.github import GitHub as LocalGitHub
from tests.local.github.helpers import SECRET, TOKEN, Clone, ask

CI = Path(__file__).parents[2] / "examples" / "ci"
SCRIPT = CI / "deploy.sh"
EXAMPLES = sorted(CI.iterdir())
MISSING = [program for program in ("bash", "curl", "jq") if not shutil.which(program)]

runs = pytest.mark.skipif(bool(MISSING), reason=f"the script needs {', '.join(MISSING)}, which is not installed")


def test_they_are_all_there() -> None:
    assert [path.name for path in EXAMPLES] == ["Jenkinsfile", "README.md", "deploy.sh", "github-actions.yaml"]


@pytest.mark.parametrize("path", [path for path in EXAMPLES if path.suffix != ".md"], ids=lambda path: path.name)
def test_no_job_knows_a_secret_but_a_token_of_github(path: Path) -> None:
    words = path.read_text()
    assert not re.search(r"DEPLOYER_|WEBHOOK_SECRET|X-Hub-Signature|KUBE_?CONFIG *[:=]", words, re.IGNORECASE)
    assert "GITHUB_TOKEN" in words


def test_the_workflow_may_ask_and_no_more() -> None:
    workflow = yaml.safe_load((CI / "github-actions.yaml").read_text())
    assert workflow["permissions"] == {}
    assert {name: job["permissions"] for name, job in workflow["jobs"].items()} == {
        "build": {"contents": "read"},
        "deploy": {"contents": "read", "deployments": "write"},
    }
    job = workflow["jobs"]["deploy"]
    assert "environment" not in job
    (step,) = [step for step in job["steps"] if "run" in step]
    assert step["run"] == "ci/deploy.sh shop"
    assert step["env"]["GITHUB_TOKEN"] == "${{ github.token }}"
    assert int(step["env"]["DEPLOY_TIMEOUT"]) < job["timeout-minutes"] * 60


def test_the_pipeline_sets_what_the_script_needs() -> None:
    words = (CI / "Jenkinsfile").read_text()
    assert "sh 'ci/deploy.sh shop \"$GIT_COMMIT\"'" in words
    for name in ("GITHUB_REPOSITORY = ", "GITHUB_API_URL = ", "variable: 'GITHUB_TOKEN'"):
        assert name in words
    assert words.count("{") == words.count("}")


@pytest.fixture
def server(tmp_path: Path) -> Iterator[LocalGitHub]:
    with LocalGitHub(tmp_path / "github", token=TOKEN, webhook_url=None, webhook_secret=SECRET) as server:
        yield server


@pytest.fixture
def commit(tmp_path: Path, server: LocalGitHub) -> str:
    clone = Clone(tmp_path / "clone", f"{server.git_url}/acme/shop.git")
    commit = clone.commit("first", {"a": "1"})
    clone.push("main")
    return commit


def deploy(server: LocalGitHub, *arguments: str, **changes: str) -> tuple[int, str]:
    """Run the script as a job does; returns its exit status and what it said."""
    environment = {
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "GITHUB_TOKEN": TOKEN,
        "GITHUB_REPOSITORY": "acme/shop",
        "GITHUB_API_URL": server.api_url,
        "DEPLOY_TIMEOUT": "20",
        "DEPLOY_PAUSE": "0.05",
        **changes,
    }
    done = subprocess.run([SCRIPT, *arguments], env=environment, capture_output=True, text=True, timeout=60)
    return done.returncode, done.stdout + done.stderr


def made(server: LocalGitHub) -> list[int]:
    """The Deployments that there are, the oldest first."""
    return [one["id"] for one in ask(server, "/repos/acme/shop/deployments").json()][::-1]


@contextmanager
def told(server: LocalGitHub, *statuses: tuple[DeploymentState, str]) -> Iterator[None]:
    """Tell the first Deployment that is made these things, one after the other, as the deployer would."""

    def tell() -> None:
        end = time.monotonic() + 10
        while not (numbers := made(server)):
            assert time.monotonic() < end, "nobody has made a Deployment"
            time.sleep(0.02)
        with GitHub(server.api_url, TOKEN) as github:
            repository = Repository(github.host, "acme/shop")
            for state, description in statuses:
                set_deployment_status(github, repository, numbers[0], state, description)
                time.sleep(0.4)

    thread = threading.Thread(target=tell)
    thread.start()
    try:
        yield
    finally:
        thread.join()


@runs
@pytest.mark.parametrize(
    ("state", "description", "status"),
    [
        ("success", "12 objects in production: 1 changed, healthy in 4.2 s", 0),
        ("inactive", "superseded by 1a2b3c4", 0),
        ("failure", "Deployment web: ImagePullBackOff", 1),
        ("error", "1a2b3c4 is no commit of main", 1),
    ],
)
def test_the_script_ends_as_the_deployment_does(
    server: LocalGitHub, commit: str, state: DeploymentState, description: str, status: int
) -> None:
    with told(server, ("in_progress", "deploying"), (state, description)):
        code, said = deploy(server, "shop", commit)
    (number,) = made(server)
    asks, *meanwhile, end = said.splitlines()
    assert asks == f"deploy: Deployment {number} asks for shop at {commit[:7]}"
    assert meanwhile in (["deploy: in_progress: deploying"], []), "between two looks it may have ended"
    assert end == f"deploy: {state}: {description}"
    assert code == status
    found = ask(server, f"/repos/acme/shop/deployments/{number}").json()
    assert (found["sha"], found["environment"], found["task"]) == (commit, "shop", "deploy")


@runs
def test_red_checks_do_not_keep_the_script_from_asking(server: LocalGitHub, commit: str) -> None:
    """What must be green says the application."""
    ask(server, f"/repos/acme/shop/statuses/{commit}", {"state": "failure", "context": "ci"})
    with told(server, ("success", "live")):
        assert deploy(server, "shop", GITHUB_SHA=commit)[0] == 0


@runs
def test_a_success_counts_that_was_made_inactive_since(server: LocalGitHub, commit: str) -> None:
    with told(server, ("success", "live"), ("inactive", "")):
        code, said = deploy(server, "shop", commit, DEPLOY_PAUSE="1.5")
    assert code == 0
    assert "deploy: success: live" in said


@runs
def test_nobody_takes_it_up(server: LocalGitHub, commit: str) -> None:
    code, said = deploy(server, "shop", commit, DEPLOY_TIMEOUT="1")
    assert code == 3
    assert "nobody has taken up Deployment" in said
    assert "is there an application shop of acme/shop?" in said


@runs
def test_it_is_not_over_in_time(server: LocalGitHub, commit: str) -> None:
    with told(server, ("in_progress", "waiting for build")):
        code, said = deploy(server, "shop", commit, DEPLOY_TIMEOUT="2")
    assert code == 3
    assert "is not over after 2 s: in_progress waiting for build" in said


@runs
def test_what_cannot_be_read_for_a_moment_is_read_later(server: LocalGitHub, commit: str) -> None:
    server.fail("/deployments/.*/statuses", 503, times=2, method="GET")
    with told(server, ("failure", "ill")):
        assert deploy(server, "shop", commit)[0] == 1


@runs
@pytest.mark.parametrize(
    ("arguments", "changes", "words"),
    [
        ([], {}, "usage: deploy.sh APPLICATION"),
        (["shop"], {}, "name its whole SHA"),
        (["shop", "main"], {}, "name its whole SHA"),
        (["shop", "1" * 40], {"GITHUB_TOKEN": ""}, "set GITHUB_TOKEN and GITHUB_REPOSITORY"),
        (["shop", "1" * 40], {}, "GitHub took no Deployment: "),
        (["shop", "1" * 40], {"GITHUB_TOKEN": "wrong"}, "Bad credentials"),
    ],
)
def test_what_cannot_be_asked_for(
    server: LocalGitHub, commit: str, arguments: list[str], changes: dict[str, str], words: str
) -> None:
    code, said = deploy(server, *arguments, **changes)
    assert (code, made(server)) == (2, [])
    assert words in said


@runs
def test_no_word_of_the_deployer_starts_a_line_of_its_own(server: LocalGitHub, commit: str) -> None:
    """A line that begins with `::` is a command to GitHub Actions, and an escape one to the terminal."""
    with told(server, ("failure", "ill\n::set-env name=A::b\x1b[2J")):
        code, said = deploy(server, "shop", commit)
    assert (code, said.splitlines()[-1]) == (1, "deploy: failure: ill ::set-env name=A::b [2J")
