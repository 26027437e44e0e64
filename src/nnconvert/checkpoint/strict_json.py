"""JSON with errors in words for people, and without what the json module lets pass."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from typing import Any

from nnconvert.checkpoint.errors import listed


def loads(text: str | bytes) -> Any:
    """The value of a JSON text. Raises ValueError, also where an object has a name twice."""
    try:
        return json.loads(text, object_pairs_hook=_object)
    except json.JSONDecodeError as error:
        raise ValueError(f"not JSON: {error.msg} at line {error.lineno}, column {error.colno}") from None
    except UnicodeDecodeError:
        raise ValueError("not JSON: it is no text") from None
    except RecursionError:
        raise ValueError("not readable: it is nested too deeply") from None


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    twice = repeated(name for name, _ in pairs)
    if twice:
        raise ValueError(f"an object names twice: {listed(twice)}")
    return dict(pairs)


def repeated(names: Iterable[str]) -> list[str]:
    """The names that come more than once."""
    return [name for name, count in Counter(names).items() if count > 1]
