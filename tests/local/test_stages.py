"""What kwok plays (local/stages.yaml), seen from a real cluster."""

from typing import Any

import pytest

from tests.local.kubectl import Kubectl

PULL = (
    'rpc error: code = NotFound desc = failed to pull and unpack image "{0}": failed to resolve reference "{0}": '
    "{0}: not found"
)
KEY = {"name": "settings", "key": "does-not-exist"}


def _pod(name: str, *containers: dict[str, Any], **spec: Any) -> dict[str, Any]:
    containers = tuple({"name": f"c{number}", **container} for number, container in enumerate(containers))
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name},
        "spec": {"containers": containers, "terminationGracePeriodSeconds": 0, **spec},
    }


def _variable(source: str, **reference: str) -> dict[str, Any]:
    return {"image": "web:1", "env": [{"name": "A", "value": "1"}, {"name": "B", "valueFrom": {source: reference}}]}


def _state(pod: dict[str, Any], number: int = 0) -> dict[str, Any]:
    """The state of a pod's container; {} where nobody has played it yet."""
    statuses = pod["status"].get("containerStatuses")
    state: dict[str, Any] = statuses[number]["state"] if statuses else {}
    return state


def _is_ready(pod: dict[str, Any]) -> bool:
    return any(c["type"] == "Ready" and c["status"] == "True" for c in pod["status"].get("conditions", ()))


@pytest.fixture(scope="module")
def pods(cluster: Any) -> Kubectl:
    """All pods at once, so that those that take their time do so together."""
    kubectl = Kubectl(cluster.admin_kubeconfig)
    kubectl.apply(
        _pod("well", {"image": "registry.example:5000/acme/web_app:v1.2@sha256:" + "0" * 64}, {"image": "b"}),
        _pod("started", {"image": "a"}, initContainers=[{"name": "init", "image": "b"}]),
        _pod("tag", {"image": "ghcr.io/acme/web:does-not-exist"}, {"image": "proxy"}),
        _pod("name", {"image": "acme/missing-web:1"}),
        _pod("invalid", {"image": "Acme/web app:1"}),
        _pod("no-key", _variable("configMapKeyRef", **KEY)),
        _pod("no-secret-key", _variable("secretKeyRef", **KEY)),
        _pod("crash", {"image": "web:crash"}),
        _pod("ends", {"image": "web:exit-1"}, restartPolicy="Never"),
        _pod("slow", {"image": "web:slow"}),
        _pod("never", {"image": "web:never"}),
    )
    return kubectl


@pytest.mark.parametrize("name", ["well", "started"])
def test_a_pod_that_is_well_gets_ready(pods: Kubectl, name: str) -> None:
    pod = pods.until(_is_ready, "pod", name)
    assert pod["status"]["phase"] == "Running"
    assert pod["status"]["podIP"].startswith("198.19.")


@pytest.mark.parametrize(
    ("name", "reason", "message"),
    [
        ("tag", "ErrImagePull", PULL.format("ghcr.io/acme/web:does-not-exist")),
        ("name", "ErrImagePull", PULL.format("acme/missing-web:1")),
        (
            "invalid",
            "InvalidImageName",
            'Failed to apply default image tag "Acme/web app:1": couldn\'t parse image name "Acme/web app:1": '
            "invalid reference format",
        ),
        ("no-key", "CreateContainerConfigError", "couldn't find key does-not-exist in ConfigMap default/settings"),
        ("no-secret-key", "CreateContainerConfigError", "couldn't find key does-not-exist in Secret default/settings"),
    ],
)
def test_a_container_that_cannot_start_says_why(pods: Kubectl, name: str, reason: str, message: str) -> None:
    pod = pods.until(_state, "pod", name)
    waiting = _state(pod)["waiting"]
    if waiting["reason"] == "ImagePullBackOff":  # it goes on between the two
        reason, message = (
            waiting["reason"],
            f'Back-off pulling image "{pod["spec"]["containers"][0]["image"]}": {reason}: {message}',
        )
    assert waiting == {"reason": reason, "message": message}
    assert pod["status"]["phase"] == "Pending"
    assert not _is_ready(pod)
    conditions = {condition["type"]: condition for condition in pod["status"]["conditions"]}
    assert conditions["Ready"]["reason"] == "ContainersNotReady"
    assert conditions["Ready"]["message"] == "containers with unready status: [c0]"


def test_an_image_that_cannot_be_pulled_is_backed_off_from(pods: Kubectl) -> None:
    pod = pods.until(lambda pod: _state(pod).get("waiting", {}).get("reason") == "ImagePullBackOff", "pod", "tag")
    assert "running" in _state(pod, 1)  # the container beside it is well


