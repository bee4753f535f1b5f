import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from deployer.configuration import Configuration, load_configuration
from deployer.errors import ConfigurationError
from deployer.project import DEFAULT

APPLICATION = """\
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: {name: NAME}
spec:
  source: {repoURL: https://github.com/acme/web.git, path: k8s}
  destination: {name: CLUSTER}
"""
CLUSTER = """\
apiVersion: deployer/v1alpha1
kind: Cluster
metadata: {name: NAME}
spec:
  aliases: [ALIASES]
  kubeconfig: {secret: projects/acme/secrets/NAME}
"""
PROJECT = """\
apiVersion: argoproj.io/v1alpha1
kind: AppProject
metadata: {name: NAME}
spec:
  sourceRepos: ["git@github.com:acme/*"]
  destinations: [{name: staging, namespace: team-*}]
"""


def application(name: str, cluster: str = "production") -> str:
    return APPLICATION.replace("NAME", name).replace("CLUSTER", cluster)


def project(name: str) -> str:
    return PROJECT.replace("NAME", name)


def of_project(name: str, destination: str, repository: str = "https://github.com/acme/web.git") -> str:
    text = application("web").replace("{name: production}", destination).replace("spec:", f"spec:\n  project: {name}")
    return text.replace("https://github.com/acme/web.git", repository)


def cluster(name: str, *aliases: str) -> str:
    return CLUSTER.replace("NAME", name).replace("ALIASES", ", ".join(aliases))


