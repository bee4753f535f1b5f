"""Git over HTTP, as `git clone` and `git push` speak it, through git's own CGI program.

Only the smart protocol is served (https://git-scm.com/docs/http-protocol), at the three addresses that it needs. There
is no authentication: the server listens on the loopback address only.
"""

import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping
from typing import IO, cast

from flask import Blueprint, Response, abort, redirect, request

from local.github.git import environment
from local.github.repositories import Repositories
from local.github.repository import Ref, Repository

OnPush = Callable[[Repository, Mapping[str, Ref], Mapping[str, Ref]], None]


def blueprint(repositories: Repositories, on_push: OnPush) -> Blueprint:
    """Return the routes; `on_push` gets the repository that a push has changed, and its refs before and after it."""
    routes = Blueprint("git", __name__)

    def repository(owner: str, name: str, service: str) -> Repository:
        # A push makes the repository that it asks for.
        name = name.removesuffix(".git")
        if not repositories.find(owner, name) and (renamed := repositories.moved(owner, name)):
            rest = request.full_path.split("/", 3)[3]
            abort(redirect(f"/{renamed.full_name}.git/{rest}", 301))
        find = repositories.find_or_create if service == "git-receive-pack" else repositories.find
        return find(owner, name) or abort(404, "Repository not found.")

    @routes.get("/<owner>/<name>/info/refs")
    def refs(owner: str, name: str) -> Response:
        return _backend(repository(owner, name, request.args.get("service", "")), "info/refs")

    @routes.post("/<owner>/<name>/git-upload-pack")
    def upload_pack(owner: str, name: str) -> Response:
        return _backend(repository(owner, name, "git-upload-pack"), "git-upload-pack")

    @routes.post("/<owner>/<name>/git-receive-pack")
    def receive_pack(owner: str, name: str) -> Response:
        target = repository(owner, name, "git-receive-pack")
        with target.lock:  # what changes between the two readings is this push's doing
            before = target.refs()
            response = _backend(target, "git-receive-pack")
            response.get_data()  # reads the answer to its end: then the refs have changed
            after = target.refs()
            target.adopt_default_branch()
            target.path.touch()  # tells when it was last pushed to
        on_push(target, before, after)
        return response

    return routes


def _backend(repository: Repository, service: str) -> Response:
    """Run git's CGI program (https://git-scm.com/docs/git-http-backend) for the present request; stream its answer."""
    with tempfile.TemporaryFile() as body:  # a large push needs no memory then, and no thread to feed it
        shutil.copyfileobj(request.stream, body)
        variables = {
            "REQUEST_METHOD": request.method,
            "QUERY_STRING": request.query_string.decode(),
            "CONTENT_TYPE": request.headers.get("Content-Type", ""),
            "CONTENT_LENGTH": str(body.tell()),
            "HTTP_CONTENT_ENCODING": request.headers.get("Content-Encoding", ""),
            "GIT_PROTOCOL": request.headers.get("Git-Protocol", ""),
            "GIT_PROJECT_ROOT": str(repository.path),
            "PATH_INFO": f"/{service}",
            "GIT_HTTP_EXPORT_ALL": "1",
        }
        body.seek(0)
        process = subprocess.Popen(
            ["git", "http-backend"], stdin=body, stdout=subprocess.PIPE, env={**environment(), **variables}
        )
    output = cast(IO[bytes], process.stdout)  # a pipe, as asked for above
    headers = dict(_headers(output))
    status = int(headers.pop("Status", "200" if headers else "500").split(" ")[0])
    return Response(_body(process, output), status, headers)


def _headers(output: IO[bytes]) -> Iterator[tuple[str, str]]:
    while line := output.readline().decode().strip():
        name, _, value = line.partition(": ")
        yield name, value


def _body(process: subprocess.Popen[bytes], output: IO[bytes]) -> Iterator[bytes]:
    try:
        with output:
            while chunk := output.read(65536):
                yield chunk
    finally:
        process.kill()  # does nothing to one that has ended; one whose client has gone would never end
        process.wait()
