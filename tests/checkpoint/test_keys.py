"""State_dicts: which are found, what becomes of their keys, and of all that is not a key."""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn as nn
from torch.optim.swa_utils import AveragedModel

from checkpoint.conftest import Migrate
from checkpoint.nets import described, net_keys, new_net, old_net, write_map
from conftest import Run

Refused = Callable[..., str]


@pytest.fixture(autouse=True)
def state_map(project: Path) -> Path:
    return write_map(project / "m.json")


def fits(state_dict: dict[str, Any]) -> bool:
    """Whether the new version takes it, strictly, and it is the old version's."""
    model = new_net()
    model.load_state_dict(state_dict)
    old = old_net().state_dict()
    return all(torch.equal(model.state_dict()[net_keys().get(key, key)], value) for key, value in old.items())


def test_a_state_dict(migrate: Migrate) -> None:
    old = old_net().state_dict()
    new = migrate(old)
    assert fits(new)
    assert type(new) is OrderedDict
    assert list(new) == [net_keys().get(key, key) for key in old]


@pytest.mark.parametrize("keys", [["model"], ["state_dict"], ["nets", "generator"], ["ema", 0, "module"], ["all", 1]])
def test_a_state_dict_in_a_checkpoint(migrate: Migrate, keys: list[Any]) -> None:
    checkpoint: Any = dict(old_net().state_dict())
    for key in reversed(keys):
        checkpoint = [torch.ones(1), checkpoint] if key == 1 else {key: checkpoint, "epoch": 7, "rng": torch.ones(3)}
    new = migrate(checkpoint)
    for key in keys:
        assert key == 1 or (new["epoch"], new["rng"].tolist()) == (7, [1, 1, 1])
        new = new[key]
    assert type(new) is dict
    assert fits(new)


@pytest.mark.parametrize("prefix", ["module.", "_orig_mod.", "module._orig_mod.", "_orig_mod.module."])
def test_the_prefixes_of_wrappers(migrate: Migrate, prefix: str) -> None:
    new = migrate({"model": {prefix + key: value for key, value in old_net().state_dict().items()}})["model"]
    assert all(key.startswith(prefix) for key in new)
    assert fits({key.removeprefix(prefix): value for key, value in new.items()})


def test_wrappers_of_torch(migrate: Migrate) -> None:
    parallel = nn.DataParallel(old_net())
    averaged = AveragedModel(old_net())
    new = migrate([parallel.state_dict(), averaged.state_dict()])
    nn.DataParallel(new_net()).load_state_dict(new[0])
    AveragedModel(new_net()).load_state_dict(new[1])
    assert new[0]._metadata.keys() == parallel.state_dict()._metadata.keys()


def test_a_submodule_that_is_called_module(migrate: Migrate, project: Path) -> None:
    write_map(project / "m.json", {"module.a": "module.b"})
    assert list(migrate({"module.a": torch.ones(1), "c": torch.ones(1)})) == ["module.b", "c"]


def test_everything_else_stays_as_it_is(migrate: Migrate, project: Path) -> None:
    rest = {
        "epoch": 3,
        "best": 0.1 + 0.2,
        "name": "weight",
        "scheduler": {"base_lrs": [0.1, 0.2], "last_epoch": 3, "_step_count": 4},
        "scaler": {"scale": 65536.0, "growth_tracker": 0},
        "rng": torch.get_rng_state(),
        "history": [1, (2.5, None, True), {"weight": [-1, []]}],
        5: torch.Size([2]),
        "other": {"fc.weight": torch.ones(1)},
    }
    new = migrate({"before": "x", "model": old_net().state_dict(), **rest})
    assert list(new) == ["before", "model", *rest]
    torch.save(rest, project / "rest.pt")
    assert described({key: new[key] for key in rest}) == described(torch.load(project / "rest.pt", weights_only=True))


def test_what_is_referred_to_twice_is_one_object_again(migrate: Migrate) -> None:
    state = old_net().state_dict()
    new = migrate({"model": state, "best": {"model": state}, "copy": dict(state)})
    assert new["best"]["model"] is new["model"]
    assert new["copy"]["body.0.conv.weight"] is new["model"]["body.0.conv.weight"]
    assert fits(new["model"])


def test_versions_of_modules_are_kept_and_follow_a_module_that_moves(migrate: Migrate, project: Path) -> None:
    model = nn.ModuleDict({"a": nn.Sequential(nn.BatchNorm1d(2), nn.ReLU()), "b": nn.Linear(2, 2), "c": nn.ReLU()})
    keys = {key: key.replace("a.0", "x.y").replace("b.", "b.linear.") for key in model.state_dict()}
    write_map(project / "m.json", keys)
    old = model.state_dict()
    old._metadata["a.0"]["version"] = 41
    new = migrate(old)
    assert list(new) == list(keys.values())
    # a.0 has become x.y; b has all its keys one level deeper, so b itself is still there.
    assert list(new._metadata) == ["", "a", "x.y", "a.1", "b", "c"]
    assert new._metadata["x.y"] == {"version": 41}


