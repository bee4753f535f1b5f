"""The part of GitHub's REST API through which a deployer reads a repository.

https://docs.github.com/en/rest/git, https://docs.github.com/en/rest/commits/commits and
https://docs.github.com/en/rest/repos/repos; under `/api/v3`, as GitHub Enterprise Server has it.
"""

import base64
import json
from http import HTTPStatus

from flask import Blueprint, Response, jsonify, request

from local.github import documents
from local.github.conversation import wanted_form
from local.github.documents import Document
from local.github.git import SHA
from local.github.lag import Lag
from local.github.objects import parse_commit, parse_tag
from local.github.refusal import RefusedError, no_commit, not_found
from local.github.repositories import Repositories
from local.github.repository import GitObject, Ref, Repository, TreeEntry
from local.github.signers import Signers

# https://docs.github.com/en/rest/git/trees#get-a-tree; the bytes are those of what `git ls-tree` says
# (https://github.community/t/github-get-tree-api-limits-and-recursivity/1300).
MOST_TREE_ENTRIES = 100_000
MOST_TREE_BYTES = 7_000_000

_BASE64_LINE = 45  # bytes, which make the 60 letters of GitHub's lines


class Reading:
    """The routes that read: each takes the names in its path, and answers or raises a `RefusedError`.

    `most_tree_entries` and `most_tree_bytes` are what a recursive listing of a tree holds at most; they may be changed
    at any time.
    """

    def __init__(self, base: str, repositories: Repositories, lag: Lag, signers: Signers) -> None:
        self._base = base
        self._repositories = repositories
        self._lag = lag
        self._signers = signers
        self.most_tree_entries = MOST_TREE_ENTRIES
        self.most_tree_bytes = MOST_TREE_BYTES

    def register(self, routes: Blueprint) -> None:
        """Add the routes to a blueprint."""
        one = "/repos/<owner>/<name>"
        routes.add_url_rule(one, view_func=self.repository)
        routes.add_url_rule(f"{one}/git/ref/<path:ref>", view_func=self.ref)
        routes.add_url_rule(f"{one}/git/matching-refs/<path:ref>", view_func=self.matching_refs)
        routes.add_url_rule(f"{one}/git/tags/<sha>", view_func=self.tag)
        routes.add_url_rule(f"{one}/git/commits/<sha>", view_func=self.git_commit)
        routes.add_url_rule(f"{one}/git/trees/<path:tree>", view_func=self.tree)
        routes.add_url_rule(f"{one}/git/blobs/<sha>", view_func=self.blob)
        routes.add_url_rule(f"{one}/commits/<path:ref>", view_func=self.commit)

    def repository(self, owner: str, name: str) -> Response:
        """Answer `GET /repos/{owner}/{repo}`."""
        return jsonify(documents.full_repository(self._base, self.found(owner, name)))

    def ref(self, owner: str, name: str, ref: str) -> Response:
        """Answer `GET …/git/ref/{ref}`, where the ref is `heads/…` or `tags/…`, and must match whole."""
        repository = self.filled(owner, name)
        full = f"refs/{ref}"
        target = repository.refs().get(full)
        if not target:
            raise not_found()
        return jsonify(_ref(documents.repository_api(self._base, repository), full, target))

    def matching_refs(self, owner: str, name: str, ref: str) -> Response:
        """Answer `GET …/git/matching-refs/{ref}`: all that begin so, on one page however many they are.

        https://github.com/github/docs/issues/3863
        """
        repository = self.filled(owner, name)
        api = documents.repository_api(self._base, repository)
        refs = sorted(repository.refs().items())
        return jsonify([_ref(api, full, target) for full, target in refs if full.startswith(f"refs/{ref}")])

    def tag(self, owner: str, name: str, sha: str) -> Response:
        """Answer `GET …/git/tags/{tag_sha}`: an annotated tag's own object."""
        repository, tag = self._object(owner, name, sha, "tag")
        return jsonify(documents.git_tag(self._base, repository, parse_tag(tag)))

    def git_commit(self, owner: str, name: str, sha: str) -> Response:
        """Answer `GET …/git/commits/{commit_sha}`."""
        repository, commit = self._object(owner, name, sha, "commit")
        verification = self._signers.verify(repository, commit)
        return jsonify(documents.git_commit(self._base, repository, parse_commit(commit), verification))

    def blob(self, owner: str, name: str, sha: str) -> Response:
        """Answer `GET …/git/blobs/{file_sha}`, as base64 in JSON or as the bytes themselves."""
        repository, blob = self._object(owner, name, sha, "blob")
        if wanted_form() == "raw":
            return Response(blob.data, content_type="application/vnd.github.raw+json; charset=utf-8")
        lines = range(0, len(blob.data), _BASE64_LINE)
        return jsonify(
            {
                "sha": sha,
                "node_id": documents.node_id("Blob", sha),
                "size": len(blob.data),
                "url": f"{documents.repository_api(self._base, repository)}/git/blobs/{sha}",
                "content": "".join(base64.b64encode(blob.data[i : i + _BASE64_LINE]).decode() + "\n" for i in lines),
                "encoding": "base64",
            }
        )

    def tree(self, owner: str, name: str, tree: str) -> Response:
        """Answer `GET …/git/trees/{tree_sha}`; a ref or a commit stands for its tree, and any `recursive` means yes."""
        repository = self.filled(owner, name)
        sha = repository.resolve(tree) or repository.peel(tree, "tree")
        if not sha:
            raise not_found()
        recursive, api = "recursive" in request.args, documents.repository_api(self._base, repository)
        listed: list[str] = []
        size, truncated = 0, False
        for entry in repository.tree(sha, recursive=recursive):
            size += len(f"{entry.mode} {entry.type} {entry.sha}\t{entry.path}\n".encode())
            truncated = recursive and (len(listed) == self.most_tree_entries or size > self.most_tree_bytes)
            if truncated:
                break
            listed.append(_written(_tree_entry(api, entry)))
        rest = _written({"sha": sha, "url": f"{api}/git/trees/{sha}", "truncated": truncated})
        return Response(f'{rest[:-1]},"tree":[{",".join(listed)}]}}', content_type="application/json")

    def commit(self, owner: str, name: str, ref: str) -> Response:
        """Answer `GET …/commits/{ref}`, or with the bare SHA where the client accepts `application/vnd.github.sha`."""
        repository = self.filled(owner, name)
        sha = repository.resolve(ref)
        commit = repository.read(sha) if sha else None
        if not commit:
            raise no_commit(ref)
        if wanted_form() == "sha":
            return Response(commit.sha, content_type="application/vnd.github.sha; charset=utf-8")
        return jsonify(self.described(repository, commit))

    def described(self, repository: Repository, commit: GitObject) -> Document:
        """Describe a commit as `GET …/commits/{ref}` does."""
        verification = self._signers.verify(repository, commit)
        return documents.full_commit(self._base, repository, parse_commit(commit), verification)

    def found(self, owner: str, name: str) -> Repository:
        """Return a repository that exists."""
        repository = self._repositories.find(owner, name)
        if not repository:
            raise not_found()
        return self._lag.view(repository)

    def filled(self, owner: str, name: str) -> Repository:
        """Return a repository that has commits."""
        repository = self.found(owner, name)
        if not repository.refs():
            raise RefusedError(HTTPStatus.CONFLICT, "Git Repository is empty.")
        return repository

    def _object(self, owner: str, name: str, sha: str, kind: str) -> tuple[Repository, GitObject]:
        repository = self.found(owner, name)
        found = repository.read(sha)
        if found and found.type == kind:
            return repository, found
        self.filled(owner, name)  # or that is what is wrong
        if not SHA.fullmatch(sha):
            message = "The sha parameter must be exactly 40 characters and contain only [0-9a-f]."
            raise RefusedError(HTTPStatus.UNPROCESSABLE_ENTITY, message)
        raise not_found()


def _ref(api: str, full: str, target: Ref) -> Document:
    """Describe a ref."""
    pointer = documents.git_object(api, target.sha, target.type)
    return {"ref": full, "node_id": documents.node_id("Ref", full), "url": f"{api}/git/{full}", "object": pointer}


def _written(document: Document) -> str:
    return json.dumps(document, separators=(",", ":"))


def _tree_entry(api: str, entry: TreeEntry) -> Document:
    """Describe one entry; only a blob has a size, and a submodule is in another repository."""
    described = {"path": entry.path, "mode": entry.mode, "type": entry.type, "sha": entry.sha}
    size = {} if entry.size is None else {"size": entry.size}
    address = {} if entry.type == "commit" else {"url": f"{api}/git/{entry.type}s/{entry.sha}"}
    return {**described, **size, **address}
