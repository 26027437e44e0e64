"""The rows' checks are those that the constructors make."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from numbers import Real
from typing import Any

import pytest
from torch import nn

from nnconvert.catalog import Pair, pairs

from .installed import is_installed

pytestmark = pytest.mark.filterwarnings("ignore")

Settings = Mapping[str, Any]


def _number(value: Any) -> bool:
    return isinstance(value, Real)


def _ints(value: Any) -> bool:
    return isinstance(value, tuple | list) and all(isinstance(v, int) for v in value)


def _each(value: Any) -> tuple[Any, ...]:
    return tuple(value) if isinstance(value, tuple | list) else (value,)


VALID: dict[str, Callable[[Any, Settings], bool]] = {
    "probability": lambda v, _: _number(v) and 0 <= v <= 1,
    "positive": lambda v, _: _number(v) and v > 0,
    "all_positive": lambda v, _: all(_number(one) and one > 0 for one in _each(v)),
    "greater_than_min_val": lambda v, s: _number(v) and _number(s["min_val"]) and v > s["min_val"],
    "one_of_size_and_ratio": lambda v, s: (v is None) != (s["output_ratio"] is None),
    "ratio": lambda v, _: v is None or (len(_each(v)) > 1 and all(_number(r) and 0 < r < 1 for r in _each(v))),
    "number_or_tuple": lambda v, _: (
        v is None or _number(v) or (isinstance(v, tuple) and all(_number(one) for one in v))
    ),
    "number": lambda v, _: _number(v),
    "one_or_two": lambda v, _: v in (1, 2),
    "tuple_of_ints": lambda v, _: _ints(v),
    "shape": lambda v, _: isinstance(v, int) or _ints(v),
}
"""What each check asks of a value, beside the other settings."""

REQUIRED = {
    "dim": 1,
    "downscale_factor": 2,
    "groups": 2,
    "kernel_size": 2,
    "norm_type": 2,
    "normalized_shape": (3,),
    "output_size": 2,
    "padding": 1,
    "size": 2,
    "threshold": 1,
    "unflattened_size": (1, 2),
    "upscale_factor": 2,
    "value": 0,
}

PROBES = (-1, 0, 0.5, 1, 2, 7.5, True, None, "word", [1, 2], (1, 2), (0.5, 0.75, 0.5), ())


def _settings(pair: Pair) -> dict[str, Any]:
    """Settings that the constructor takes, each with its default or a usual value."""
    found = {
        p.name: REQUIRED[p.name] if p.default is None else eval(p.default, {"__builtins__": {}})
        for p in pair.constructor_signature
    }
    found |= {name: ast.literal_eval(text) for name, text in pair.module_fixed.items()}
    return found | ({"output_size": 2} if pair.module.startswith("Fractional") else {})


def _builds(pair: Pair, settings: Settings) -> bool:
    try:
        getattr(nn, pair.module)(**settings)
    except (AssertionError, TypeError, ValueError):
        return False
    return True


def _probed(pair: Pair) -> set[str]:
    # The old names of Hardtanh's bounds are in no functional.
    return {p.name for p in pair.constructor_signature} - {*pair.state, "min_value", "max_value"}


@pytest.mark.parametrize("pair", [p for p in pairs() if is_installed(p.since)], ids=lambda pair: pair.module)
def test_settings_that_pass_the_checks_build(pair: Pair) -> None:
    usual = _settings(pair)
    assert _builds(pair, usual)
    for name in _probed(pair):
        for probe in PROBES:
            settings = {**usual, name: probe}
            if all(VALID[check](settings[checked], settings) for checked, check in pair.checks.items()):
                assert _builds(pair, settings), settings


@pytest.mark.parametrize(("pair", "name"), [(p, name) for p in pairs() for name in p.checks if is_installed(p.since)])
def test_a_check_is_needed(pair: Pair, name: str) -> None:
    usual = _settings(pair)
    assert not all(_builds(pair, {**usual, name: probe}) for probe in PROBES)