def test_a_module_takes_those_without_keys_along(migrate: Migrate, project: Path) -> None:
    model = nn.ModuleDict({"a": nn.Sequential(nn.Linear(2, 2), nn.ReLU()), "c": nn.ReLU()})
    write_map(project / "m.json", {key: key.replace("a.", "net.z.") for key in model.state_dict()})
    assert list(migrate(model.state_dict())._metadata) == ["", "net.z", "net.z.0", "net.z.1", "c"]


def test_keys_may_change_places(migrate: Migrate, project: Path) -> None:
    write_map(project / "m.json", {"a": "b", "b": "a"}, [["a", "b"], ["b", "a"]])
    new = migrate(OrderedDict(a=torch.zeros(1), b=torch.ones(2)))
    assert [(key, value.tolist()) for key, value in new.items()] == [("b", [0]), ("a", [1, 1])]


def test_a_key_that_the_new_version_alone_has(migrate: Migrate, project: Path) -> None:
    class Norm(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weight, self.bias = nn.Parameter(torch.ones(2)), nn.Parameter(torch.zeros(2))
            self.register_buffer("running_mean", torch.full((2,), 3.0))
            self.register_buffer("running_var", torch.ones(2))

    keys = {key: f"norm.{key}" for key in Norm().state_dict()}
    write_map(project / "m.json", keys, added=["norm.num_batches_tracked"])
    new = nn.ModuleDict({"norm": nn.BatchNorm1d(2)})
    new.load_state_dict(migrate(Norm().state_dict()))
    assert new["norm"].running_mean.tolist() == [3, 3]
    back = migrate({"model": new.state_dict()}, "--reverse")["model"]
    Norm().load_state_dict(back)
    assert list(back) == list(keys)


def test_a_key_that_the_old_version_alone_has(migrate: Migrate, refused: Refused, project: Path) -> None:
    write_map(project / "m.json", {"norm.mean": "mean"}, removed=["norm.count"])
    old = OrderedDict({"norm.mean": torch.ones(2), "norm.count": torch.tensor(5), "x": torch.zeros(1)})
    assert list(migrate(old)) == ["mean", "x"]
    assert list(migrate({"model": migrate(old)}, "--reverse")["model"]) == ["norm.mean", "x"]
    assert "new keys are there already: norm.count" in refused({**old, "mean": old.pop("norm.mean")}, "--reverse")


# -- what does not fit -----------------------------------------------------------------------------------


def without(state: dict[str, Any], *keys: str) -> dict[str, Any]:
    return {key: value for key, value in state.items() if key not in keys}


def test_missing_keys_are_named(refused: Refused) -> None:
    line = refused({"model": without(old_net().state_dict(), "body.1.bias", "head.weight")})
    assert line.startswith("old.pt: model: these keys of nets:Net are missing: body.1.bias, head.weight; ")


def test_unknown_keys_are_named(refused: Refused) -> None:
    line = refused(old_net(3).state_dict())
    assert "nets:Net has no body.2.bias, body.2.weight, " in line


def test_new_keys_that_are_there_already_are_named(refused: Refused) -> None:
    line = refused({"model": {**old_net().state_dict(), "body.0.conv.bias": torch.ones(3)}})
    assert line == "old.pt: model: new keys are there already: body.0.conv.bias\n"


@pytest.mark.parametrize("checkpoint", [{"other": torch.ones(1)}, {}, [], 5, torch.ones(2), {"model": "gone"}])
def test_a_checkpoint_without_the_model(refused: Refused, checkpoint: object) -> None:
    line = refused(checkpoint)
    assert "has the keys that the state map moves: body.0.weight, body.0.bias, " in line


def test_a_checkpoint_that_was_migrated_already(refused: Refused) -> None:
    assert "already has the keys that nets:Net would get" in refused({"model": new_net().state_dict()})
    assert "already has the keys that nets:Net would get" in refused(old_net().state_dict(), "--reverse")


def test_a_map_that_moves_nothing(refused: Refused, project: Path) -> None:
    (project / "m.json").write_text('{"version": 1}')
    assert refused(old_net().state_dict()) == "old.pt: the state map moves no key\n"


def test_another_model_in_the_checkpoint(migrate: Migrate, refused: Refused) -> None:
    critic = {"body.0.weight": torch.ones(1)}
    checkpoint = {"model": old_net().state_dict(), "critic": {"net": critic}, "quiet": {"fc": torch.ones(1)}}
    assert "critic.net: these keys of nets:Net are missing: " in refused(checkpoint)
    new = migrate(checkpoint, "--skip", "critic")
    assert fits(new["model"])
    assert list(new["critic"]["net"]) == list(critic)
    assert "--skip cirtic: it has the state_dict" not in refused(checkpoint, "--skip", "cirtic")
    assert "--skip cirtic: it has model, critic.net, quiet" in refused(checkpoint, "--skip", "cirtic")


def test_keys_below_two_prefixes(refused: Refused, project: Path) -> None:
    write_map(project / "m.json", {"module.a": "module.b"})
    line = refused({"module.a": torch.ones(1), "module.module.a": torch.ones(1)})
    assert "the keys of nets:Net stand there twice, as module.a and as module.module.a" in line


# -- which part of the map -------------------------------------------------------------------------------


def two_models(project: Path, **more: Any) -> None:
    models = {"a:A": {"keys": {"x": "a.x"}}, "b:B": {"keys": {"x": "b.x", "y": "b.y"}}}
    (project / "m.json").write_text(json.dumps({"version": 1, "models": models, **more}))


def test_the_model_whose_keys_all_stand_there(migrate: Migrate, project: Path) -> None:
    two_models(project)
    one, both = torch.ones(1), {"x": torch.ones(1), "y": torch.ones(1)}
    assert list(migrate({"x": one})) == ["a.x"]
    assert list(migrate(both, "--model", "B")) == ["b.x", "b.y"]
    assert list(migrate(both, "--model", "a:A")) == ["a.x", "y"]


def test_several_models_that_fit(refused: Refused, project: Path) -> None:
    two_models(project)
    line = refused({"model": {"x": torch.ones(1), "y": torch.ones(1)}})
    assert line == "old.pt: model: it has all keys of a:A, b:B; say with --model NAME which it is\n"


def test_two_models_in_one_checkpoint(migrate: Migrate, project: Path) -> None:
    models = {"a:G": {"keys": {"g": "l.g"}}, "a:D": {"keys": {"d": "l.d"}}}
    (project / "m.json").write_text(json.dumps({"version": 1, "models": models}))
    checkpoint = {"G": {"g": torch.ones(1)}, "D": {"d": torch.ones(1)}}
    new = migrate(checkpoint)
    assert [list(new["G"]), list(new["D"])] == [["l.g"], ["l.d"]]
    new = migrate(checkpoint, "--model", "D")
    assert [list(new["G"]), list(new["D"])] == [["g"], ["l.d"]]


def test_a_class_that_is_the_whole_model(migrate: Migrate, refused: Refused, project: Path) -> None:
    files = {"a.py": {"Net": {"x": "f.x"}, "A": {"x": "wrong"}}, "b.py": {"Net": {"x": "g.x", "z": "g.z"}}}
    two_models(project, files=files)
    state = {"x": torch.ones(1), "z": torch.ones(1)}
    assert list(migrate(state)) == ["a.x", "z"]  # what an instance showed comes first
    assert list(migrate(state, "--model", "b.py:Net")) == ["g.x", "g.z"]
    assert "--model Net: the state map has a.py:Net, b.py:Net" in refused(state, "--model", "Net", code=2)
    assert "--model C: the state map has a:A, b:B, a.py:Net, a.py:A, b.py:Net" in refused(state, "--model", "C", code=2)
    (project / "m.json").write_text(json.dumps({"version": 1, "files": files}))
    assert "it has all keys of a.py:Net, a.py:A, b.py:Net" in refused(state)
    del files["a.py"]
    (project / "m.json").write_text(json.dumps({"version": 1, "files": files}))
    assert list(migrate({"module.x": torch.ones(1), "module.z": torch.ones(1)})) == ["module.g.x", "module.g.z"]


def test_parts_that_do_the_same_are_one(migrate: Migrate, project: Path) -> None:
    files = {path: {"Net": {"x": "f.x"}} for path in ("a.py", "b.py")}
    (project / "m.json").write_text(json.dumps({"version": 1, "files": files}))
    assert list(migrate({"x": torch.ones(1)})) == ["f.x"]


def test_the_table(run: Callable[..., Run], project: Path) -> None:
    torch.save({"model": old_net().state_dict(), "ema": {"fc": torch.ones(1)}}, project / "old.pt")
    before = (project / "old.pt").read_bytes()
    ended = run("migrate", "old.pt", "--map", "m.json", "--dry-run", "-o", "new.pt")
    assert (ended.code, ended.err) == (0, "")
    assert ended.out.decode().splitlines() == [
        "model (nets:Net): 4 keys renamed",
        "  body.0.weight  -> body.0.conv.weight",
        "  body.0.bias    -> body.0.conv.bias",
        "  body.1.weight  -> body.1.conv.weight",
        "  body.1.bias    -> body.1.conv.bias",
        "left as it is: ema has no key of the state map",
    ]
    assert sorted(path.name for path in project.iterdir()) == ["m.json", "old.pt", "pyproject.toml"]
    assert (project / "old.pt").read_bytes() == before
    assert run("migrate", "old.pt", "--map", "m.json", "-o", "new.pt", "--quiet").err == ""
    shown = run("migrate", "new.pt", "--map", "m.json", "-o", "back.pt", "--reverse").err
    assert shown == "model: 4 keys renamed\nleft as it is: ema has no key of the state map\n"
