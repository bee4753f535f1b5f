"""How people come from Argo CD, and from CI with a kubeconfig, and when something is deployed.

The blocks of docs/how-to/from-argo-cd.md, from-ci.md and deploy-when.md are run, each page with what its reader has
before: a real API server with the kinds of Argo CD, and objects as Argo CD, `kubectl apply` and `kubectl set image`
leave them.
"""

import base64
import json
import re
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from deployer.cluster.kubeconfig import parse_kubeconfig
from deployer.configuration import load_configuration
from deployer.errors import ClusterError
from local.world import World
from tests.docs.argo import KINDS, MARK, SERVER_SIDE, argo_kinds, argo_world, deployed_by_argo
from tests.docs.coming import HOW_TO, Reader, page, settings, web
from tests.docs.commands import ROOT
from tests.end_to_end.adopted import owners
from tests.end_to_end.ci import Ci
from tests.local.kubectl import Kubectl
from tests.world import Bench

ROLLOUTS = "deployment.kubernetes.io/revision"
MISSING = [program for program in ("bash", "curl", "jq") if not shutil.which(program)]


@pytest.fixture(scope="module", autouse=True)
def kinds(world: World) -> Iterator[None]:
    """Argo CD's kinds are in the cluster from the start: its garbage collector needs half a minute to know them."""
    kubectl = Kubectl(world.clusters["staging"].admin_kubeconfig)
    names = [f"crd/{plural}.argoproj.io" for plural in KINDS]
    kubectl.apply(*argo_kinds())
    kubectl("wait", "--for=condition=Established", *names)
    yield
    kubectl("delete", *names)


@pytest.fixture
def argocd(bench: Bench) -> Iterator[Kubectl]:
    with argo_world(bench) as kubectl:
        yield kubectl


BEFORE = re.compile(r'sh """\n(.*?)"""', re.DOTALL)


def jobs_with_kubectl() -> dict[str, str]:
    """The scripts of the page's jobs from before, that have KUBE_CONFIG_DATA, by who runs them."""
    found = page("from-ci.md")
    actions = next(
        fence.text for fence in found if fence.language == "yaml" and "secrets.KUBE_CONFIG_DATA" in fence.text
    )
    (script,) = (step["run"] for step in yaml.safe_load(actions)["jobs"]["deploy"]["steps"] if "env" in step)
    (jenkins,) = (match[1] for fence in found if fence.language == "groovy" for match in BEFORE.finditer(fence.text))
    return {"GitHub Actions": script, "Jenkins": jenkins.replace("\\$", "$")}


def test_both_jobs_with_kubectl_do_the_same() -> None:
    actions, jenkins = (
        [line.strip() for line in script.splitlines() if line.strip().startswith("kubectl ")]
        for script in jobs_with_kubectl().values()
    )
    assert len(actions) == 3
    assert [line.replace("$GIT_COMMIT", "$GITHUB_SHA") for line in jenkins] == actions


