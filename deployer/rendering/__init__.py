"""Files to manifests: which files count, YAML as kubectl reads it, and what an object must have.

Pure, but for Kustomize: `kustomize/reach.py` asks for the files that it needs, and `kustomize/build.py` runs it.
"""
