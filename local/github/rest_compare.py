"""The part of GitHub's REST API that compares two commits.

https://docs.github.com/en/rest/commits/commits#compare-two-commits
"""

from http import HTTPStatus

from flask import Blueprint, Response, jsonify, request

from local.github import documents
from local.github.comparison import MOST_COMMITS, ChangedFile, Comparison, compare
from local.github.conversation import page
from local.github.documents import Document
from local.github.refusal import not_found
from local.github.repository import Repository
from local.github.rest import Reading


class Comparing:
    """The route of comparisons; repositories are found as `Reading` finds them."""

    def __init__(self, base: str, reading: Reading) -> None:
        self._base = base
        self._reading = reading

    def register(self, routes: Blueprint) -> None:
        """Add the route to a blueprint."""
        routes.add_url_rule("/repos/<owner>/<name>/compare/<path:names>", view_func=self.compare)

    def compare(self, owner: str, name: str, names: str) -> tuple[Response, int, dict[str, str]]:
        """Answer `GET …/compare/{base}...{head}`; both are whatever stands for a commit.

        Files are shown on the first page only, and without their patches.
        """
        repository = self._reading.filled(owner, name)
        base, head = (repository.resolve(side) for side in names.partition("...")[::2])
        found = compare(repository, base, head) if base and head else None
        if not found:
            raise not_found()
        paged = {"page", "per_page"} & request.args.keys()
        shown, links = page(found.commits) if paged else (found.commits[-MOST_COMMITS:], {})
        files = found.files if request.args.get("page", 1, int) <= 1 else []
        return jsonify(self._document(repository, names, found, shown, files)), HTTPStatus.OK, links

    def _document(
        self, repository: Repository, names: str, found: Comparison, shown: list[str], files: list[ChangedFile]
    ) -> Document:
        html, api = f"{self._base}/{repository.full_name}", documents.repository_api(self._base, repository)
        compared = f"{html}/compare/{names}"
        base, merge_base, *commits = [
            self._reading.described(repository, commit)
            for commit in repository.read_all([found.base, found.merge_base, *shown])
        ]
        return {
            "url": f"{api}/compare/{names}",
            "html_url": compared,
            "permalink_url": f"{html}/compare/{found.base}...{found.head}",
            "diff_url": f"{compared}.diff",
            "patch_url": f"{compared}.patch",
            "base_commit": base,
            "merge_base_commit": merge_base,
            "status": found.status,
            "ahead_by": len(found.commits),
            "behind_by": found.behind,
            "total_commits": len(found.commits),
            "commits": commits,
            "files": [_file(html, api, found, file) for file in files],
        }


def _file(html: str, api: str, found: Comparison, file: ChangedFile) -> Document:
    commit = found.merge_base if file.status == "removed" else found.head
    return {
        "sha": file.sha,
        "filename": file.path,
        "status": file.status,
        "additions": file.additions,
        "deletions": file.deletions,
        "changes": file.additions + file.deletions,
        "blob_url": f"{html}/blob/{commit}/{file.path}",
        "raw_url": f"{html}/raw/{commit}/{file.path}",
        "contents_url": f"{api}/contents/{file.path}?ref={commit}",
    }
