import re
from collections.abc import Mapping
from typing import Any

import pytest

from deployer.errors import ConfigurationError
from deployer.manifest import ObjectKey
from deployer.project import (
    DEFAULT,
    KindRule,
    Project,
    destination_problem,
    idle_denials,
    object_problem,
    parse_project,
    source_problem,
)
from deployer.repository import parse_repository

PLACE = "projects.yaml, document 1"
CLUSTERS = {
    "staging": ("staging", "https://staging.example.com"),
    "production": ("production", "in-cluster", "https://kubernetes.default.svc"),
}
EVERYWHERE = {"server": "*", "namespace": "*"}
CLUSTER_ROLE = ObjectKey("rbac.authorization.k8s.io", "ClusterRole", "", "admin")
DEPLOYMENT = ObjectKey("apps", "Deployment", "web", "web")


def project(**spec: Any) -> Project:
    return parse_project({"metadata": {"name": "team-a"}, "spec": spec}, PLACE)


def namespace(name: str) -> ObjectKey:
    return ObjectKey("", "Namespace", "", name)


def test_a_project() -> None:
    made = project(
        sourceRepos=["*"],
        destinations=[{"name": "staging", "namespace": "!web"}],
        clusterResourceWhitelist=[{"group": "", "kind": "Namespace", "name": "team-*"}],
        clusterResourceBlacklist=[{"group": "*", "kind": "*"}],
        namespaceResourceWhitelist=[],
        namespaceResourceBlacklist=[{"group": "apps", "kind": "DaemonSet"}],
    )
    assert (made.name, made.place) == ("team-a", PLACE)
    assert [rule.written for rule in made.source_repos] == ["*"]
    assert [(rule.written, rule.denies) for rule in made.destinations] == [
        ("{name: 'staging', namespace: '!web'}", True)
    ]
    assert made.cluster_whitelist == (KindRule("", "Namespace", "team-*"),)
    assert made.cluster_blacklist == (KindRule("*", "*", ""),)
    assert made.namespace_whitelist == ()
    assert made.namespace_blacklist == (KindRule("apps", "DaemonSet", ""),)


def test_what_changes_nothing_that_is_deployed_is_ignored() -> None:
    document = {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "AppProject",
        "metadata": {"name": "team-a", "namespace": "argocd"},
        "spec": {
            "description": "the team's",
            "roles": [{"name": "ci", "policies": ["p, proj:team-a:ci, applications, sync, team-a/*, allow"]}],
            "orphanedResources": {"warn": True},
            "sourceNamespaces": ["apps-*"],
            "permitOnlyProjectScopedClusters": False,
            "signatureKeys": [],
            "syncWindows": None,
        },
        "status": {"jwtTokensByRole": {}},
    }
    assert parse_project(document, PLACE) == project()


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ({"signatureKeys": [{"keyID": "D56C4FCA57A46444"}]}, "signatureKeys: .* with deployer/require-verified: "),
        ({"sourceIntegrity": {"git": {}}}, "sourceIntegrity: .* with deployer/require-verified: "),
        ({"syncWindows": [{"kind": "deny"}]}, r"syncWindows\[0\]\.schedule: is missing"),
        ({"destinationServiceAccounts": [{"server": "*"}]}, r"destinationServiceAccounts\[0\]\.default.*: is missing"),
        ({"permitOnlyProjectScopedClusters": True}, "permitOnlyProjectScopedClusters: clusters belong to no project"),
        ({"destination": []}, r"destination: unknown field; did you mean destinations\?"),
        ({"sourceRepos": "*"}, "sourceRepos: must be a list of texts"),
        ({"sourceRepos": ["*", "acme/web"]}, r"sourceRepos\[1\]: matches nothing"),
        ({"sourceRepos": ["!*"]}, r"sourceRepos\[0\]: `!` needs something to deny"),
        ({"sourceRepos": ["https://github.com/acme/{web"]}, r"sourceRepos\[0\]: .* is no valid glob"),
        ({"destinations": {}}, "destinations: must be a list of mappings"),
        ({"destinations": [EVERYWHERE, {"namespace": "*"}]}, r"destinations\[1\]\.name: name the clusters in name or"),
        ({"destinations": [{"cluster": "x"}]}, r"destinations\[0\]\.cluster: unknown field"),
        ({"destinations": [{"server": "!*", "namespace": "*"}]}, r"destinations\[0\]\.server: `!` needs something"),
        ({"destinations": [{"name": "!**", "namespace": "*"}]}, r"destinations\[0\]\.name: `!` needs something"),
        ({"destinations": [{"name": "!", "namespace": "*"}]}, r"destinations\[0\]\.name: `!` needs something"),
        ({"destinations": [{"name": "*", "namespace": "!!x"}]}, r"destinations\[0\]\.namespace: `!` needs something"),
        ({"destinations": [{"name": "[x", "namespace": "*"}]}, r"destinations\[0\]\.name: '\[x' is no valid glob"),
        ({"clusterResourceWhitelist": [{"kind": "Namespace"}]}, r"clusterResourceWhitelist\[0\]\.group: is missing"),
        ({"clusterResourceBlacklist": [{"group": ""}]}, r"clusterResourceBlacklist\[0\]\.kind: is missing"),
        (
            {"namespaceResourceBlacklist": [{"group": "apps/v1", "kind": "*"}]},
            r"namespaceResourceBlacklist\[0\]\.group: 'apps/v1' is no name with \* and \?",
        ),
        (
            {"namespaceResourceBlacklist": [{"group": "", "kind": "{Role,Secret}"}]},
            r"namespaceResourceBlacklist\[0\]\.kind: '{Role,Secret}' is no name with",
        ),
        (
            {"clusterResourceBlacklist": [{"group": "", "kind": "Namespace", "name": "[^a]*"}]},
            r"clusterResourceBlacklist\[0\]\.name: '\[\^a\]\*' is no name with",
        ),
        (
            {"namespaceResourceWhitelist": [{"group": "", "kind": "Secret", "name": "x"}]},
            r"namespaceResourceWhitelist\[0\]\.name: unknown field",
        ),
    ],
)
def test_what_is_wrong_is_refused(spec: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError, match=rf"^{PLACE}: spec\.{message}"):
        project(**spec)


