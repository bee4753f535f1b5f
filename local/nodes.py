"""Nodes without machines, and the pods on them: which play along, and which fail as those of a broken push do.

kwok plays the kubelet. Its own stages make every pod ready at once, and let the pods of Jobs complete. The stages here
play the others. A pod's first container that has a part in this table decides:

| in the manifest | what becomes of the container |
|---|---|
| image tag `does-not-exist`, or an image name that begins with `missing` | ErrImagePull, then ImagePullBackOff |
| an image that is no valid name | InvalidImageName |
| a variable from the key `does-not-exist` of a ConfigMap or Secret | CreateContainerConfigError |
| image tag `crash` or `exit-1` | exit code 1: CrashLoopBackOff, or with restartPolicy Never a failed pod |
| image tag `slow` | ready after 20 s |
| image tag `never` | runs, but never gets ready |

Reasons and messages are those of the kubelet (kubernetes/pkg/kubelet) with containerd.
"""

import json
from collections.abc import Sequence
from typing import Any

Document = dict[str, Any]

_NODES = ("node-1", "node-2", "node-3")
_SIZE = {"cpu": "32", "memory": "128Gi", "pods": "500"}
_SLOW = 20_000  # milliseconds

_PULL = "(^|/)missing[^/]*$|:does-not-exist$"
_CRASH = ":(crash|exit-1)$"
_NEVER = ":never$"
_SLOWLY = ":slow$"
# The grammar of github.com/distribution/reference, which container runtimes follow.
_VALID = (
    r"^([A-Za-z0-9.-]+(:[0-9]+)?/)?[a-z0-9]+([._/-]+[a-z0-9]+)*"
    r"(:[A-Za-z0-9_][A-Za-z0-9_.-]{0,127})?(@[a-z0-9]+:[0-9a-f]{32,})?$"
)

# jq: one word for the part that a pod plays.
_PART = f"""
first((.spec.containers[] | (
  (select(.image | test({json.dumps(_VALID)}) | not) | "invalid"),
  (select(.image | test({json.dumps(_PULL)})) | "pull"),
  (.env[]?.valueFrom | .configMapKeyRef, .secretKeyRef | select(.key == "does-not-exist") | "config"),
  (select(.image | test({json.dumps(_CRASH)})) | "crash"),
  (select(.image | test({json.dumps(_NEVER)})) | "never"),
  (select(.image | test({json.dumps(_SLOWLY)})) | "slow")
)), "well")
"""
# How long the kubelet waits before each restart of a container that fails.
_BACK_OFF = ["10s", "20s", "40s", "1m20s", "2m40s", "5m0s"]
_RESTARTS = "[.status.containerStatuses[]?.restartCount] | max"
_WAITING = ".status.containerStatuses[]?.state.waiting.reason"


def nodes() -> list[Document]:
    """The nodes, as manifests."""
    return [
        {
            "apiVersion": "v1",
            "kind": "Node",
            "metadata": {
                "name": name,
                "labels": {
                    "kubernetes.io/hostname": name,
                    "kubernetes.io/os": "linux",
                    "kubernetes.io/arch": "amd64",
                    "node-role.kubernetes.io/worker": "",
                },
            },
            "status": {"allocatable": _SIZE, "capacity": _SIZE},
        }
        for name in _NODES
    ]


def stages(kwok: Sequence[Document]) -> list[Document]:
    """The stages that nodes and pods go through.

    Args:
        kwok: its own stages, which play the pod that is well.
    """
    named = {stage["metadata"]["name"]: stage for stage in kwok}
    slow = json.loads(json.dumps(named["pod-ready"]))
    slow["metadata"]["name"] = "pod-slow-ready"
    slow["spec"]["delay"] = {"durationMilliseconds": _SLOW}
    return [
        *(stage for name, stage in named.items() if name not in {"pod-ready", "pod-complete"}),
        _only(named["pod-ready"], _is(_PART, "well")),
        _only(named["pod-complete"], _is(_PART, "well", "slow")),
        _only(slow, _is(_PART, "slow"), _is(_WAITING, "ContainerCreating")),
        *_failing_stages(),
    ]


def _only(stage: Document, *when: Document) -> Document:
    """A stage with further conditions."""
    selector = {"matchExpressions": [*stage["spec"]["selector"]["matchExpressions"], *when]}
    return {**stage, "spec": {**stage["spec"], "selector": selector}}


def _failing_stages() -> list[Document]:
    pending = _is(".status.phase", "Pending")
    pulling = f"""{{{{ if regexMatch `{_PULL}` .image }}}}{{{{ $problem = printf `rpc error: code = NotFound desc = failed to \
pull and unpack image "%s": failed to resolve reference "%s": %s: not found` .image .image .image }}}}{{{{ end }}}}"""
    crashing = f"""{{{{ if regexMatch `{_CRASH}` .image }}}}{{{{ $problem = printf "back-off %s restarting failed \
container=%s pod=%s_%s(%s)" (index (list {" ".join(map(json.dumps, _BACK_OFF))}) (min 5 $restarts)) .name \
$pod.metadata.name $pod.metadata.namespace $pod.metadata.uid }}}}{{{{ end }}}}"""
    return [
        _stage("pod-slow", [_is(_PART, "slow"), pending, _is_not(_WAITING, "ContainerCreating")], _waiting(
            f"{{{{ if regexMatch `{_SLOWLY}` .image }}}}{{{{ $problem = ` ` }}}}{{{{ end }}}}", "ContainerCreating", ""
        )),
    ]