def test_from_ci_and_back(bench: Bench, tmp_path: Path) -> None:
    manifests = "\n---\n".join(
        yaml.safe_dump(one) for one in (web("registry.example.com/web:1.0.0"), settings(a="1", b="1"))
    )
    first = bench.push({"k8s/web.yaml": manifests})
    bench.clone.git("branch", "-q", "-u", "origin/main")
    reader = Reader(bench, tmp_path, "from-ci.md")
    kubectl = reader.kubectl
    kubectl("create", "namespace", bench.name)
    data = base64.b64encode(bench.world.clusters["staging"].deployer_kubeconfig.encode()).decode()
    runner = {"RUNNER_TEMP": str(tmp_path), "GITHUB_SHA": first, "KUBE_CONFIG_DATA": data}
    script = reader.here(jobs_with_kubectl()["GitHub Actions"])
    reader.run(script, bench.clone.folder, **runner)
    before = bench.live("deployment", "web")
    assert owners(before) == {"kubectl-client-side-apply Update", "kubectl-set Update"}

    # 1. The same kubeconfig is the first secret; 2. the documents.
    secret = tmp_path / "kube-config-data"
    secret.write_text(data)
    for fence in page("from-ci.md"):
        if file := fence.marks.get("file"):
            reader.write(fence, file)
    clusters = tmp_path / "config" / "clusters.yaml"
    clusters.write_text(clusters.read_text().replace("file:/home/ada/deployer/kube-config-data", f"file:{secret}"))
    (tmp_path / "github-token").write_text(bench.world.exports["DEPLOYER_GITHUB_TOKEN"])
    found = load_configuration(tmp_path / "config")
    assert not found.application(bench.name).automated

    # 3. Git is behind what is live, until CI writes the image there.
    told = reader.next("deployer diff")
    assert f"-        image: registry.example.com/web:{first}" in told
    assert "+        image: registry.example.com/web:1.0.0" in told
    assert "kube-config-data, and asks for nothing unsafe" in told
    marks = ("labels:", "annotations:", "applyset.kubernetes.io/", "kubectl.kubernetes.io/last", '{"apiV', "image:")
    changed = [line for line in told.splitlines() if re.match(r"[-+] ", line)]
    assert all(line[1:].strip().startswith(marks) for line in changed), changed
    live = reader.here("registry.example.com/web:5d6e7f8")
    kubectl("set", "image", "-n", bench.name, "deployment/web", f"web={live}")
    commit = reader.next("git push", bench.clone.folder).splitlines()[-1]
    assert commit == bench.clone.head() == bench.clone.git("rev-parse", "origin/main")

    # 4. The objects and pods stay; what kubectl had written is the deployer's.
    revision = bench.live("deployment", "web")["metadata"]["annotations"][ROLLOUTS]
    told = reader.next("deployer sync")
    assert "2 objects in staging: 2 changed, healthy in " in told
    after = bench.live("deployment", "web")
    assert after["metadata"]["uid"] == before["metadata"]["uid"]
    assert after["metadata"]["annotations"] == {ROLLOUTS: revision}, "no pod is replaced"
    assert after["spec"]["template"]["spec"]["containers"][0]["image"] == live
    assert after["spec"]["strategy"] == before["spec"]["strategy"], "a default of the server"
    assert {kind: owners(bench.live(*kind.split("/"))) for kind in ("deployment/web", "configmap/settings")} == {
        "deployment/web": {"deployer Apply"},
        "configmap/settings": {"deployer Apply"},
    }

    # 6. What is nobody's is found.
    kubectl("create", "configmap", "left", "-n", bench.name)
    told = reader.next("get deployments")
    assert "configmap/left" in told
    assert not re.search(r"/(web|settings|deployer-)", told)
    assert reader.done

    # Back: the old job works again, and takes away what leaves its files.
    bench.clone.commit("less", {"k8s/web.yaml": manifests.replace("  b: '1'\n", "")})
    told = reader.run(script, bench.clone.folder, **runner)
    assert "is missing the kubectl.kubernetes.io/last-applied-configuration annotation" in told
    assert set(bench.live("configmap", "settings")["data"]) == {"a", "b"}, "it cannot know yet"
    bench.clone.commit("less still", {"k8s/web.yaml": manifests.replace("  a: '1'\n", "")})
    reader.run(script, bench.clone.folder, **runner)
    assert set(bench.live("configmap", "settings")["data"]) == {"b"}


needs_script = pytest.mark.skipif(
    bool(MISSING), reason=f"the script needs {', '.join(MISSING)}, which is not installed"
)


