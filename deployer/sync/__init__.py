"""From manifests to a healthy cluster: order, plan, engine."""
