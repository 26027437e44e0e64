"""Checks that a constructor makes, perhaps earlier than the functional did: is the value known to pass?"""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from typing import Final

from nnconvert.decide.arguments import Unknown

Values = Mapping[str, object]
"""Constructor parameter -> its value; Unknown where the source does not tell."""


def _number(value: object, _: Values) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _probability(value: object, _: Values) -> bool:
    return isinstance(value, int | float) and 0 <= value <= 1


def _positive(value: object, _: Values) -> bool:
    return isinstance(value, int | float) and value > 0


def _all_positive(value: object, values: Values) -> bool:
    return all(_positive(v, values) for v in (value if isinstance(value, tuple | list) else (value,)))


def _shape(value: object, _: Values) -> bool:
    return all(isinstance(v, int) for v in (value if isinstance(value, tuple | list) else (value,)))


def _one_or_two(value: object, _: Values) -> bool:
    return value in (1, 2)


def _number_or_tuple(value: object, values: Values) -> bool:
    if isinstance(value, tuple):
        return all(_number(item, values) for item in value)
    return value is None or _number(value, values)


def _tuple_of_ints(value: object, _: Values) -> bool:
    return isinstance(value, tuple | list) and all(isinstance(item, int) for item in value)


def _ratio(value: object, _: Values) -> bool:
    values = value if isinstance(value, tuple | list) else (value,)
    return value is None or all(isinstance(v, int | float) and 0 < v < 1 for v in values)


def _greater_than_min_val(value: object, values: Values) -> bool:
    low = values.get("min_val")
    return isinstance(value, int | float) and isinstance(low, int | float) and value > low


def _one_of_size_and_ratio(_: object, values: Values) -> bool:
    return (values.get("output_size") is None) != (values.get("output_ratio") is None)


_VALID: Final[Mapping[str, Callable[[object, Values], bool]]] = {
    "all_positive": _all_positive,
    "greater_than_min_val": _greater_than_min_val,
    "number": _number,
    "number_or_tuple": _number_or_tuple,
    "one_of_size_and_ratio": _one_of_size_and_ratio,
    "one_or_two": _one_or_two,
    "positive": _positive,
    "probability": _probability,
    "ratio": _ratio,
    "shape": _shape,
    "tuple_of_ints": _tuple_of_ints,
}
_NEEDS: Final[Mapping[str, tuple[str, ...]]] = {
    "greater_than_min_val": ("min_val",),
    "one_of_size_and_ratio": ("output_size", "output_ratio"),
}
_NUMBERS: Final = frozenset({"float", "int", "int | float", "float | int"})
_ANNOTATIONS: Final[Mapping[str, frozenset[str]]] = {
    "number": _NUMBERS,
    "number_or_tuple": _NUMBERS | {"tuple[int, int]", "tuple[float, float]"},
    "probability": _NUMBERS,
}

CALL_CHECKS_TOO: Final = frozenset({"probability", "shape"})
"""Checks that the functional itself makes: where the call surely runs, it raises as well."""


def is_valid(check: str, name: str, values: Values) -> bool | None:
    """Whether the value passes the check; None where the source does not tell."""
    needed = (values.get(name), *(values.get(other) for other in _NEEDS.get(check, ())))
    if any(isinstance(value, Unknown) for value in needed):
        return None
    return _VALID[check](values.get(name), values)


def annotation_fits(check: str, annotation: ast.expr | None) -> bool:
    """Whether the annotation of a parameter promises a value that passes."""
    return annotation is not None and ast.unparse(annotation).lower() in _ANNOTATIONS.get(check, frozenset())