@needs_script
def test_a_job_writes_the_image_and_asks_for_that_commit(bench: Bench, tmp_path: Path) -> None:
    bench.configure(automated=False, path="k8s")
    first = bench.push({"k8s/web.yaml": yaml.safe_dump(web("registry.example.com/web:1.0.0"))})
    bench.clone.git("branch", "-q", "-u", "origin/main")
    (bench.clone.folder / "ci").mkdir()
    (bench.clone.folder / "ci" / "deploy.sh").symlink_to(ROOT / "examples" / "ci" / "deploy.sh")
    fragment = next(fence.text for fence in page("from-ci.md") if "secrets.MANIFESTS_TOKEN" in fence.text)
    (script,) = (step["run"] for step in yaml.safe_load(fragment)["deploy"]["steps"] if "run" in step)
    reader = Reader(bench, tmp_path, "from-ci.md")
    runner = {"GITHUB_TOKEN": Ci(bench).token, "GITHUB_SHA": first, "GITHUB_API_URL": bench.world.github.api_url}
    told = reader.run(reader.here(script), bench.clone.folder, DEPLOY_PAUSE="0.2", **runner)
    assert "deploy: success: 1 object in staging: 1 created, healthy in " in told
    (container,) = bench.live("deployment", "web")["spec"]["template"]["spec"]["containers"]
    assert container["image"] == f"registry.example.com/web:{first}"


def test_by_hand(bench: Bench, tmp_path: Path) -> None:
    bench.configure(automated=False)
    commit = bench.push({"web.json": json.dumps(web("registry.example.com/web:1"))})
    assert "out of sync: 1 to create" in bench.logged(commit)
    reader = Reader(bench, tmp_path, "deploy-when.md")
    assert "1 created, healthy in " in reader.next("deployer sync")
    assert reader.done


@pytest.mark.parametrize("file", ["github-actions.yaml", "Jenkinsfile"])
def test_what_comes_after_is_the_example(file: str) -> None:
    assert (ROOT / "examples" / "ci" / file).read_text() in [fence.text for fence in page("from-ci.md")]


@pytest.mark.parametrize("name", ["from-argo-cd.md", "from-ci.md", "deploy-when.md"])
def test_every_document_is_valid(name: str, tmp_path: Path) -> None:
    documents = [fence.text for fence in page(name) if fence.language == "yaml"]
    assert documents
    ours = [text for text in documents if "apiVersion: " in text]
    for number, text in enumerate(ours):
        (tmp_path / f"{number}.yaml").write_text(text)
    if not any("kind: Cluster" in text for text in ours):
        cluster = {"apiVersion": "deployer/v1alpha1", "kind": "Cluster", "metadata": {"name": "production"}}
        (tmp_path / "cluster.yaml").write_text(
            yaml.safe_dump({**cluster, "spec": {"kubeconfig": {"secret": "file:/k"}}})
        )
    load_configuration(tmp_path)
    assert all(yaml.safe_load(text) for text in documents)


SECRET = {"user": {"token": "t"}, "cluster": {"server": "https://127.0.0.1:6443"}}
REFUSED = re.findall(r"^\| (`(?:user|cluster)\..*?) \|", (HOW_TO / "from-ci.md").read_text(), re.MULTILINE)


@pytest.mark.parametrize("field", [one for row in REFUSED for one in re.findall(r"`((?:user|cluster)\.[^`]+)`", row)])
def test_what_the_page_calls_refused_in_a_kubeconfig_is(field: str) -> None:
    part, _, key = field.partition(".")
    kubeconfig = {
        "kind": "Config",
        "current-context": "c",
        "contexts": [{"name": "c", "context": {"cluster": "c", "user": "c"}}],
        "clusters": [{"name": "c", "cluster": dict(SECRET["cluster"])}],
        "users": [{"name": "c", "user": dict(SECRET["user"])}],
    }
    parse_kubeconfig(yaml.safe_dump(kubeconfig).encode(), "s")
    kubeconfig[f"{part}s"][0][part][key] = "x"  # type: ignore[index]
    with pytest.raises(ClusterError, match=re.escape(f"{field} is refused")):
        parse_kubeconfig(base64.b64encode(yaml.safe_dump(kubeconfig).encode()), "s")


