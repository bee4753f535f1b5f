"""What Argo CD renders with Kustomize, rendered the same: by kubectl's own, which sees what was checked and no more."""
