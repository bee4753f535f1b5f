"""The schemas of the Terraform providers that `terraform/` uses, read from packages that PyPI has.

The real providers are at registry.terraform.io, which a test must not need. CDK Terrain publishes each provider on PyPI
as a package of generated code (`cdktn-provider-google` and so on, pinned in requirements-terraform.txt). Its JavaScript
names every argument and block with its type, and says which are required, optional or computed; its documentation lists
the values that many arguments may have. Nothing of it runs: it is text, read with regular expressions.
"""

import importlib.metadata
import json
import os
import re
import sys
import tarfile
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

_CACHE = Path(sys.prefix) / "terraform"  # reading a package takes a second or two: once, in .venv

_CLASS = re.compile(r"^class (\w+) extends cdktn\.\w+ \{\n(.*?)^\}", re.DOTALL | re.MULTILINE)
_HCL_FUNCTION = re.compile(r"^function (\w+)ToHclTerraform\(struct\) \{\n(.*?)^\}", re.DOTALL | re.MULTILINE)
_TYPE_NAME = re.compile(r'static tfResourceType = "(\w+)"')
# One argument, block or computed attribute, and the code that reads it.
_MEMBER = re.compile(
    r"^    // (\w+) - computed: (\w+), optional: (\w+), required: (\w+)\n(.*?)(?=^    // |\Z)", re.DOTALL | re.MULTILINE
)
_NESTED = re.compile(r"new (?:\w+\.)?(\w+?)(OutputReference|List)\(this, \"\w+\"(?:, (true|false))?\)")
# What may be written: name, whether it is a block, and its type in two words, such as "list" and "stringList".
_WRITABLE = re.compile(r'(\w+): \{\s*value: .*\n\s*isBlock: (\w+),\s*type: "(\w+)",\s*storageClassType: "(\w+)"')
_SCALARS = {"string": "string", "number": "number", "boolean": "bool"}
_INTERFACE = re.compile(r"^export interface (\w+) .*?\{\n(.*?)^\}", re.DOTALL | re.MULTILINE)
_COMMENT = re.compile(r"/\*\*(.*?)\*/", re.DOTALL)
_VALUES = re.compile(r"Possible values: \[(.*?)\].*#(\w+) ", re.DOTALL)


@dataclass(frozen=True)
class Attribute:
    """An argument or a computed attribute; `type` as Terraform's JSON writes types, `values` empty: any will do."""

    type: Any
    required: bool = False
    optional: bool = False
    computed: bool = False
    values: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Block:
    """What stands between a pair of braces."""

    attributes: dict[str, Attribute]
    blocks: dict[str, "Nested"]


@dataclass(frozen=True)
class Nested:
    """A block inside another; `maximum` 0 is no limit."""

    nesting: Literal["list", "set", "single"]
    minimum: int
    maximum: int
    block: Block


def read_schemas(provider: str, kinds: Iterable[str]) -> dict[str, Block]:
    """The schemas of one provider that its package has.

    Args:
        provider: "google", "archive" or "time".
        kinds: such as "provider google", "resource google_pubsub_topic" and "data google_project".

    Returns:
        kind → schema; a kind that the package does not know is left out, as Terraform itself shall complain of it.

    Raises:
        importlib.metadata.PackageNotFoundError: the package is not installed; `make test` does that.
    """
    package = importlib.metadata.distribution(f"cdktn-provider-{provider}")
    reader = zlib.crc32(Path(__file__).read_bytes())  # a cache that another version of this file wrote says nothing
    cache = _CACHE / f"{provider}-{package.version}-{reader:08x}.json"
    known: dict[str, Any] = json.loads(cache.read_text()) if cache.exists() else {}
    wanted = set(kinds)
    if new := wanted - known.keys():
        archive = next(path for path in package.files or [] if path.name.endswith(".jsii.tgz"))
        known |= dict.fromkeys(new) | {kind: asdict(block) for kind, block in _search(Path(archive.locate()), new)}
        cache.parent.mkdir(exist_ok=True)
        draft = cache.with_suffix(f".{os.getpid()}")  # another process may read the cache at this moment
        draft.write_text(json.dumps(known))
        draft.replace(cache)
    return {kind: _block(known[kind]) for kind in sorted(wanted) if known[kind]}


