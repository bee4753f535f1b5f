"""What a server keeps of an object that has fields its kind does not know: `Validate=false`. Pure.

A server-side apply refuses such a field whatever is asked for; kubectl's own apply with `--validate=false` drops it.
"""

from collections.abc import Mapping
from typing import Any


def known_fields(desired: Any, kept: Any) -> Any:
    """Return a value without the fields that the server has dropped.

    Args:
        desired: what was sent.
        kept: what the server would make of it, defaults included.
    """
    if isinstance(desired, Mapping) and isinstance(kept, Mapping):
        return {key: known_fields(value, kept[key]) for key, value in desired.items() if key in kept}
    if isinstance(desired, list) and isinstance(kept, list) and len(desired) == len(kept):
        return [known_fields(one, other) for one, other in zip(desired, kept, strict=True)]
    return desired
