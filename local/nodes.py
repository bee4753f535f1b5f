"""Nodes without machines, and the pods on them: which play along, and which fail as broken pushes do.

kwok plays the kubelet. Its own stages make every pod ready at once, and let the pods of Jobs complete. Ours play the
pods that do not: the last container image in the pod that is named so decides.

| in the manifest | what becomes of the container |
|---|---|
| image tag `does-not-exist`, or an image name beginning with `missing` | ErrImagePull, then ImagePullBackOff |
| an image that is no valid name | InvalidImageName |
| image tag `crash` or `exit-1` | ends with exit code 1: CrashLoopBackOff, or a failed pod with restartPolicy Never |
| image tag `slow` | ready after 20 s |
| image tag `never` | runs, and never gets ready |
| a variable from the key `does-not-exist` of a ConfigMap or Secret | CreateContainerConfigError |

Reasons and messages are the kubelet's (kubernetes/pkg/kubelet, with containerd's errors).
"""

import json
from typing import Any

Stage = dict[str, Any]

NODES = tuple(f"node-{number}" for number in (1, 2, 3))
_SIZE = {"cpu": "32", "memory": "128Gi", "pods": "500"}

# A reference by the grammar of github.com/distribution/reference; anything else is InvalidImageName.
_VALID = (
    r"^(([A-Za-z0-9.-]+|\[[0-9a-fA-F:]+\])(:[0-9]+)?/)?[a-z0-9]+([._/-]+[a-z0-9]+)*"
    r"(:[A-Za-z0-9_][A-Za-z0-9_.-]{0,127})?(@[a-z0-9]+:[0-9a-f]{32,})?$"
)
_IMAGES = {  # mode: what an image's name must match
    "pull": "(^|/)missing[^/]*$|:does-not-exist$",
    "crash": ":(crash|exit-1)$",
    "slow": ":slow$",
    "never": ":never$",
}
_MISSING_KEY = ".env[]?.valueFrom | (.configMapKeyRef, .secretKeyRef)? | select(.key == \"does-not-exist\")"

# jq: how a pod plays, one word. The first container with a part to play decides.
_MODE = f"""
first(
  (.spec.containers[] | (
    (.image | select(test({json.dumps(_VALID)}) | not) | "invalid"),
    {", ".join(f"(.image | select(test({json.dumps(pattern)})) | {json.dumps(mode)})" for mode, pattern in _IMAGES.items())},
    ({_MISSING_KEY} | "config")
  )),
  "well"
)
"""
