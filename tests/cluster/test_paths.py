"""No name in a manifest leads anywhere but to its own object."""

from urllib.parse import quote, unquote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from urllib3.util import parse_url

from deployer.cluster.discovery import Resource
from deployer.cluster.paths import collection_path, object_path
from deployer.errors import ClusterError

DEPLOYMENT = Resource("apps", "v1", "Deployment", "deployments", namespaced=True)
NAMESPACE = Resource("", "v1", "Namespace", "namespaces", namespaced=False)
ROLE = Resource("rbac.authorization.k8s.io", "v1", "ClusterRole", "clusterroles", namespaced=False)


@pytest.mark.parametrize(
    ("resource", "namespace", "name", "path"),
    [
        (DEPLOYMENT, "shop", "web", "/apis/apps/v1/namespaces/shop/deployments/web"),
        (NAMESPACE, "", "shop", "/api/v1/namespaces/shop"),
        (NAMESPACE, "ignored", "shop", "/api/v1/namespaces/shop"),
        (ROLE, "", "system:auth", "/apis/rbac.authorization.k8s.io/v1/clusterroles/system:auth"),
        (ROLE, "", "a?b#c d", "/apis/rbac.authorization.k8s.io/v1/clusterroles/a%3Fb%23c%20d"),
    ],
)
def test_an_object_has_one_path(resource: Resource, namespace: str, name: str, path: str) -> None:
    assert object_path(resource, namespace, name) == path


def test_a_collection_is_of_a_namespace_or_of_all() -> None:
    assert collection_path(DEPLOYMENT, "shop") == "/apis/apps/v1/namespaces/shop/deployments"
    assert collection_path(DEPLOYMENT, "") == "/apis/apps/v1/deployments"


@pytest.mark.parametrize("name", ["../../x", "..", ".", "", "a/b", "a%2fb", "a\ud800"])
def test_what_is_no_segment_is_refused(name: str) -> None:
    with pytest.raises(ClusterError, match="cannot be part of an API path"):
        object_path(DEPLOYMENT, "shop", name)


def test_a_namespace_cannot_lead_out_either() -> None:
    with pytest.raises(ClusterError, match="cannot be part of an API path"):
        object_path(DEPLOYMENT, "../kube-system", "web")


def test_a_namespaced_object_needs_a_namespace() -> None:
    with pytest.raises(ClusterError, match="Deployment/web needs a namespace"):
        object_path(DEPLOYMENT, "", "web")


TRICKS = [
    "..",
    ".",
    "%2e%2e",
    "%2E.",
    "..%2f",
    "\\..",
    "//",
    "?",
    "#",
    ":",
    "@",
    ";",
    "..;",
    "\t",
    "\n",
    "\x00",
    "\ud800",
]
PART = st.sampled_from(["a", "apps", "v1"]) | st.lists(
    st.sampled_from([*TRICKS, "a", "/"]) | st.text(st.characters(exclude_categories=()), max_size=3), max_size=4
).map("".join)


@settings(max_examples=400)
@given(group=PART, version=PART, plural=PART, namespaced=st.booleans(), namespace=PART, name=PART)
def test_any_texts_make_the_path_of_their_own_object_or_none(
    group: str, version: str, plural: str, namespaced: bool, namespace: str, name: str
) -> None:
    resource = Resource(group, version, "Kind", plural, namespaced)
    try:
        path = object_path(resource, namespace, name)
    except ClusterError:
        return
    assert parse_url(f"https://127.0.0.1:6443{path}").request_uri == path, "urllib3 sends another path"
    place = ["namespaces", namespace] if namespaced else []
    wanted = [*(["apis", group] if group else ["api"]), version, *place, plural, name]
    assert [unquote(segment) for segment in path.removeprefix("/").split("/")] == wanted
    assert not {".", ".."} & set(unquote(path).split("/")), "something in between could fold it"


@given(st.text(st.characters(exclude_characters="/%", exclude_categories=["Cs"]), min_size=1))
def test_what_is_one_segment_is_not_refused(name: str) -> None:
    if name not in (".", ".."):
        assert object_path(NAMESPACE, "", name) == f"/api/v1/namespaces/{quote(name, safe=':')}"
