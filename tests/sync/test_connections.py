"""The connections that settings and configuration ask for."""

import math
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from deployer.cluster_document import ClusterDocument, Gke
from deployer.errors import ClusterError, ConfigurationError, SecretError
from deployer.github.files import BLOBS, read_tree
from deployer.report import log
from deployer.repository import Repository
from deployer.secrets import read_secret
from deployer.settings import Settings, load_settings
from deployer.sync.connections import open_cluster, open_github
from local.certificates import CertificateAuthority, kubeconfig
from local.github import GitHub as LocalGitHub
from local.secret_manager import SecretManager
from tests.cluster.test_gke import a_cluster, described
from tests.google import DNS, EMAIL, Google, error
from tests.local.github.helpers import TOKEN, Clone, serving_web


def document(secret: str = "", gke: Gke | None = None) -> ClusterDocument:
    return ClusterDocument("production", (), secret, {}, "a.yaml", gke)


def test_a_kubeconfig_is_read_where_the_document_says(tmp_path: Path) -> None:
    file = tmp_path / "kubeconfig"
    with pytest.raises(SecretError, match="cannot be read"):
        open_cluster(document(f"file:{file}"), Settings())
    authority = CertificateAuthority("x").certificate
    file.write_text(kubeconfig("x", "https://127.0.0.1:1", authority, {"token": "t"}))
    with closing(open_cluster(document(f"file:{file}"), Settings())) as cluster:
        assert (cluster.name, cluster.requests) == ("production", 0)


def test_a_cluster_of_gke_needs_no_secret(google: Google) -> None:
    gke = a_cluster("dns")
    google.clusters[str(gke)] = described()
    for fresh, asked in ((False, 1), (False, 1), (True, 2)):
        with closing(open_cluster(document(gke=gke), Settings(), fresh=fresh)) as cluster:
            assert (cluster.name, cluster.requests) == ("production", 0)
        assert len(google.requests("container.googleapis.com")) == asked
    assert DNS not in {host for host, _, _ in google.asked}, "the cluster itself is asked nothing yet"


def test_whoever_may_not_know_where_a_cluster_is_is_named(google: Google) -> None:
    google.faults.append(("container.googleapis.com", error(403, "no")))
    with pytest.raises(ClusterError, match=f"; give {EMAIL} roles/container.clusterViewer on project acme$"):
        open_cluster(document(gke=a_cluster("dns")), Settings())


KEY = "projects/acme/secrets/github-app"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[LocalGitHub]:
    with serving_web(tmp_path) as server:
        yield server


@pytest.fixture
def manager() -> Iterator[SecretManager]:
    with SecretManager() as manager:
        yield manager


@pytest.fixture
def as_app(server: LocalGitHub, manager: SecretManager) -> Settings:
    app = server.apps.register("deployer", permissions={"contents": "read", "statuses": "write"})
    server.apps.install(app, "acme")
    manager.put(KEY, app.private_key.encode())
    return load_settings(
        {
            "DEPLOYER_GITHUB_APP_ID": str(app.number),
            "DEPLOYER_GITHUB_APP_KEY": KEY,
            "DEPLOYER_GITHUB_API_URL": server.api_url,
            "DEPLOYER_SECRET_MANAGER_ENDPOINT": manager.address,
        }
    )


def test_a_token_is_read_where_the_settings_say_and_anew_once_it_is_refused(
    server: LocalGitHub, manager: SecretManager
) -> None:
    manager.put("projects/acme/secrets/token", b"0ld-token")
    settings = Settings(
        github_api_url=server.api_url,
        github_token="projects/acme/secrets/token",
        secret_manager_endpoint=manager.address,
    )
    with open_github(settings) as github:
        manager.put("projects/acme/secrets/token", f"{TOKEN}\n".encode())
        assert github.request("GET", "/repos/acme/web").text("name") == "web"
    assert {"0ld-token", TOKEN} <= set(log._hidden)


def test_the_connections_of_a_process_are_one_app(
    server: LocalGitHub, as_app: Settings, manager: SecretManager
) -> None:
    for _ in range(3):
        with open_github(as_app) as github:
            assert github.request("GET", "/repos/acme/web").text("name") == "web"
            used = github.credentials.authorization("acme/web", github.ask)
    assert sum(path.endswith("/access_tokens") for _, path in server.requests) == 1
    token = used.removeprefix("token ")
    assert token in log._hidden
    assert 3_600 < log._ENDS[token] - time.monotonic() < 10_000, "it is forgotten once it is good for nothing"


def test_the_key_of_an_app_is_in_no_line_of_the_log(as_app: Settings, manager: SecretManager) -> None:
    with open_github(as_app) as github:
        assert github.request("GET", "/app").text("slug") == "deployer"
    key = read_secret(KEY, manager.address).decode()
    assert {key, repr(key)[1:-1]} <= set(log._hidden)
    assert log._ENDS[key] == math.inf


def test_the_key_is_read_when_a_connection_is_opened(as_app: Settings, manager: SecretManager, tmp_path: Path) -> None:
    with pytest.raises(SecretError, match="secret projects/acme/secrets/other does not exist"):
        open_github(replace(as_app, github_app_key="projects/acme/secrets/other"))
    file = tmp_path / "key.pem"
    with pytest.raises(SecretError, match=r"key\.pem cannot be read"):
        open_github(replace(as_app, github_app_key=f"file:{file}"))
    file.write_bytes(b"\xff")
    with pytest.raises(ConfigurationError, match="DEPLOYER_GITHUB_APP_KEY leads to something that is no RSA private"):
        open_github(replace(as_app, github_app_key=f"file:{file}"))


def test_what_is_fetched_is_kept_in_the_settings_folder(
    server: LocalGitHub, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    clone = Clone(tmp_path / "other", f"{server.git_url}/acme/other.git")
    commit = clone.commit("first", {"a.yaml": "a: 1"})
    clone.push("main")
    settings = Settings(github_token=TOKEN, github_api_url=server.api_url)
    try:
        for folder in (tmp_path / "cache", clone.folder / "a.yaml"):
            BLOBS.clear()
            with open_github(replace(settings, cache_folder=folder)) as github:
                repository = Repository(github.host, "acme/other")
                assert read_tree(github, repository, commit).read(["a.yaml"]) == {"a.yaml": b"a: 1"}
    finally:
        open_github(settings).__exit__(None, None, None)
    assert [path.read_bytes() for path in (tmp_path / "cache").glob("*/*/*/*")] == [b"a: 1"]
    assert [one.getMessage() for one in caplog.records] == [
        f"DEPLOYER_CACHE_FOLDER keeps nothing: [Errno 17] File exists: '{clone.folder / 'a.yaml'}'; "
        "make it a folder that this process may write to"
    ]


def test_without_a_token_or_an_app_there_is_no_connection() -> None:
    with pytest.raises(ConfigurationError, match=r"DEPLOYER_GITHUB_TOKEN is not set; .* DEPLOYER_GITHUB_APP_ID"):
        open_github(Settings())