def test_a_project_has_a_name() -> None:
    with pytest.raises(ConfigurationError, match=r"metadata\.name: is missing"):
        parse_project({"metadata": {}}, PLACE)


@pytest.mark.parametrize(
    ("sources", "url", "allowed"),
    [
        ([], "https://github.com/acme/web", False),
        (["*"], "https://github.com/acme/web", True),
        (["https://github.com/acme/web.git"], "https://github.com/acme/web", True),
        (["https://github.com/acme/web"], "git@github.com:Acme/Web.git", True),
        (["git@github.com:acme/web.git"], "https://github.com/acme/web", True),
        (["ssh://git@github.com:22/acme/*"], "https://github.com/acme/web", True),
        (["https://github.com/acme/*"], "ssh://git@ssh.github.com:443/acme/web.git", True),
        (["https://github.com/acme/*.git"], "https://github.com/acme/web", True),
        (["https://github.com/acme/*.git"], "https://github.com/acme1/web", False),
        (["https://github.com/acme/web"], "https://github.com/acme/web1", False),
        (["https://github.com/acme/web"], "https://github.com/evil/acme-web", False),
        (["https://github.com/acme/*"], "https://github.com.evil.com/acme/web", False),
        (["https://github.com/**"], "https://github.com/acme/web", True),
        (["**/acme/*"], "https://github.com/acme/web", True),
        (["**/acme*"], "https://github.com/acme/web", False),
        (["https://*/acme/*"], "git@github.com:acme/web", True),
        (["https://github.com/{acme,ajax}/web"], "https://github.com/ajax/web", True),
        (["https://gitlab.com/group/*/*"], "https://github.com/group/web", False),
        # A list of denials alone allows the rest.
        (["!https://github.com/acme/web"], "https://github.com/acme/web", False),
        (["!https://github.com/acme/web"], "https://github.com/acme/api", True),
        (["!https://github.com/acme/*", "!https://github.com/ajax/*"], "https://github.com/ajax/web", False),
        (["!https://github.com/acme/*", "!https://github.com/ajax/*"], "https://github.com/other/web", True),
        # Beside others, a denial only takes away.
        (["https://github.com/acme/*", "!https://github.com/acme/vault"], "https://github.com/acme/web", True),
        (["https://github.com/acme/*", "!https://github.com/acme/vault"], "https://github.com/acme/vault", False),
        (["https://github.com/acme/*", "!https://github.com/acme/vault"], "https://github.com/evil/web", False),
        # No spelling gets around one.
        (["*", "!ssh://git@GITHUB.com:acme/vault"], "https://github.com/acme/vault.git", False),
        (["*", "!https://github.com/acme/vault"], "git@github.com:ACME/vault.git/", False),
        (["*", "!https://github.com/acme/vault.git"], "ssh://git@ssh.github.com:443/acme/vault", False),
        (["*", "!git@github.com:acme/v*"], "https://github.com:443/acme/vault", False),
    ],
)
def test_source(sources: list[str], url: str, allowed: bool) -> None:
    assert (source_problem(project(sourceRepos=sources), parse_repository(url)) == "") is allowed


