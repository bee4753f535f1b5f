"""GitHub through its REST API: a ref's commit, the files at a commit, commit statuses."""
