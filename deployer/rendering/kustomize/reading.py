"""YAML as a kustomization reaches it: all within one budget, and what Secrets hold in it is remembered.

Whatever the program is given as YAML was read here before. So it never is the one to quote a text that is none, and
what it quotes else can be masked.
"""

from collections.abc import Iterator
from typing import Any

from deployer.errors import RenderError
from deployer.limits import Limits
from deployer.rendering.documents import decode, read, split
from deployer.rendering.kustomize.text import Text
from deployer.rendering.kustomize.words import secret_texts
from deployer.rendering.loader import Budget


class Reader:
    """Reads the documents of files and texts; `secrets` is what the Secrets in them hold."""

    def __init__(self, limits: Limits) -> None:
        """Begin with nothing."""
        self._budget = Budget(limits)
        self.secrets: set[str] = set()

    def file(self, path: str, content: bytes) -> Iterator[tuple[Any, Text]]:
        """Read a file's documents, each with its own text; those that are empty are left out.

        Like Kustomize, and unlike Argo CD, it reads a `.json` file as YAML. Raises RenderError, with the line.
        """
        text = decode(path, content)
        try:
            values = self.text(text)
        except RenderError as error:
            raise RenderError(f"{path}{error}") from None
        for value, chunk in zip(values, split(text), strict=True):
            if value is not None:
                yield value, Text(path, chunk.text, chunk.line - 1)

    def text(self, text: bytes) -> list[Any]:
        """Read the documents of a text without a name; an empty one is None.

        Raises RenderError, which begins with `, document 1`: what comes before it is up to the caller.
        """
        documents, problem = read("", text, self._budget)
        values = [value for _, value in documents]
        self.secrets.update(secret_texts(values))
        if problem:
            raise problem
        return values
