"""The health of kinds without a rule of their own, by the conventions of kstatus.

https://github.com/kubernetes-sigs/cli-utils/blob/master/pkg/kstatus/README.md
"""

from deployer.cluster.health.status import (
    Health,
    Object,
    condition,
    degraded,
    dig,
    healthy,
    is_true,
    progressing,
    said,
)


def generic(obj: Object) -> Health:
    """Judge by `observedGeneration` and the conditions Reconciling, Stalled and Ready; without them it is Healthy."""
    generation, observed = dig(obj, "metadata", "generation"), dig(obj, "status", "observedGeneration")
    if None not in (generation, observed) and generation != observed:
        return progressing("the latest change has not been seen by its controller yet")
    if is_true(obj, "Reconciling"):
        return progressing(said(condition(obj, "Reconciling")) or "its controller is working on it")
    if is_true(obj, "Stalled"):
        return degraded(said(condition(obj, "Stalled")) or "its controller cannot go on (condition Stalled)")
    ready = condition(obj, "Ready")
    if ready.get("status") == "True":
        return healthy(said(ready) or "it is ready")
    if ready.get("status") in ("False", "Unknown"):
        return progressing(said(ready) or "it is not ready yet")
    return healthy("it exists")
