"""How much the files of one application may ask for: each limit stops files that would otherwise eat the process."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """The limits of one rendering, all its files together; each is a setting, `DEPLOYER_MAX_…`.

    `total_bytes` counts the manifest files, with the text that aliases stand for; the default is Argo CD's. `nodes`
    counts every key, value and anchor, with what an alias stands for every time. `depth` is how many lists and
    mappings may stand inside each other; more than 150 may be more than the process can read, which is an error, too.

    With the defaults, no files take 200 MB of memory. kube-prometheus has 5.6 MB with 95 documents, 102,000 nodes and
    27 levels.
    """

    total_bytes: int = 10_000_000
    files: int = 2_000
    documents: int = 10_000
    objects: int = 10_000
    nodes: int = 500_000
    depth: int = 100


DEFAULT_LIMITS = Limits()
DEEPEST = 150
"""The most that `depth` may be: Python's own stack ends at some 200."""


def exceeded(what: str, setting: str) -> str:
    """Say what is over a limit, and what to do: `setting` is the end of the limit's name."""
    return f"{what}; split the application, or raise DEPLOYER_MAX_{setting}"