SYSTEM = "!{kube-system,argocd}"


@pytest.mark.parametrize(
    ("destinations", "cluster", "namespace", "allowed"),
    [
        ([], "staging", "web", False),
        ([EVERYWHERE], "staging", "web", True),
        ([EVERYWHERE], "staging", "", True),
        ([{"name": "staging", "namespace": "web"}], "staging", "web", True),
        ([{"name": "staging", "namespace": "web"}], "staging", "web2", False),
        ([{"name": "staging", "namespace": "web"}], "staging", "", False),
        ([{"name": "staging", "namespace": "web"}], "production", "web", False),
        ([{"name": "staging"}], "staging", "web", False),
        ([{"name": "staging"}], "staging", "", True),
        ([{"server": "https://staging.example.com", "namespace": "*"}], "staging", "web", True),
        ([{"server": "https://*.example.com", "namespace": "team-*"}], "staging", "team-a", True),
        ([{"server": "https://*.example.com", "namespace": "team-*"}], "staging", "team", False),
        ([{"server": "https://*.example.com", "namespace": "team-*"}], "production", "team-a", False),
        # A cluster is all of its names, in either field.
        ([{"name": "in-cluster", "namespace": "*"}], "production", "web", True),
        ([{"server": "https://kubernetes.default.svc", "namespace": "*"}], "production", "web", True),
        ([{"server": "production", "namespace": "*"}], "production", "web", True),
        ([{"server": "https://kubernetes.default.svc", "namespace": "*"}], "staging", "web", False),
        # Both fields must fit.
        (
            [{"name": "in-cluster", "server": "https://kubernetes.default.svc", "namespace": "*"}],
            "production",
            "x",
            True,
        ),
        ([{"name": "staging", "server": "https://kubernetes.default.svc", "namespace": "*"}], "production", "x", False),
        ([{"name": "*", "server": "https://staging.example.com", "namespace": "*"}], "production", "x", False),
        # Denials alone allow the rest of what they are about.
        ([{"name": "staging", "namespace": "!kube-system"}], "staging", "web", True),
        ([{"name": "staging", "namespace": "!kube-system"}], "staging", "kube-system", False),
        ([{"name": "staging", "namespace": "!kube-system"}], "production", "web", False),
        ([{"name": "!production", "namespace": "*"}], "staging", "web", True),
        ([{"name": "!production", "namespace": "*"}], "production", "web", False),
        ([{"server": "!https://kubernetes.default.svc", "namespace": "web"}], "production", "web", False),
        ([{"server": "!https://kubernetes.default.svc", "namespace": "web"}], "staging", "web", True),
        ([{"server": "!https://kubernetes.default.svc", "namespace": "web"}], "staging", "api", False),
        ([{"name": "staging", "namespace": SYSTEM}, {"name": "staging", "namespace": "!x"}], "staging", "web", True),
        (
            [{"name": "staging", "namespace": SYSTEM}, {"name": "staging", "namespace": "!x"}],
            "staging",
            "argocd",
            False,
        ),
        # Beside others, they only take away.
        ([EVERYWHERE, {"name": "*", "namespace": "!kube-*"}], "staging", "kube-system", False),
        ([EVERYWHERE, {"name": "*", "namespace": "!kube-*"}], "staging", "web", True),
        ([{"name": "staging", "namespace": "team-*"}, {"name": "*", "namespace": "!kube-*"}], "staging", "web", False),
        (
            [{"name": "staging", "namespace": "team-*"}, {"name": "!production", "namespace": "*"}],
            "staging",
            "x",
            False,
        ),
        ([{"name": "staging", "namespace": "*"}, {"name": "production", "namespace": "!x"}], "production", "y", False),
        # A denial is about what its other fields fit, and nothing else.
        ([EVERYWHERE, {"name": "production", "namespace": "!kube-system"}], "production", "kube-system", False),
        ([EVERYWHERE, {"name": "production", "namespace": "!kube-system"}], "staging", "kube-system", True),
        ([EVERYWHERE, {"server": "!https://kubernetes.default.svc", "namespace": "x"}], "production", "x", False),
        ([EVERYWHERE, {"server": "!https://kubernetes.default.svc", "namespace": "x"}], "production", "y", True),
        ([EVERYWHERE, {"name": "!production", "namespace": "x"}], "production", "y", True),
        ([EVERYWHERE, {"name": "!in-*", "server": "*", "namespace": "*"}], "production", "web", False),
        ([EVERYWHERE, {"name": "!in-*", "server": "*", "namespace": "*"}], "staging", "web", True),
        # Two denials in one entry: neither.
        ([EVERYWHERE, {"name": "!production", "namespace": "!x"}], "production", "y", False),
        ([EVERYWHERE, {"name": "!production", "namespace": "!x"}], "staging", "x", False),
        ([EVERYWHERE, {"name": "!production", "namespace": "!x"}], "production", "x", False),
        ([EVERYWHERE, {"name": "!production", "namespace": "!x"}], "staging", "y", True),
    ],
)
def test_destination(destinations: list[dict[str, str]], cluster: str, namespace: str, allowed: bool) -> None:
    assert (destination_problem(project(destinations=destinations), CLUSTERS[cluster], namespace) == "") is allowed


