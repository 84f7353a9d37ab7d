"""What Avro schemas themselves are allowed to be, before any record is read with one."""

from typing import Any, Final

MAX_DEPTH: Final = 16
MAX_NODES: Final = 2_000

_NAMED: Final = frozenset({"record", "enum", "fixed", "error"})


class SchemaRefused(ValueError):
    """The schema could make a reader run away, so nothing is read with it."""


def without_logical_types(schema: Any) -> Any:
    """Copy a schema without its logical types and documentation: times become plain integers."""
    if isinstance(schema, list):
        return [without_logical_types(branch) for branch in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        name: value if name == "default" else without_logical_types(value)
        for name, value in schema.items()
        if name not in ("logicalType", "doc")
    }


def full_name(schema: Any) -> str:
    """Return the record's name with its namespace; empty when it is not a record."""
    if not isinstance(schema, dict) or schema.get("type") != "record":
        return ""
    name = str(schema.get("name", ""))
    space = str(schema.get("namespace", ""))
    return f"{space}.{name}" if space and "." not in name else name


def has_mutable_default(schema: Any) -> bool:
    """Say whether a field, at any depth, has a list or a map for its default."""
    if isinstance(schema, list):
        return any(map(has_mutable_default, schema))
    if not isinstance(schema, dict):
        return False
    if isinstance(schema.get("default"), list | dict):
        return True
    parts = (schema.get("type"), schema.get("items"), schema.get("values"), schema.get("fields"))
    return any(map(has_mutable_default, parts))


def bounded(schema: Any) -> None:
    """Refuse a schema by which a short value could cost unbounded time, memory or stack.

    Named types are followed where they are used, so a recursive schema is endlessly deep and a
    nested multiplication of names has too many nodes. Items that take no bytes are refused too:
    an array of them has no length that the input pays for.

    Raises
    ------
    SchemaRefused
        With what is wrong.
    """
    _Walk().least_bytes(schema, "", 0)


class _Walk:
    """Walks a schema as a reader would, counting its nodes."""

    def __init__(self) -> None:
        self._nodes = 0
        self._named: dict[str, tuple[Any, str]] = {}

    def least_bytes(self, schema: Any, space: str, depth: int) -> int:
        """Return the fewest bytes that a value of this schema takes."""
        self._nodes += 1
        if depth > MAX_DEPTH:
            raise SchemaRefused("it is recursive or nested too deeply")
        if self._nodes > MAX_NODES:
            raise SchemaRefused("it has too many parts")
        if isinstance(schema, list):
            return 1 + min((self.least_bytes(s, space, depth + 1) for s in schema), default=0)
        if isinstance(schema, dict):
            return self._complex(schema, space, depth)
        return self._by_name(str(schema), space, depth)

    def _by_name(self, name: str, space: str, depth: int) -> int:
        full = name if "." in name or not space else f"{space}.{name}"
        known = self._named.get(full) or self._named.get(name)
        if known is not None:
            return self.least_bytes(*known, depth + 1)
        return {"null": 0, "float": 4, "double": 8}.get(name, 1)

    def _complex(self, schema: dict[str, Any], space: str, depth: int) -> int:
        kind = schema.get("type")
        if kind in _NAMED:
            space = self._remember(schema, space)
        if kind in ("array", "map"):
            return self._repeated(schema, space, depth)
        if kind in ("record", "error"):
            fields = schema["fields"]
            return sum(self.least_bytes(field["type"], space, depth + 1) for field in fields)
        if kind == "fixed":
            return int(schema["size"])
        return 1 if kind == "enum" else self.least_bytes(kind, space, depth + 1)

    def _remember(self, schema: dict[str, Any], space: str) -> str:
        name = str(schema.get("name", ""))
        own = name.rpartition(".")[0] if "." in name else str(schema.get("namespace", space))
        full = name if "." in name or not own else f"{own}.{name}"
        self._named[full] = (schema, own)
        return own

    def _repeated(self, schema: dict[str, Any], space: str, depth: int) -> int:
        items = schema["items"] if schema["type"] == "array" else schema["values"]
        key_bytes = 0 if schema["type"] == "array" else 1
        if key_bytes + self.least_bytes(items, space, depth + 1) == 0:
            raise SchemaRefused("it repeats items that take no bytes")
        return 1
