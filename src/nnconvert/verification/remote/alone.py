"""Classes that are too large to run: found, and traced, without a number of their large tensors."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

import torch
from torch import nn

from .build import RecipeSearch
from .canonical import NotTracedError
from .failure import words
from .graph import UNTRACED, Outcome, trace_class
from .imagined import Construction, construct
from .inputs import Feed
from .planned import check_plan, tree
from .reach import executed_lines, executed_steps
from .recipe import Namespace, Recipe, evaluate_call, seed_everything
from .running import Run
from .said import given
from .state import OWN_NAMES, Names, whole_keys
from .tracing import Built
from .trial import Trial
from .values import map_tensors, tensors_in

UNSEEN = "whether its code asks for the kind of its tensors cannot be seen"


class ImaginedTrial(Trial):
    """Of a model without numbers."""

    def __init__(self, watched: str, construction: Construction) -> None:
        super().__init__(watched)
        self.construction = construction

    def run(self, model: nn.Module, names: Namespace, recipe: Recipe, seed: int) -> None:
        for training in (False, True):
            run = Run(model.train(training), names, recipe, 0, seed)
            with executed_lines(self.watched, self.lines), self.construction.fake:
                run.forward()
            if not any(tensor.numel() for tensor in tensors_in(run.results)):
                raise ValueError("there is no number in the output")


class ImaginedSearch(RecipeSearch):
    """As for others, but nothing is computed: whatever shapes and types allow is taken for a run."""

    construction: Construction

    def build(self, recipe: Recipe) -> tuple[nn.Module, Namespace]:
        model, names, self.construction = construct(self.module, recipe, self.seed)
        return model, names

    def trial(self) -> Trial:
        return ImaginedTrial(self.watched, self.construction)

    def with_second(self, model: nn.Module, names: Namespace, recipe: Recipe, feed: Feed) -> Recipe:
        """A graph is traced from one input."""
        del model, names, feed
        return recipe


def find_imagined(module: ModuleType, cls: type, job: dict[str, Any]) -> Outcome:
    """A recipe and what the old version is by it. Raises NotBuiltError."""
    recipe = ImaginedSearch(module, cls, job, given(module, cls, job)).run()
    model = construct(module, recipe, job["seed"])[0]
    classes = {type(part) for part in model.modules() if type(part).__module__ == module.__name__}
    return {
        "recipe": recipe.as_json(),
        "tree": tree(model),
        "holds": sorted({base.__qualname__ for one in classes for base in one.__mro__}),
        "parameters": sum(parameter.numel() for parameter in model.parameters()),
    }


@dataclass
class Imagined:
    """Builds without numbers for traces, and keeps how that was."""

    made: list[tuple[nn.Module, Construction]] = field(default_factory=list)

    def build(self, module: ModuleType, recipe: Recipe, seed: int, names: Names) -> Built:
        """Its way through the code is held against that of meta tensors, which are of the usual type."""
        del names
        model, namespace, construction = construct(module, recipe, seed)
        self.made.append((model, construction))

        def way() -> set[Any]:
            return _way_of_meta(model, namespace, recipe, seed, str(module.__file__))

        unknown = {storage.data_ptr(): "a tensor of unknown numbers" for storage in construction.unknown}
        return Built(model, namespace, way, executed_steps, unknown)


def _way_of_meta(model: nn.Module, namespace: Namespace, recipe: Recipe, seed: int, path: str) -> set[Any]:
    state = {name: nn.Parameter(_meta(p), requires_grad=p.requires_grad) for name, p in model.named_parameters()}
    state.update((name, _meta(buffer)) for name, buffer in model.named_buffers())
    seed_everything(seed)
    args, kwargs = map_tensors(evaluate_call(recipe.inputs[0], namespace), lambda t: t.detach().to("meta"))
    steps: set[Any] = set()
    drawn = torch.get_rng_state()
    try:
        with executed_steps(path, steps), torch.device("meta"):
            torch.func.functional_call(model, state, args, kwargs)
    except Exception as error:  # the user's code may raise anything
        why = f"{UNSEEN}: {words(error)}"
        raise NotTracedError(why) from error
    finally:
        torch.set_rng_state(drawn)
    return steps


def _meta(tensor: torch.Tensor) -> torch.Tensor:
    return torch.empty_strided(tensor.shape, tensor.stride(), dtype=tensor.dtype, device="meta")


def trace_imagined(
    job: dict[str, Any], module: ModuleType, found: Outcome
) -> tuple[Outcome, nn.Module | None, set[Any]]:
    """As ``trace_class``, with what a caller sees of the model itself, and how its tensors are filled."""
    new, recipe = job["version"].startswith("new"), Recipe.from_json(found["recipe"])
    imagined = Imagined()
    outcome, model, calls = trace_class(module, recipe, job["seed"], OWN_NAMES, job["tracing"], imagined.build)
    if model is None:
        return {**outcome, "raised": outcome["not_proved"].startswith((UNTRACED, UNSEEN))}, None, calls
    if Names(whole_keys(model, job["expected"], module)).change:
        return {"not_proved": "parameters move, and their first values were not computed"}, None, calls
    construction = imagined.made[0][1]
    outcome["construction"] = [*construction.steps, *construction.state(model)]
    outcome["structure"] = [
        ["state_dict keys", list(model.state_dict())],
        ["order of named_parameters", [name for name, _ in model.named_parameters()]],
        ["named_buffers", [name for name, _ in model.named_buffers()]],
    ]
    outcome["problems"] = check_plan(model, found["tree"], job["expected"], module) if new else []
    return outcome, model, calls