def _search(archive: Path, wanted: set[str]) -> Iterator[tuple[str, Block]]:
    """The wanted kinds and their schemas; each has a folder of its own in the archive."""
    folders: dict[str, dict[str, str]] = {}
    with tarfile.open(archive) as tar:
        for member in tar:
            file = tar.extractfile(member) if member.name.endswith((".js", ".d.ts")) else None
            if file and member.name.count("/") > 2:
                _, _, folder, path = member.name.split("/", 3)
                folders.setdefault(folder, {})[path] = file.read().decode()
    for folder, files in folders.items():
        code = "\n".join(text for path, text in files.items() if path.endswith(".js"))
        if name := _TYPE_NAME.search(code):
            prefix = (
                "provider"
                if folder == "provider"
                else "data"
                if "extends cdktn.TerraformDataSource" in code
                else "resource"
            )
            if (kind := f"{prefix} {name[1]}") in wanted:
                yield kind, _parse(code, "\n".join(text for path, text in files.items() if path.endswith(".d.ts")))


def _parse(code: str, documentation: str) -> Block:
    classes: dict[str, str] = dict(_CLASS.findall(code))
    functions: dict[str, str] = dict(_HCL_FUNCTION.findall(code))
    possible = {name: dict(_possible_values(body)) for name, body in _INTERFACE.findall(documentation)}

    def parse(body: str, writable_body: str, values: dict[str, list[str]]) -> Block:
        writable = {name: (is_block == "true", *types) for name, is_block, *types in _WRITABLE.findall(writable_body)}
        attributes, blocks = {}, {}
        for name, computed, optional, required, getter in _MEMBER.findall(body):
            is_block, collection, element = writable.get(name, (False, "", ""))
            nested = _NESTED.search(getter)
            inner = parse_struct(nested[1]) if nested else None
            if is_block and nested and inner:
                nesting: Any = "single" if collection == "struct" else collection
                maximum = 1 if nested[2] == "OutputReference" and nesting != "single" else 0
                blocks[name] = Nested(nesting, int(required == "true"), maximum, inner)
            elif not is_block:  # else: a block of the provider itself, which its package says little of
                kind: Any
                if nested and inner:
                    kind = ["set" if nested[3] == "true" else "list", _object(inner)]
                else:
                    kind = _written(collection, element) if name in writable else _computed(getter)
                attributes[name] = Attribute(
                    kind, required == "true", optional == "true", computed == "true", values.get(name, [])
                )
        return Block(attributes, blocks)

    def parse_struct(name: str) -> Block:
        function = name[0].lower() + name[1:]
        return parse(classes[f"{name}OutputReference"], functions.get(function, ""), possible.get(name, {}))

    top, body = next((name, body) for name, body in classes.items() if "static tfResourceType" in body)
    return parse(body, body, possible.get(f"{top}Config", {}))


def _written(collection: str, element: str) -> Any:
    """The type of an argument, from "simple" and "string", or "set" and "stringList", and so on."""
    scalar = next(ours for theirs, ours in _SCALARS.items() if element.startswith(theirs))
    return scalar if collection == "simple" else [collection, scalar]


def _computed(getter: str) -> Any:
    """The type of an attribute that cannot be written, from the code that reads it."""
    if "new cdktn.StringMap(" in getter:
        return ["map", "string"]
    if match := re.search(r"(tolist\(this\.)?get(String|Number|Boolean)?(List|Map)?Attribute\(", getter):
        scalar = _SCALARS[(match[2] or "String").lower()]
        return ["set" if match[1] else match[3].lower(), scalar] if match[3] else scalar
    raise ValueError(f"an attribute of a form that tests/terraform/schemas.py does not know yet: {getter}")


def _object(block: Block) -> Any:
    return ["object", {name: attribute.type for name, attribute in block.attributes.items()}]


def _possible_values(interface: str) -> Iterator[tuple[str, list[str]]]:
    for comment in _COMMENT.findall(interface):
        if found := _VALUES.search(comment):
            yield found[2], re.findall(r'"([^"]*)"', found[1])


def _block(known: dict[str, Any]) -> Block:
    """What `asdict` made of a block, as a block again."""
    return Block(
        {name: Attribute(**attribute) for name, attribute in known["attributes"].items()},
        {name: Nested(**{**nested, "block": _block(nested["block"])}) for name, nested in known["blocks"].items()},
    )
