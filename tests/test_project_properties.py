"""What holds of every AppProject: a denial stays one, and neither order nor spelling opens anything."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from deployer.manifest import ObjectKey
from deployer.project import destination_problem, object_problem, source_problem
from deployer.repository import parse_repository
from tests.test_project import CLUSTER_ROLE, CLUSTERS, DEPLOYMENT, EVERYWHERE, project

PATTERNS = st.sampled_from(["*", "staging", "production", "in-*", "https://*", "!production", "!in-cluster", "!s*"])
NAMESPACES = st.sampled_from(["*", "web", "w*", "kube-system", "!web", "!kube-*", "!w?b"])
CLUSTER_FIELDS = st.one_of(
    st.fixed_dictionaries({"name": PATTERNS}),
    st.fixed_dictionaries({"server": PATTERNS}),
    st.fixed_dictionaries({"name": PATTERNS, "server": PATTERNS}),
)
DESTINATIONS = st.lists(
    st.builds(lambda clusters, name: {**clusters, "namespace": name}, CLUSTER_FIELDS, NAMESPACES), max_size=4
)
WHERE = st.tuples(st.sampled_from(list(CLUSTERS.values())), st.sampled_from(["web", "api", "kube-system", ""]))
SOURCES = st.lists(
    st.builds(
        "{}{}/{}".format,
        st.sampled_from(["", "!"]),
        st.sampled_from(["https://github.com", "git@github.com:", "ssh://git@*", "https://*.com"]),
        st.sampled_from(["acme/*", "acme/web.git", "*/web", "**", "ajax/{web,api}"]),
    ),
    max_size=4,
)
REPOSITORIES = st.sampled_from(["acme/web", "acme/api", "ajax/web", "evil/web"])
KINDS = st.lists(
    st.fixed_dictionaries(
        {
            "group": st.sampled_from(["*", "", "apps", "rbac*"]),
            "kind": st.sampled_from(["*", "C*", "Deployment", "Pod"]),
        }
    ),
    max_size=3,
)
KEYS = st.sampled_from([(DEPLOYMENT, True), (CLUSTER_ROLE, False), (ObjectKey("", "Pod", "api", "x"), True)])


def allows_destination(destinations: list[dict[str, str]], where: tuple[tuple[str, ...], str]) -> bool:
    return not destination_problem(project(destinations=destinations), *where)


def allows_source(sources: list[str], name: str) -> bool:
    return not source_problem(project(sourceRepos=sources), parse_repository(f"https://github.com/{name}"))


@given(DESTINATIONS, DESTINATIONS, WHERE)
def test_a_denied_destination_stays_denied_whatever_else_is_there(
    some: list[dict[str, str]], more: list[dict[str, str]], where: tuple[tuple[str, ...], str]
) -> None:
    if any("!" in "".join(one.values()) and not allows_destination([EVERYWHERE, one], where) for one in some):
        assert not allows_destination([*more, *some], where)


@given(DESTINATIONS, DESTINATIONS, WHERE)
def test_a_denial_never_opens_what_the_others_do_not_allow(
    some: list[dict[str, str]], more: list[dict[str, str]], where: tuple[tuple[str, ...], str]
) -> None:
    plain = [one for one in some if "!" not in "".join(one.values())]
    denials = [one for one in more if "!" in "".join(one.values())]
    if plain and not allows_destination(plain, where):
        assert not allows_destination([*plain, *denials], where)


@given(DESTINATIONS, WHERE, st.randoms())
def test_the_order_of_destinations_is_nothing(
    some: list[dict[str, str]], where: tuple[tuple[str, ...], str], random: Any
) -> None:
    assert allows_destination(random.sample(some, len(some)), where) is allows_destination(some, where)


@given(DESTINATIONS, WHERE)
def test_the_names_of_a_cluster_are_alike(some: list[dict[str, str]], where: tuple[tuple[str, ...], str]) -> None:
    names, namespace = where
    assert allows_destination(some, (names[::-1], namespace)) is allows_destination(some, where)


@given(SOURCES, REPOSITORIES, st.randoms())
def test_the_order_of_sources_is_nothing(some: list[str], name: str, random: Any) -> None:
    assert allows_source(random.sample(some, len(some)), name) is allows_source(some, name)


@given(SOURCES, SOURCES, REPOSITORIES)
def test_a_denied_source_stays_denied_whatever_else_is_there(some: list[str], more: list[str], name: str) -> None:
    denials = [one for one in some if one.startswith("!")]
    if not allows_source(["*", *denials], name):
        assert not allows_source([*more, *denials], name)


@given(st.sampled_from(["https://github.com/{}", "git@github.com:{}.git", "ssh://git@ssh.github.com:443/{}"]), SOURCES)
def test_the_spellings_of_a_repository_are_alike(spelling: str, sources: list[str]) -> None:
    found = parse_repository(spelling.format("ACME/web"))
    assert (not source_problem(project(sourceRepos=sources), found)) is allows_source(sources, "acme/web")


@given(KINDS, KINDS, KEYS, st.randoms())
def test_kinds(
    allowed: list[dict[str, str]], denied: list[dict[str, str]], key: tuple[ObjectKey, bool], random: Any
) -> None:
    def allows(whitelist: list[dict[str, str]], blacklist: list[dict[str, str]]) -> bool:
        scope = "namespace" if key[1] else "cluster"
        lists = {f"{scope}ResourceWhitelist": whitelist, f"{scope}ResourceBlacklist": blacklist}
        made = project(destinations=[EVERYWHERE], **lists)
        return not object_problem(made, CLUSTERS["staging"], key[0], namespaced=key[1])

    shuffled = allows(random.sample(allowed, len(allowed)), random.sample(denied, len(denied)))
    assert shuffled is allows(allowed, denied)
    # What is denied by one of two lists that are alike is denied; what no list allows is, too.
    assert allows(allowed, denied) is (allows(allowed, []) and not allows(denied, []))
    assert not allows([], denied)
