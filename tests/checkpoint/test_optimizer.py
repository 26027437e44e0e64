"""Optimizer state, which is stored by the position of parameters."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn as nn

from checkpoint.conftest import Migrate
from checkpoint.nets import described, load, net_keys, net_order, new_net, old_net, train, write_map

Refused = Callable[..., str]
Make = Callable[[Any], torch.optim.Optimizer]

takes_names = pytest.mark.skipif(
    tuple(map(int, torch.__version__.split(".")[:2])) < (2, 6), reason="optimizers of this torch take no names"
)

OPTIMIZERS: dict[str, Make] = {
    "sgd": lambda parameters: torch.optim.SGD(parameters, lr=0.05, momentum=0.9, nesterov=True),
    "adam": lambda parameters: torch.optim.Adam(parameters, lr=0.01, amsgrad=True),
    "adamw": lambda parameters: torch.optim.AdamW(parameters, lr=0.01, foreach=False),
    "adagrad": lambda parameters: torch.optim.Adagrad(parameters, lr=0.05),
}


@pytest.fixture(autouse=True)
def state_map(project: Path) -> Path:
    return write_map(project / "m.json")


def split(model: nn.Module) -> list[dict[str, Any]]:
    """Two groups, as most programs make them: decay for weights of more than one dimension."""
    found = [parameter for _, parameter in model.named_parameters()]
    return [
        {"params": [parameter for parameter in found if parameter.ndim > 1], "weight_decay": 0.1},
        {"params": [parameter for parameter in found if parameter.ndim < 2], "lr": 0.02},
    ]


def checkpoint_of(model: nn.Module, optimizer: torch.optim.Optimizer) -> dict[str, Any]:
    return {"model": model.state_dict(), "optimizer": optimizer.state_dict(), "epoch": 5}


def resumed(model: nn.Module, optimizer: torch.optim.Optimizer, checkpoint: dict[str, Any]) -> dict[str, Any]:
    """The state after five more steps, under the new keys."""
    model.load_state_dict(checkpoint["model"])
    optimizer.load_state_dict(checkpoint["optimizer"])
    return more(model, optimizer)


def more(model: nn.Module, optimizer: torch.optim.Optimizer) -> dict[str, Any]:
    train(model, optimizer, 5, start=5)
    return {net_keys().get(key, key): value.clone() for key, value in model.state_dict().items()}


def equal(left: dict[str, Any], right: dict[str, Any]) -> bool:
    return left.keys() == right.keys() and all(torch.equal(left[key], right[key]) for key in left)


def test_the_order_of_parameters_does_change() -> None:
    old, new = net_order()
    assert [net_keys().get(name, name) for name in old] != new


@pytest.mark.parametrize("make", OPTIMIZERS.values(), ids=OPTIMIZERS)
def test_training_goes_on_bit_for_bit_as_if_nothing_had_been_converted(migrate: Migrate, make: Make) -> None:
    old, new, restored = old_net(), new_net(), old_net()
    optimizer = make(old.parameters())
    train(old, optimizer, 5)
    migrated = migrate(checkpoint_of(old, optimizer))
    back = migrate(migrated, "--reverse")
    expected = more(old, optimizer)
    assert equal(resumed(new, make(new.parameters()), migrated), expected)
    assert equal(resumed(restored, make(restored.parameters()), back), expected)


def test_without_its_state_in_the_new_order_training_would_not_go_on(migrate: Migrate) -> None:
    make = OPTIMIZERS["sgd"]
    old, new = old_net(), new_net()
    optimizer = make(old.parameters())
    train(old, optimizer, 5)
    wrong = {**migrate(checkpoint_of(old, optimizer)), "optimizer": optimizer.state_dict()}
    with pytest.raises(RuntimeError, match=r"size of tensor|broadcast"):
        resumed(new, make(new.parameters()), wrong)


def test_groups_by_patterns(migrate: Migrate, project: Path) -> None:
    make = OPTIMIZERS["adam"]
    old, new = old_net(), new_net()
    optimizer = make(split(old))
    train(old, optimizer, 5)
    (project / "groups.json").write_text('[["body.?.weight", "head.weight"], ["*"]]')
    checkpoint = checkpoint_of(old, optimizer)
    migrated = migrate(checkpoint, "--groups", "groups.json")
    (project / "groups.json").write_text('{"optimizer": [["*.conv.weight", "module.head.weight"], ["*"]]}')
    back = migrate(migrated, "--reverse", "--groups", "groups.json")
    torch.save(checkpoint, project / "first.pt")
    assert described(back) == described(load(project / "first.pt"))
    assert equal(resumed(new, make(split(new)), migrated), more(old, optimizer))


@takes_names
@pytest.mark.parametrize("prefix", ["", "module."])
def test_groups_by_the_names_that_the_optimizer_knows(migrate: Migrate, prefix: str) -> None:
    def named(model: nn.Module) -> list[dict[str, Any]]:
        found = [(prefix + name, parameter) for name, parameter in model.named_parameters()]
        decayed = [pair for pair in found if pair[1].ndim > 1]
        return [{"params": decayed, "weight_decay": 0.1}, {"params": [pair for pair in found if pair[1].ndim < 2]}]

    make = OPTIMIZERS["sgd"]
    old, new = old_net(), new_net()
    optimizer, fresh = make(named(old)), make(named(new))
    train(old, optimizer, 5)
    migrated = migrate(checkpoint_of(old, optimizer))
    expected = [group["param_names"] for group in fresh.state_dict()["param_groups"]]
    assert [group["param_names"] for group in migrated["optimizer"]["param_groups"]] == expected
    assert equal(resumed(new, fresh, migrated), more(old, optimizer))


# -- without running an optimizer ------------------------------------------------------------------------


def state(indices: Iterable[int], groups: list[list[int]], **more: Any) -> dict[str, Any]:
    """What an optimizer without names saves; every entry says whose it is."""
    kept = {index: {"step": torch.tensor(float(index)), "buffer": None} for index in indices}
    return {"state": kept, "param_groups": [{"lr": 0.1, "params": group, **more} for group in groups]}


def owners(optimizer: dict[str, Any]) -> dict[int, int]:
    return {index: int(kept["step"]) for index, kept in optimizer["state"].items()}


SMALL = {"a": "m.a", "b": "m.b"}
SMALL_ORDER = [["a", "b", "c"], ["c", "m.a", "m.b"]]


def small(project: Path, **optimizers: Any) -> dict[str, Any]:
    write_map(project / "m.json", SMALL, SMALL_ORDER)
    model = {"a": torch.ones(1), "b": torch.ones(2), "c": torch.ones(3)}
    return {"model": model, **optimizers}


def test_entries_move_and_indices_stay(migrate: Migrate, project: Path) -> None:
    new = migrate(small(project, optimizer=state([2, 0], [[0, 1, 2]], betas=(0.9, 0.99))))["optimizer"]
    assert owners(new) == {0: 2, 1: 0}  # b has no state, and stands last now
    assert list(new["state"]) == [0, 1]
    assert new["param_groups"] == [{"lr": 0.1, "params": [0, 1, 2], "betas": (0.9, 0.99)}]


def test_lists_of_optimizers_and_what_is_shared(migrate: Migrate, project: Path) -> None:
    one, other = state(range(3), [[0, 1, 2]]), state(range(3), [[5, 4, 3]])
    new = migrate(small(project, optimizers=[one, other], again=one))
    assert owners(new["optimizers"][0]) == {0: 2, 1: 0, 2: 1}
    assert owners(new["optimizers"][1]) == {0: 0, 1: 1, 2: 2}  # of no parameter: kept as they are
    assert new["again"] is new["optimizers"][0]


def test_a_file_with_an_optimizer_and_no_model(migrate: Migrate, refused: Refused, project: Path) -> None:
    checkpoint = small(project)
    new = migrate(state(range(3), [[0, 1, 2]]))
    assert owners(new) == {0: 2, 1: 0, 2: 1}
    models = {"a:A": {"keys": {"x": "y"}, "order": [["x"], ["y"]]}, "b:B": {"keys": SMALL, "order": SMALL_ORDER}}
    (project / "m.json").write_text(json.dumps({"version": 1, "models": models}))
    assert "say with --model NAME" in refused(state(range(3), [[0, 1, 2]]))
    assert owners(migrate(state(range(3), [[0, 1, 2]]), "--model", "B")) == {0: 2, 1: 0, 2: 1}
    assert owners(migrate(dict(checkpoint, o=state(range(3), [[0, 1, 2]])))["o"]) == {0: 2, 1: 0, 2: 1}


def test_nothing_happens_where_the_order_stays(migrate: Migrate, project: Path) -> None:
    checkpoint = small(project, optimizer=state(range(3), [[0, 2], [1]]))
    write_map(project / "m.json", SMALL, [["a", "b", "c"], ["m.a", "m.b", "c"]])
    new = migrate(checkpoint)
    assert described(new["optimizer"]) == described(state(range(3), [[0, 2], [1]]))
    assert list(new["model"]) == ["m.a", "m.b", "c"]


def test_nothing_happens_where_there_is_no_state(migrate: Migrate, project: Path) -> None:
    new = migrate(small(project, optimizer=state([], [[0, 1], [2]])))
    assert described(new["optimizer"]) == described(state([], [[0, 1], [2]]))


def test_names_in_place_of_indices(migrate: Migrate, project: Path) -> None:
    named = {"state": {"a": {"step": 0}, "c": {"step": 2}}, "param_groups": [{"params": ["a", "b"]}, {"params": ["c"]}]}
    new = migrate(small(project, optimizer=named))["optimizer"]
    assert new["state"] == {"m.a": {"step": 0}, "c": {"step": 2}}
    assert [group["params"] for group in new["param_groups"]] == [["m.a", "m.b"], ["c"]]


def test_the_optimizer_of_another_model(migrate: Migrate, refused: Refused, project: Path) -> None:
    other = state(range(2), [[0, 1]])
    named = state(range(2), [[0, 1]], param_names=["fc.weight", "fc.bias"])
    checkpoint = small(project, optimizer=state(range(3), [[0, 1, 2]]), critic=other, named=named)
    assert "critic: the order of parameters changes, and it holds 2 parameters while " in refused(checkpoint)
    new = migrate(checkpoint, "--skip", "critic")
    assert owners(new["optimizer"]) == {0: 2, 1: 0, 2: 1}
    assert described([new["critic"], new["named"]]) == described([other, named])


def test_the_optimizer_whose_model_is_known_by_its_shapes(migrate: Migrate, project: Path) -> None:
    models = {
        "a:G": {"keys": {"g": "m.g"}, "order": [["g", "h"], ["h", "m.g"]]},
        "a:D": {"keys": {"d": "m.d"}, "order": [["d", "e"], ["m.d", "e"]]},
    }
    (project / "m.json").write_text(json.dumps({"version": 1, "models": models}))
    generator = {"g": torch.ones(2), "h": torch.ones(3)}
    critic = {"d": torch.ones(4), "e": torch.ones(5)}
    state_g, state_d = (
        {"state": {i: {"exp_avg": p} for i, p in enumerate(m.values())}, "param_groups": [{"params": [0, 1]}]}
        for m in (generator, critic)
    )
    new = migrate({"G": generator, "D": critic, "opt_d": state_d, "opt_g": state_g})
    assert [new["opt_g"]["state"][i]["exp_avg"].shape[0] for i in (0, 1)] == [3, 2]
    assert [new["opt_d"]["state"][i]["exp_avg"].shape[0] for i in (0, 1)] == [4, 5]


def test_averaged_parameters_in_a_list_are_spoken_of(project: Path, run: Any) -> None:
    checkpoint = small(project, ema={"shadow": [torch.ones(1), torch.ones(2), torch.ones(3)]})
    torch.save(checkpoint, project / "old.pt")
    shown = run("migrate", "old.pt", "--map", "m.json", "-o", "new.pt").err
    assert "left as it is: ema.shadow is a list of 3 tensors, as many as nets:Net has parameters" in shown


def test_the_table_of_the_order(project: Path, run: Any) -> None:
    torch.save(small(project, optimizer=state(range(3), [[0, 1, 2]])), project / "old.pt")
    assert run("migrate", "old.pt", "--map", "m.json", "--dry-run").out.decode().splitlines()[3:] == [
        "optimizer (nets:Net): 3 parameters in 1 group, put into the new order",
        "  group 0, 2 -> 0  c  -> c",
        "  group 0, 0 -> 1  a  -> m.a",
        "  group 0, 1 -> 2  b  -> m.b",
    ]


GROUPS = state(range(3), [[0, 1], [2]])
FITTING = {"state": {0: {"exp_avg": torch.ones(3)}}, "param_groups": [{"params": [0, 1, 2]}]}
LBFGS = {"state": {0: {"old_dirs": [], "prev_flat_grad": torch.ones(6)}}, "param_groups": [{"params": [0, 1, 2]}]}

REFUSED = {
    "groups": (GROUPS, None, "it has 2 groups without param_names, so it does not tell which parameter its state"),
    "count": (state([0], [[0, 1]]), None, "it holds 2 parameters while nets:Net has 3"),
    "shape": (FITTING, None, "optimizer: exp_avg at 0 is 3 and a is 1"),
    "flat": (LBFGS, None, "old_dirs holds all parameters in one flat vector (torch.optim.LBFGS)"),
    "unknown": (state([0], [[0, 1]], param_names=["a", "z"]), None, "nets:Net has no parameter z"),
    "custom": (state([0], [[0, 1, 2]], param_names=["b", "a", "c"]), None, "group 0 does not hold its parameters in"),
    "given order": (GROUPS, [["b", "a"], ["c"]], "group 0 does not hold its parameters in the order of the model"),
    "given count": (GROUPS, [["a"], ["b", "c"]], "--groups gives groups of [1, 2] parameters, and it has [2, 1]"),
    "given twice": (GROUPS, [["a", "b"], ["b"]], "--groups: b names no parameter that is left"),
    "given unknown": (GROUPS, [["a", "z*"], ["c"]], "--groups: z* names no parameter that is left"),
    "given twice over": (
        state([0], [[0, 1, 2]], param_names=["a", "b", "c"]),
        [["*"]],
        "it names its parameters itself",
    ),
    "given elsewhere": (
        GROUPS,
        {"optimiser": [["a", "b"], ["c"]]},
        "names optimiser, and the optimizers are",
    ),
}


@pytest.mark.parametrize(("optimizer", "groups", "words"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_told_is_refused(
    refused: Refused, project: Path, optimizer: Any, groups: Any, words: str
) -> None:
    (project / "groups.json").write_text(json.dumps(groups))
    options = ["--groups", "groups.json"] if groups else []
    assert words in refused(small(project, optimizer=optimizer), *options)


def test_several_optimizers_need_groups_by_their_places(migrate: Migrate, refused: Refused, project: Path) -> None:
    checkpoint = small(project, one=GROUPS, two=[state(range(3), [[0, 1, 2]])])
    (project / "groups.json").write_text('[["a", "b"], ["c"]]')
    line = refused(checkpoint, "--groups", "groups.json")
    assert "it has the optimizers one, two[0]: groups.json must name its own" in line
    (project / "groups.json").write_text('{"one": [["a", "b"], ["c"]]}')
    new = migrate(checkpoint, "--groups", "groups.json")
    assert owners(new["one"]) == {0: 0, 1: 1, 2: 2}
    assert owners(new["two"][0]) == {0: 2, 1: 0, 2: 1}


@pytest.mark.parametrize("text", ["", '"a"', "[1]", "[[1]]", '{"a": ["b"]}', '{"a": [], "a": []}'])
def test_a_malformed_file_of_groups_is_a_usage_error(refused: Refused, project: Path, text: str) -> None:
    (project / "groups.json").write_text(text)
    line = refused(small(project), "--groups", "groups.json", code=2)
    assert line.startswith("nnconvert: groups.json: ")


def test_a_map_without_the_order_moves_no_state(migrate: Migrate, refused: Refused, project: Path) -> None:
    (project / "m.json").write_text(json.dumps({"version": 1, "files": {"a.py": {"Net": SMALL}}}))
    model = {"a": torch.ones(1), "b": torch.ones(2), "c": torch.ones(3)}
    line = refused({"model": model, "optimizer": state(range(3), [[0, 1, 2]])})
    assert "which the state map does not tell for a.py:Net: make the map with verification on" in line
    empty = state([], [[0, 1, 2]], param_names=["a", "b", "c"])
    new = migrate({"model": model, "optimizer": empty})
    assert new["optimizer"]["param_groups"][0]["param_names"] == ["m.a", "m.b", "c"]


def test_the_scheduler_is_not_touched(migrate: Migrate) -> None:
    old = old_net()
    optimizer = OPTIMIZERS["sgd"](old.parameters())
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, 2)
    train(old, optimizer, 1)
    scheduler.step()
    saved = scheduler.state_dict()
    assert described(migrate({**checkpoint_of(old, optimizer), "scheduler": saved})["scheduler"]) == described(saved)
