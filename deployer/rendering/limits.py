"""How much the files of one rendering may ask for: each limit stops a file that would otherwise eat the process."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """The limits of one rendering.

    `total_bytes` counts the manifest files together, as in Argo CD, whose default it is; `nodes` counts every key and
    value, those that an alias stands for every time; `depth` is how many lists and mappings may stand inside each
    other.
    """

    total_bytes: int = 10_000_000
    documents: int = 10_000
    objects: int = 10_000
    nodes: int = 1_000_000
    depth: int = 100


DEFAULT_LIMITS = Limits()
