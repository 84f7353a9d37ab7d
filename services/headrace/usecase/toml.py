"""Values as one writes them into a charter."""

from typing import Any


def key_as_toml(name: str, value: Any) -> str:
    """Return a key with its value, or what to write under a table's header."""
    tables = value if isinstance(value, list) else [value]
    if not tables or not isinstance(tables[0], dict):
        return f"{name} = {value_as_toml(value)}"
    header = f"[[{name}]]" if isinstance(value, list) else f"[{name}]"
    pairs = ", ".join(f"{key} = {value_as_toml(part)}" for key, part in tables[0].items())
    return f"{header} with {pairs}"


def value_as_toml(value: Any) -> str:
    """Return a value on one line."""
    if isinstance(value, dict):
        pairs = ", ".join(f"{key} = {value_as_toml(part)}" for key, part in value.items())
        return f"{{ {pairs} }}"
    if isinstance(value, list):
        return f"[{', '.join(map(value_as_toml, value))}]"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int):
        return f"{value:_}"
    return f'"{value}"' if isinstance(value, str) else str(value)