@pytest.mark.parametrize(
    ("spec", "key", "namespaced", "problem"),
    [
        (
            {},
            CLUSTER_ROLE,
            False,
            "ClusterRole.rbac.authorization.k8s.io admin; allowed in spec.clusterRes.*: nothing$",
        ),
        ({"clusterResourceWhitelist": []}, CLUSTER_ROLE, False, "ClusterRole"),
        ({"clusterResourceWhitelist": [{"group": "*", "kind": "*"}]}, CLUSTER_ROLE, False, ""),
        ({"clusterResourceWhitelist": [{"group": "*.k8s.io", "kind": "Cluster*"}]}, CLUSTER_ROLE, False, ""),
        ({"clusterResourceWhitelist": [{"group": "", "kind": "ClusterRole"}]}, CLUSTER_ROLE, False, "ClusterRole"),
        ({"clusterResourceWhitelist": [{"group": "*", "kind": "clusterrole"}]}, CLUSTER_ROLE, False, "ClusterRole"),
        (
            {"clusterResourceWhitelist": [{"group": "", "kind": "Namespace", "name": "team-?"}]},
            namespace("team-a"),
            False,
            "",
        ),
        (
            {"clusterResourceWhitelist": [{"group": "", "kind": "Namespace", "name": "team-?"}]},
            namespace("kube-system"),
            False,
            r"Namespace kube-system; allowed in spec\.clusterResourceWhitelist: Namespace team-\?$",
        ),
        (
            {
                "clusterResourceWhitelist": [{"group": "*", "kind": "*"}],
                "clusterResourceBlacklist": [{"group": "", "kind": "Namespace", "name": "kube-*"}],
            },
            namespace("kube-system"),
            False,
            r"Namespace kube-system: spec\.clusterResourceBlacklist has Namespace kube-\*$",
        ),
        (
            {
                "clusterResourceWhitelist": [{"group": "*", "kind": "*"}],
                "clusterResourceBlacklist": [{"group": "", "kind": "Namespace", "name": "kube-*"}],
            },
            namespace("web"),
            False,
            "",
        ),
        # The lists for one scope say nothing of the other.
        (
            {"namespaceResourceBlacklist": [{"group": "*", "kind": "*"}]},
            CLUSTER_ROLE,
            False,
            r"clusterResourceWhitelist",
        ),
        (
            {"destinations": [EVERYWHERE], "clusterResourceBlacklist": [{"group": "*", "kind": "*"}]},
            DEPLOYMENT,
            True,
            "",
        ),
        ({"destinations": [EVERYWHERE]}, DEPLOYMENT, True, ""),
        (
            {"destinations": [EVERYWHERE], "namespaceResourceWhitelist": []},
            DEPLOYMENT,
            True,
            r"Deployment\.apps web; allowed in spec\.namespaceResourceWhitelist: nothing$",
        ),
        (
            {"destinations": [EVERYWHERE], "namespaceResourceWhitelist": [{"group": "apps", "kind": "Deployment"}]},
            DEPLOYMENT,
            True,
            "",
        ),
        (
            {"destinations": [EVERYWHERE], "namespaceResourceWhitelist": [{"group": "apps", "kind": "StatefulSet"}]},
            DEPLOYMENT,
            True,
            r"allowed in spec\.namespaceResourceWhitelist: StatefulSet\.apps$",
        ),
        (
            {
                "destinations": [EVERYWHERE],
                "namespaceResourceWhitelist": [{"group": "*", "kind": "*"}],
                "namespaceResourceBlacklist": [{"group": "apps", "kind": "Deploy*"}],
            },
            DEPLOYMENT,
            True,
            r"Deployment\.apps web: spec\.namespaceResourceBlacklist has Deploy\*\.apps$",
        ),
        # A namespaced object obeys the destinations with its own namespace, a cluster-scoped one has none.
        ({"destinations": [{"name": "staging", "namespace": "web"}]}, DEPLOYMENT, True, ""),
        (
            {"destinations": [{"name": "staging", "namespace": "api"}]},
            DEPLOYMENT,
            True,
            "'web' of the cluster staging; allowed in spec.destinations: {name: 'staging', namespace: 'api'}$",
        ),
        (
            {"destinations": [EVERYWHERE, {"name": "*", "namespace": "!w*"}]},
            DEPLOYMENT,
            True,
            r"the namespace 'web' of the cluster staging: spec\.destinations has {name: '\*', namespace: '!w\*'}$",
        ),
        (
            {"destinations": [{"name": "staging", "namespace": "api"}, {"name": "*", "namespace": "!x"}]},
            DEPLOYMENT,
            True,
            "; beside other entries, one with `!` only takes away$",
        ),
        ({"destinations": [], "clusterResourceWhitelist": [{"group": "*", "kind": "*"}]}, CLUSTER_ROLE, False, ""),
    ],
)
def test_object(spec: Mapping[str, Any], key: ObjectKey, namespaced: bool, problem: str) -> None:
    found = object_problem(project(**spec), CLUSTERS["staging"], key, namespaced=namespaced)
    if problem:
        assert re.search(f"^project team-a does not allow .*{problem}", found)
    else:
        assert found == ""


