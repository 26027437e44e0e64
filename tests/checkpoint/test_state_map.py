"""The state map as a file."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conftest import Run
from nnconvert.checkpoint import ModelMap, StateMap
from nnconvert.checkpoint.state_map import dumps, loads, read, write

EXAMPLE = """
{"version": 1, "files": {"models/net.py": {"Net": {"weight": "linear.weight", "bias": "linear.bias"}}},
 "models": {"models.net:Top": {"keys": {"body.0.weight": "body.0.linear.weight"},
                               "order": [["body.0.weight", "head"], ["head", "body.0.linear.weight"]]}}}
"""

KEYS = st.dictionaries(st.text(min_size=1), st.text(min_size=1), max_size=4).filter(
    lambda keys: len(set(keys.values())) == len(keys) and all(old != new for old, new in keys.items())
)


def test_the_documented_example_is_read() -> None:
    found = loads(EXAMPLE)
    assert found.files == {"models/net.py": {"Net": {"weight": "linear.weight", "bias": "linear.bias"}}}
    top = found.models["models.net:Top"]
    assert top.keys == {"body.0.weight": "body.0.linear.weight"}
    assert top.order == (("body.0.weight", "head"), ("head", "body.0.linear.weight"))


def test_what_does_not_change_is_not_written() -> None:
    state_map = StateMap(models={"a:A": ModelMap({"x": "y", "same": "same"}, (("x", "same"), ("same", "y")))})
    assert json.loads(dumps(state_map)) == {
        "version": 1,
        "models": {"a:A": {"keys": {"x": "y"}, "order": [["x", "same"], ["same", "y"]]}},
    }
    assert json.loads(dumps(StateMap())) == {"version": 1}


@given(KEYS, KEYS, st.booleans())
def test_what_is_written_is_read_again(of_class: dict[str, str], of_model: dict[str, str], ordered: bool) -> None:
    order = (tuple(of_model), tuple(reversed(list(of_model.values())))) if ordered else None
    state_map = StateMap(
        {"ä/b.py": {"C": of_class}}, {"b:C": ModelMap(of_model, order, () if ordered else ("\x00new",), ("\x00old",))}
    )
    assert loads(dumps(state_map)) == state_map


def test_a_file_is_replaced_as_a_whole(tmp_path: Path) -> None:
    path = tmp_path / "m.json"
    path.write_text("x" * 100_000)
    path.chmod(0o600)
    state_map = StateMap({"ä.py": {"Net": {"a": "b"}}})
    write(path, state_map)
    assert read(path) == state_map
    assert path.stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    "fields",
    [
        {"keys": {"a": "x", "b": "x"}},
        {"keys": {}, "order": (("a",), ("b",))},
        {"keys": {"a": "b"}, "order": (("a",), ("a",))},
        {"keys": {"a": "b"}, "order": (("a", "b"), ("b", "b"))},
        {"keys": {"a": "b"}, "order": (("a", "b"), ("b",))},
        {"keys": {"a": "b"}, "added": ("b",)},
        {"keys": {"a": "b"}, "removed": ("a",)},
        {"keys": {"a": "b"}, "removed": ("c", "c")},
    ],
)
def test_fields_that_contradict_each_other_are_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        ModelMap(**fields)


MALFORMED = {
    "": "not JSON: Expecting value at line 1, column 1",
    "\xff": "not JSON",
    "[" * 100_000: "nested too deeply",
    "[]": "a state map: must be an object, not a list",
    "{}": "version is None; this nnconvert reads version 1",
    '{"version": 2}': "version is 2",
    '{"version": true}': "version is True",
    '{"version": "1"}': "version is '1'",
    '{"version": 1, "version": 1}': "an object names twice: version",
    '{"version": 1, "model": {}}': "a state map has no model; it has version, files, models",
    '{"version": 1, "files": []}': "files: must be an object, not a list",
    '{"version": 1, "files": {"a.py": null}}': "files, a.py: must be an object, not null",
    '{"version": 1, "files": {"a.py": {"A": "b"}}}': "files, a.py, A: must be an object, not a string",
    '{"version": 1, "files": {"a.py": {"A": {"b": 1}}}}': "'b' must become a key, not 1",
    '{"version": 1, "files": {"a.py": {"A": {"b": ""}}}}': "'b' must become a key, not ''",
    '{"version": 1, "files": {"a.py": {"A": {"b": "d", "c": "d"}}}}': "A: b and c would both become d",
    '{"version": 1, "models": {"a:A": {"keys": {}, "oder": []}}}': "models, a:A has no oder",
    '{"version": 1, "models": {"a:A": {"keys": ["b"]}}}': "models, a:A, keys: must be an object",
    '{"version": 1, "models": {"a:A": {"keys": {"b": "d", "c": "d"}}}}': "b and c would both become d",
    '{"version": 1, "models": {"a:A": {"keys": {"a": "b"}, "order": [["a"]]}}}': "order: must be two lists of names",
    '{"version": 1, "models": {"a:A": {"keys": {"a": "b"}, "order": [["a"], [1]]}}}': "order: must be a list of names",
    '{"version": 1, "models": {"a:A": {"keys": {"a": "b"}, "order": [["a"], ["c"]]}}}': "the same parameters in both",
    '{"version": 1, "models": {"a:A": {"keys": {"a": "b"}, "order": [["a", "a"], ["b", "b"]]}}}': "names twice: a",
    '{"version": 1, "models": {"a:A": {"keys": {"a": "b"}, "added": "c"}}}': "added: must be a list of names",
    '{"version": 1, "models": {"a:A": {"keys": {"a": "b"}, "removed": {}}}}': "removed: must be a list of names",
}


@pytest.mark.parametrize(("text", "words"), MALFORMED.items(), ids=range(len(MALFORMED)))
def test_a_malformed_map_is_a_usage_error(run: Callable[..., Run], project: Path, text: str, words: str) -> None:
    (project / "m.json").write_bytes(text.encode("latin-1"))
    (project / "c.pt").write_bytes(b"never read")
    ended = run("migrate", "c.pt", "--map", "m.json", "--dry-run")
    assert ended.code == 2
    assert ended.err.startswith("nnconvert: m.json: ")
    assert words in ended.err
    assert len(ended.err.splitlines()) == 1