def written(folder: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return folder


def problems(path: Path) -> list[str]:
    with pytest.raises(ConfigurationError) as caught:
        load_configuration(path)
    return str(caught.value).splitlines()


def test_a_file_with_many_documents(tmp_path: Path) -> None:
    text = "---\n".join(
        ["# only a comment\n", application("web"), "", cluster("production", "in-cluster"), application("api")]
    )
    file = tmp_path / "all.conf"
    file.write_text(text)
    made = load_configuration(file)
    assert [(one.name, one.place) for one in made.applications] == [
        ("web", "all.conf, document 1"),
        ("api", "all.conf, document 4"),
    ]
    assert [(one.name, one.place) for one in made.clusters] == [("production", "all.conf, document 3")]


def test_a_folder_and_what_is_below(tmp_path: Path) -> None:
    cluster_as_json = {
        "apiVersion": "deployer/v1alpha1",
        "kind": "Cluster",
        "metadata": {"name": "production"},
        "spec": {"kubeconfig": {"secret": "projects/acme/secrets/x"}},
    }
    files = {
        "z.yaml": application("z"),
        "a.yml": application("a"),
        "below/b.json": json.dumps(cluster_as_json),
        "README.md": "no: [yaml",
        "below/.hidden.yaml": "no: [yaml",
        ".git/x.yaml": "no: [yaml",
    }
    written(tmp_path, files)
    made = load_configuration(tmp_path)
    assert [one.name for one in made.applications] == ["a", "z"]
    assert made.clusters[0].place == "below/b.json, document 1"


def test_a_mounted_config_map(tmp_path: Path) -> None:
    written(tmp_path, {"..data/all.yaml": application("web") + "---\n" + cluster("production")})
    (tmp_path / "all.yaml").symlink_to("..data/all.yaml")
    assert [one.place for one in load_configuration(tmp_path).applications] == ["all.yaml, document 1"]


def test_what_nobody_has_changed_is_not_made_anew(tmp_path: Path) -> None:
    files = {"web.yaml": application("web"), "production.yaml": cluster("production")}
    made = load_configuration(written(tmp_path, files))
    (tmp_path / "web.yaml").write_text(application("web"))
    assert load_configuration(tmp_path) is made
    for changed, names in (
        ({"web.yaml": application("api")}, ["api"]),  # as long as before
        ({"shop.yaml": application("shop")}, ["shop", "api"]),
    ):
        anew = load_configuration(written(tmp_path, changed))
        assert sorted(one.name for one in anew.applications) == sorted(names)
    (tmp_path / "shop.yaml").rename(tmp_path / "shop-2.yaml")
    assert {one.place for one in load_configuration(tmp_path).applications} == {
        "shop-2.yaml, document 1",
        "web.yaml, document 1",
    }


def test_what_is_wrong_is_told_each_time(tmp_path: Path) -> None:
    (tmp_path / "web.yaml").mkdir()
    (tmp_path / "gone.yaml").symlink_to("nowhere.yaml")
    for _ in range(2):
        assert problems(tmp_path) == ["gone.yaml: cannot be read as YAML: No such file or directory"]


def test_an_empty_folder(tmp_path: Path) -> None:
    assert load_configuration(tmp_path) == Configuration()


def test_look_up(tmp_path: Path) -> None:
    server = "https://kubernetes.default.svc"
    text = "---\n".join(
        [
            cluster("staging"),
            cluster("production", "in-cluster", f'"{server}"'),
            application("web"),
            application("api", "in-cluster"),
            application("db").replace("name: production", f"server: {server}"),
            application("cron", "staging"),
        ]
    )
    made = load_configuration(written(tmp_path, {"a.yaml": text}))
    found = {one.name: made.cluster_for(one).name for one in made.applications}
    assert found == {"web": "production", "api": "production", "db": "production", "cron": "staging"}
    assert made.application("api").destination.cluster == "in-cluster"
    with pytest.raises(ConfigurationError, match=r"no application 'wbe'; there is: web, api, db, cron$"):
        made.application("wbe")
    with pytest.raises(ConfigurationError, match=r"no application 'web'; there is: none$"):
        Configuration().application("web")


def test_neighbours_are_the_other_applications_of_the_cluster_whatever_they_call_it(tmp_path: Path) -> None:
    clusters = cluster("production", "prod"), cluster("staging")
    applications = application("web"), application("shop", "prod"), application("blog", "staging")
    (tmp_path / "all.yaml").write_text("---\n".join([*clusters, *applications]))
    found = load_configuration(tmp_path)
    placement = found.placement("web")
    assert (placement.application.name, placement.cluster.name) == ("web", "production")
    assert [one.name for one in placement.neighbours] == ["shop"]
    assert found.placement("blog").neighbours == ()


def test_a_path_that_is_not_there(tmp_path: Path) -> None:
    assert problems(tmp_path / "x") == [
        f"{tmp_path}/x: there is no such file or folder; set DEPLOYER_CONFIG to the configuration"
    ]


def test_every_problem_is_told(tmp_path: Path) -> None:
    written(
        tmp_path,
        {
            "a.yaml": application("Web") + "---\n" + application("web").replace("path:", "paht:"),
            "b.yaml": "a: [",
            "c.yaml": application("lost", "nowhere"),
        },
    )
    said = problems(tmp_path)
    assert [line.partition(": ")[0] for line in said] == ["a.yaml, document 1", "a.yaml, document 2", "b.yaml"]
    assert "spec.source.paht: unknown field; did you mean path?" in said[1]
    assert said[2].startswith("b.yaml: cannot be read as YAML: line ")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("- a\n", "a.yaml, document 1: is not a mapping; allowed: Application, ApplicationSet and AppProject (arg"),
        ("just text\n", "a.yaml, document 1: is not a mapping"),
        ("a: 1\n", "a.yaml, document 1: kind: None of None is no configuration; allowed: "),
        ("apiVersion: v1\nkind: List\n", "a.yaml, document 1: kind: 'List' of 'v1' is no configuration"),
        ("apiVersion: argoproj.io/v1beta1\nkind: Application\n", "kind: 'Application' of 'argoproj.io/v1beta1' is no"),
        ("apiVersion: [x]\nkind: {}\n", "kind: {} of ['x'] is no configuration"),
        (
            "apiVersion: argoproj.io/v1alpha1\nkind: AppProject\nmetadata: {name: a}\nspec: {syncWindows: [{}]}\n",
            "a.yaml, document 1: spec.syncWindows[0].kind: is missing",
        ),
        ("a: 1\nb: 2\na: 3\n", "a.yaml: cannot be read as YAML: line 1: the key 'a' stands there twice"),
        (
            "a: !!python/object:os.system x\n",
            "a.yaml: cannot be read as YAML: line 1: could not determine a constructor",
        ),
        ("a: 2026-13-45\n", "a.yaml: cannot be read as YAML: ValueError"),
        ("a: \x07\n", "a.yaml: cannot be read as YAML: ReaderError"),
        ("[" * 2000, "a.yaml: cannot be read as YAML: it is nested too deeply"),
    ],
)
def test_what_is_no_configuration(tmp_path: Path, text: str, problem: str) -> None:
    said = problems(written(tmp_path, {"a.yaml": text}))
    assert len(said) == 1
    assert problem in said[0]