def test_a_container_that_crashes_is_restarted_later_and_later(pods: Kubectl) -> None:
    pod = pods.until(lambda pod: _state(pod), "pod", "crash")
    status = pod["status"]["containerStatuses"][0]
    assert status["lastState"]["terminated"]["exitCode"] == 1
    assert status["lastState"]["terminated"]["reason"] == "Error"
    assert pod["status"]["phase"] == "Running"
    pod = pods.until(lambda pod: pod["status"]["containerStatuses"][0]["restartCount"] == 2, "pod", "crash", timeout=20)
    uid = pod["metadata"]["uid"]
    assert _state(pod)["waiting"] == {
        "reason": "CrashLoopBackOff",
        "message": f"back-off 20s restarting failed container=c0 pod=crash_default({uid})",
    }


def test_a_container_that_may_not_be_restarted_fails_its_pod(pods: Kubectl) -> None:
    pod = pods.until(lambda pod: pod["status"]["phase"] == "Failed", "pod", "ends")
    assert _state(pod)["terminated"]["exitCode"] == 1


def test_a_slow_container_gets_ready_in_the_end(pods: Kubectl) -> None:
    pod = pods.until(_is_ready, "pod", "slow", timeout=40)
    assert "running" in _state(pod)
    assert _is_ready(pods.get("pod", "slow"))


def test_a_container_that_never_gets_ready_runs(pods: Kubectl) -> None:
    pod = pods.until(_state, "pod", "never")
    assert "running" in _state(pod)
    assert pod["status"]["phase"] == "Running"
    assert not _is_ready(pod)


def test_a_deployment_rolls_out(kubectl: Kubectl) -> None:
    kubectl("create", "deployment", "web", "--image=nginx", "--replicas=3")
    kubectl.until(lambda it: it["status"].get("availableReplicas") == 3, "deployment", "web")


@pytest.mark.parametrize(("image", "condition"), [("tool:1", "Complete"), ("tool:exit-1", "Failed")])
def test_a_job_ends(kubectl: Kubectl, image: str, condition: str) -> None:
    template = {"spec": {"restartPolicy": "Never", "containers": [{"name": "tool", "image": image}]}}
    job = {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": condition.lower()},
        "spec": {"backoffLimit": 0, "template": template},
    }
    kubectl.apply(job)
    kubectl.until(
        lambda it: any(c["type"] == condition and c["status"] == "True" for c in it["status"].get("conditions", ())),
        *("job", condition.lower()),
    )


def test_a_pod_is_deleted(kubectl: Kubectl) -> None:
    kubectl.apply(_pod("short", {"image": "web:never"}))
    kubectl("delete", "pod", "short", "--timeout=10s")


def test_load_balancers_and_ingresses_get_an_address_of_their_own(kubectl: Kubectl) -> None:
    ports = [{"port": 80}]
    kubectl.apply(
        *(
            {
                "apiVersion": "v1",
                "kind": "Service",
                "metadata": {"name": name},
                "spec": {"type": kind, "ports": ports},
            }
            for name, kind in [("one", "LoadBalancer"), ("other", "LoadBalancer"), ("inside", "ClusterIP")]
        ),
        {
            "apiVersion": "networking.k8s.io/v1",
            "kind": "Ingress",
            "metadata": {"name": "site"},
            "spec": {"defaultBackend": {"service": {"name": "one", "port": {"number": 80}}}},
        },
    )
    found = [
        kubectl.until(lambda it: it["status"]["loadBalancer"], kind, name)["status"]["loadBalancer"]["ingress"][0]["ip"]
        for kind, name in [("service", "one"), ("service", "other"), ("ingress", "site")]
    ]
    assert len(set(found)) == 3
    assert kubectl.get("service", "inside")["status"]["loadBalancer"] == {}


def test_a_volume_claim_is_bound(kubectl: Kubectl) -> None:
    claim = {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": "data"},
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}},
    }
    volumes = [{"name": "data", "persistentVolumeClaim": {"claimName": "data"}}]
    kubectl.apply(claim, _pod("store", {"image": "store:1"}, volumes=volumes))
    kubectl.until(lambda it: it["status"]["phase"] == "Bound", "persistentvolumeclaim", "data")
    kubectl.until(_is_ready, "pod", "store")


def test_a_pod_too_large_for_every_node_stays_pending(kubectl: Kubectl) -> None:
    kubectl.apply(_pod("large", {"image": "web:1", "resources": {"requests": {"cpu": "100"}}}))
    pod = kubectl.until(lambda it: it["status"].get("conditions"), "pod", "large")
    assert pod["status"]["conditions"][0]["reason"] == "Unschedulable"
