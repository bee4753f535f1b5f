"""Plays the load balancer: stages for kwok that give Services of that type, and Ingresses, an address."""

from typing import Any

# RFC 2544 keeps 198.18.0.0/15 for tests inside one network, so that nothing here can reach a real machine.
# The upper half of 198.19.0.0/16 is ours; which address is the object's own, by its uid.
_ADDRESS = "{{ $n := .metadata.uid | adler32sum | atoi }}198.19.{{ add 128 (mod (div $n 254) 128) }}.{{ add 1 (mod $n 254) }}"


def stages() -> list[dict[str, Any]]:
    """The stages, as kwok's documents."""
    of_type = {"key": ".spec.type", "operator": "In", "values": ["LoadBalancer"]}
    return [_stage("v1", "Service", [of_type]), _stage("networking.k8s.io/v1", "Ingress", [])]


def _stage(group: str, kind: str, when: list[dict[str, Any]]) -> dict[str, Any]:
    template = f'loadBalancer: {{ingress: [{{ip: "{_ADDRESS}"}}]}}'
    return {
        "apiVersion": "kwok.x-k8s.io/v1alpha1",
        "kind": "Stage",
        "metadata": {"name": f"{kind.lower()}-address"},
        "spec": {
            "resourceRef": {"apiGroup": group, "kind": kind},
            "selector": {
                "matchExpressions": [*when, {"key": ".status.loadBalancer.ingress", "operator": "DoesNotExist"}]
            },
            "steps": [{"patch": {"root": "status", "subresource": "status", "template": template}}],
        },
    }