def test_what_is_not_utf_8(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_bytes(b"a: \xff\n")
    assert problems(tmp_path) == ["a.yaml: cannot be read as YAML: it is not UTF-8"]


def test_what_cannot_be_opened(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").symlink_to("gone.yaml")
    assert problems(tmp_path) == ["a.yaml: cannot be read as YAML: No such file or directory"]


def test_an_error_quotes_no_line(tmp_path: Path) -> None:
    said = problems(written(tmp_path, {"a.yaml": "repoURL: https://ada:hunter2@github.com/acme/web: x\n"}))
    assert "hunter2" not in said[0]


@pytest.mark.parametrize(
    ("first", "second", "problem"),
    [
        (application("web"), application("web"), "b.yaml, document 1: Application 'web' is already in a.yaml"),
        (cluster("x"), cluster("x"), "b.yaml, document 1: Cluster 'x' is already in a.yaml, document 1"),
        (cluster("x", "y"), cluster("y"), "b.yaml, document 1: Cluster 'y' is already in a.yaml, document 1"),
        (cluster("x", "y"), cluster("z", "y"), "b.yaml, document 1: Cluster 'y' is already in a.yaml"),
        (project("x"), project("x"), "b.yaml, document 1: AppProject 'x' is already in a.yaml, document 1"),
    ],
)
def test_a_name_stands_there_once(tmp_path: Path, first: str, second: str, problem: str) -> None:
    said = problems(written(tmp_path, {"a.yaml": first, "b.yaml": second, "c.yaml": cluster("production")}))
    assert len(said) == 1
    assert said[0].startswith(problem)


def test_an_application_and_a_cluster_may_share_a_name(tmp_path: Path) -> None:
    assert load_configuration(written(tmp_path, {"a.yaml": application("x", "x"), "b.yaml": cluster("x")})).clusters


@pytest.mark.parametrize(
    ("clusters", "there"), [(cluster("production", "in-cluster"), "production, in-cluster"), ("", "none")]
)
def test_a_destination_that_is_no_cluster(tmp_path: Path, clusters: str, there: str) -> None:
    said = problems(written(tmp_path, {"a.yaml": application("web", "prod"), "b.yaml": clusters}))
    assert said == [f"a.yaml, document 1: spec.destination: no Cluster has the name or alias 'prod'; there is: {there}"]


def test_projects(tmp_path: Path) -> None:
    clusters = cluster("staging", "https://staging.example.com") + "---\n" + cluster("production")
    files = {
        "a.yaml": clusters,
        "p.yaml": project("team-a"),
        "x.yaml": of_project("team-a", "{server: https://staging.example.com, namespace: team-1}"),
        "y.yaml": application("free"),
    }
    made = load_configuration(written(tmp_path, files))
    assert [one.name for one in made.projects] == ["team-a"]
    assert made.project_for(made.application("web")) is made.projects[0]
    assert made.project_for(made.application("free")) is DEFAULT


def test_a_written_default_takes_the_place_of_the_built_in_one(tmp_path: Path) -> None:
    files = {"a.yaml": cluster("staging"), "p.yaml": project("default"), "x.yaml": application("web", "staging")}
    assert problems(written(tmp_path, files)) == [
        "x.yaml, document 1: spec.destination: for Application 'web', project default does not allow to name no "
        "namespace in the cluster staging; allowed in spec.destinations: {name: 'staging', namespace: 'team-*'}"
    ]


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        (
            of_project("taem-a", "{name: staging, namespace: team-1}"),
            ["spec.project: there is no AppProject 'taem-a'; there is: default, team-a"],
        ),
        (
            of_project("team-a", "{name: staging, namespace: team-1}", "https://github.com/evil/web.git"),
            [
                "spec.source.repoURL: for Application 'web', project team-a does not allow the repository "
                "github.com/evil/web; allowed in spec.sourceRepos: git@github.com:acme/*"
            ],
        ),
        (
            of_project("team-a", "{name: staging, namespace: kube-system}", "https://github.com/evil/web.git"),
            [
                "spec.source.repoURL: for Application 'web', project team-a does not allow the repository",
                "spec.destination: for Application 'web', project team-a does not allow the namespace 'kube-system' of "
                "the cluster staging; allowed in spec.destinations: {name: 'staging', namespace: 'team-*'}",
            ],
        ),
        (of_project("team-a", "{name: production, namespace: team-1}"), ["spec.destination: for Application 'web', "]),
        (of_project("team-a", "{name: in-cluster, namespace: team-1}"), ["spec.destination: for Application 'web', "]),
        (
            of_project("team-a", "{server: 'https://p', namespace: team-1}"),
            ["spec.destination: for Application 'web', "],
        ),
    ],
)
def test_what_a_project_does_not_allow(tmp_path: Path, changed: str, said: list[str]) -> None:
    clusters = cluster("staging") + "---\n" + cluster("production", "in-cluster", "https://p")
    found = problems(written(tmp_path, {"a.yaml": clusters, "p.yaml": project("team-a"), "x.yaml": changed}))
    assert len(found) == len(said)
    for line, start in zip(found, said, strict=True):
        assert line.startswith(f"x.yaml, document 1: {start}")


