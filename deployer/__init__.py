"""A push-based GitOps deployer for Kubernetes: README.md has the picture, this package the rooms."""

__version__ = "0.1.0"
