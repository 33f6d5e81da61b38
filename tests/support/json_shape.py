"""The shape of a JSON document: names and order of fields, and the types of values."""

from typing import Any


def shape_of(value: Any) -> Any:
    """Return the shape of *value*; of a list, that of its first item.

    Objects whose names are data, such as the fields of INFO, have the name "*".
    """
    match value:
        case dict():
            if any(not name.isidentifier() or name in DATA for name in value):
                return {"*": shape_of(next(iter(value.values())))}
            return {name: shape_of(each) for name, each in value.items()}
        case list():
            return [shape_of(each) for each in value[:1]]
    return type(value).__name__


DATA = frozenset({"mail", "orders", "empty", "redis_version"})