def test_two_applications_that_want_other_things_of_one_namespace(tmp_path: Path) -> None:
    def managing(name: str, namespace: str, team: str) -> str:
        policy = f"{{syncOptions: [CreateNamespace=true], managedNamespaceMetadata: {{labels: {{team: {team}}}}}}}"
        text = application(name).replace("{name: production}", f"{{name: production, namespace: {namespace}}}")
        return f"{text}  syncPolicy: {policy}\n"

    files = {
        "a.yaml": cluster("production"),
        "b.yaml": managing("one", "web", "a"),
        "c.yaml": managing("two", "web", "a"),
        "d.yaml": managing("three", "api", "b"),
    }
    assert load_configuration(written(tmp_path, files))
    assert problems(written(tmp_path, {"e.yaml": managing("four", "web", "b")})) == [
        "e.yaml, document 1: spec.syncPolicy.managedNamespaceMetadata: Application 'one' asks other things of "
        "Namespace web; leave it out of one of the two, or write the same"
    ]


def test_a_denial_that_fits_no_cluster(tmp_path: Path) -> None:
    denial = project("team-a").replace("{name: staging,", "{server: '!https://gone.example.com',")
    assert load_configuration(written(tmp_path, {"p.yaml": denial})).projects
    (said,) = problems(written(tmp_path, {"a.yaml": cluster("production", "in-cluster")}))
    assert said.startswith(
        "p.yaml, document 1: spec.destinations[0]: denies nothing, since no Cluster fits {server: '!"
    )
    assert said.endswith("; there is: production, in-cluster")


WINDOW = "{kind: deny, schedule: 0 22 * * *, duration: 8h, clusters: [in-cluster], manualSync: true}"


def test_what_a_project_says_of_a_placement(tmp_path: Path) -> None:
    entry = "{server: in-cluster, namespace: team-*, defaultServiceAccount: deployer}"
    text = project("team-a").replace("name: staging", "name: production")
    text += f"  syncWindows: [{WINDOW}]\n  destinationServiceAccounts: [{entry}]\n"
    files = {
        "a.yaml": cluster("production", "in-cluster"),
        "p.yaml": text,
        "x.yaml": of_project("team-a", "{name: production, namespace: team-1}"),
        "y.yaml": application("free"),
    }
    made = load_configuration(written(tmp_path, files))
    ours, free = made.placement("web"), made.placement("free")
    assert (ours.account, free.account) == ("system:serviceaccount:team-1:deployer", "")
    night, day = datetime(2026, 1, 2, 23, tzinfo=UTC), datetime(2026, 1, 2, 12, tzinfo=UTC)
    assert ours.held_back(night) == "held back until 2026-01-03 06:00 UTC by the deny window 0 22 * * * (8h)"
    assert (ours.held_back(night, manual=True), ours.held_back(day), free.held_back(night)) == ("", "", "")


def test_a_destination_without_a_service_account(tmp_path: Path) -> None:
    entry = "{server: staging, namespace: other, defaultServiceAccount: x}"
    files = {
        "a.yaml": cluster("staging"),
        "p.yaml": project("team-a") + f"  destinationServiceAccounts: [{entry}]\n",
        "x.yaml": of_project("team-a", "{name: staging, namespace: team-1}"),
    }
    assert problems(written(tmp_path, files)) == [
        "x.yaml, document 1: spec.destination: for Application 'web', no entry of its project's "
        "spec.destinationServiceAccounts fits the namespace 'team-1' of the cluster staging; "
        "there is: {server: 'staging', namespace: 'other'}"
    ]