def test_from_argo_cd_and_back(bench: Bench, argocd: Kubectl, tmp_path: Path) -> None:
    image = "registry.example.com/web:1"
    bench.push({"k8s/web.json": json.dumps(web(image)), "k8s/settings.json": json.dumps(settings(a="1", b="1", c="1"))})
    argocd("create", "namespace", bench.name)
    deployed_by_argo(argocd, bench, settings(a="1", b="1", c="1"), web(image))
    before = bench.live("deployment", "web")["metadata"]
    reader = Reader(bench, tmp_path, "from-argo-cd.md")

    # 1. The documents, and 2. the clusters.
    reader.next("-o yaml >")
    reader.next("go-template")
    exported = tmp_path / "argocd-export"
    assert "secret-type" in (exported / "clusters.yaml").read_text()
    assert "hidden" not in (exported / "clusters.yaml").read_text(), "a credential"
    (document,) = (fence for fence in page("from-argo-cd.md") if fence.language == "yaml")
    reader.write(document, "argocd-export/clusters-own.yaml")
    found = load_configuration(exported)
    assert {one.name for one in found.applications} == {bench.name, "agent-edge"}
    assert {one.name: found.cluster_for(one).name for one in found.applications}["agent-edge"] == "edge"
    shop = found.application(bench.name)
    assert (shop.automated, shop.prune, shop.self_heal, shop.retry.limit) == (True, True, True, 3)
    assert found.cluster_for(shop).name == "staging"

    # 3. What would change: marks, and nothing else.
    told = reader.next("deployer diff")
    changes = [line for line in told.splitlines() if re.match(r"[-+] ", line)]
    marks = (
        "labels:",
        "annotations:",
        "applyset.kubernetes.io/part-of",
        MARK,
        "kubectl.kubernetes.io/last-applied",
        '{"apiV',
    )
    assert changes
    assert all(line[1:].strip().startswith(marks) for line in changes), changes
    assert MARK in bench.live("deployment", "web")["metadata"]["annotations"], "nothing is written"

    # 4. The set goes, its application stays; then the one application is taken over, and leaves Argo CD.
    reader.next("--cascade=orphan")
    argocd("get", "application", "agent-edge", "-n", "argocd")
    reader.next('"automated": null')
    assert "automated" not in argocd.get("application", bench.name, "-n", "argocd")["spec"]["syncPolicy"]
    told = reader.next("deployer sync")
    assert "2 objects in staging: 2 changed, healthy in " in told
    assert "\tSynced\tHealthy\t" in told
    assert "deployer Apply" in reader.next("--show-managed-fields")
    reader.next("finalizers")
    assert bench.name not in argocd("get", "applications", "-n", "argocd", "-o", "name")
    after = bench.live("deployment", "web")["metadata"]
    assert after["uid"] == before["uid"]
    assert after["annotations"][ROLLOUTS] == "1", "no pod is replaced"
    for kind, name in (("deployment", "web"), ("configmap", "settings")):
        live = bench.live(kind, name)
        assert owners(live) == {"deployer Apply"}
        assert MARK not in live["metadata"].get("annotations", {})

    # A field that leaves Git leaves the cluster, though Argo CD has written it.
    bench.push({"k8s/settings.json": json.dumps(settings(a="1", b="1"))})
    reader.run(f"{sys.executable} -m deployer sync {bench.name}")
    assert bench.live("configmap", "settings")["data"] == {"a": "1", "b": "1"}

    # Back: Argo CD has its Application again, and the fields; the deployer knows nothing of them.
    reader.next("rm config/")
    assert reader.done
    assert argocd.get("application", bench.name, "-n", "argocd")["spec"]["syncPolicy"]["automated"]
    deployed_by_argo(argocd, bench, settings(a="1"), web(image), way=SERVER_SIDE)
    assert bench.live("configmap", "settings")["data"] == {"a": "1"}
    for kind, name in (("deployment", "web"), ("configmap", "settings")):
        live = bench.live(kind, name)
        assert owners(live) == {"argocd-controller Apply"}
        assert "applyset.kubernetes.io/part-of" not in live["metadata"].get("labels", {})
    assert bench.live("deployment", "web")["metadata"]["uid"] == before["uid"]
    assert "no application" in reader.run(f"{sys.executable} -m deployer status {bench.name} || true")
