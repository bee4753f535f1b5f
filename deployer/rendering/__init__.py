"""Files to manifests: which files count, YAML as kubectl reads it, and what an object must have. Pure: no I/O."""
