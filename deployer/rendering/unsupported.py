"""What Argo CD, Helm and Flux read from a manifest's annotations, and is not supported yet.

It is refused by its name and never ignored: a migration hook that is deployed as a plain Job would be worse than an
error. A value that happens to ask for nothing is refused too, so that the rule stays one sentence.
"""

import re

from deployer.errors import RenderError
from deployer.manifest import Manifest

_UNSUPPORTED = re.compile(
    # All of Argo CD's but those that ask for nothing, so that a hook with a typo is no plain Job either.
    r"argocd\.argoproj\.io/(?!(tracking-id|instance|refresh|deletion-approved)$).*"
    r"|helm\.sh/(hook.*|resource-policy)"
    r"|kustomize\.toolkit\.fluxcd\.io/(ssa|force|prune|reconcile)"
)
# What is read from a live object that left Git, so a manifest may say it; as an annotation only.
_SUPPORTED = {
    "argocd.argoproj.io/sync-options": ("Prune=true", "Prune=false", "Prune=confirm"),
    "helm.sh/resource-policy": ("keep",),
}
# KEP-3659: what makes an object a member of an inventory, or an inventory itself.
_INVENTORY = "applyset.kubernetes.io/"


def refuse_unsupported(manifest: Manifest) -> None:
    """Raise RenderError where an annotation or label asks for what is not supported yet, or claims an inventory.

    Labels count because Flux reads its settings from both.
    """
    metadata = manifest.body["metadata"]
    for field in ("annotations", "labels"):
        for name, value in (metadata.get(field) or {}).items():
            where = f"{manifest.place}: {manifest.key}: metadata.{field}: {name}"
            if field == "annotations" and name in _SUPPORTED:
                allowed = _SUPPORTED[name]
                if value not in allowed:
                    told = f"{where}: {value!r} is not supported yet; allowed: {', '.join(allowed)}"
                    raise RenderError(told)
            elif _UNSUPPORTED.fullmatch(name):
                raise RenderError(f"{where} is not supported yet; remove it, or leave the object out")
            if name.startswith(_INVENTORY):
                raise RenderError(f"{where} is reserved for the inventories of deployers; remove it")