def test_the_default_project_allows_everything() -> None:
    assert source_problem(DEFAULT, parse_repository("https://github.com/acme/web")) == ""
    assert destination_problem(DEFAULT, CLUSTERS["production"], "") == ""
    assert object_problem(DEFAULT, CLUSTERS["production"], DEPLOYMENT, namespaced=True) == ""
    assert object_problem(DEFAULT, CLUSTERS["production"], CLUSTER_ROLE, namespaced=False) == ""


@pytest.mark.parametrize(
    ("destination", "idle"),
    [
        ({"name": "nowhere", "namespace": "*"}, False),
        ({"name": "!nowhere", "namespace": "*"}, True),
        ({"name": "!in-cluster", "namespace": "*"}, False),
        ({"server": "!https://*", "namespace": "*"}, False),
        ({"server": "https://gone.example.com", "namespace": "!x"}, True),
        ({"name": "*", "namespace": "!x"}, False),
        ({"name": "staging", "server": "in-cluster", "namespace": "!x"}, True),
        ({"name": "production", "server": "in-cluster", "namespace": "!x"}, False),
    ],
)
def test_idle_denials(destination: dict[str, str], idle: bool) -> None:
    found = list(idle_denials(project(destinations=[EVERYWHERE, destination]), CLUSTERS.values()))
    assert len(found) == idle
    if idle:
        assert found[0].startswith(f"{PLACE}: spec.destinations[1]: denies nothing, since no Cluster fits {{")
        assert found[0].endswith(
            "there is: staging, https://staging.example.com, production, in-cluster, https://kubernetes.default.svc"
        )
