"""One try of forward, in eval and in train mode: does it run, how far does it come, and which lines does it execute?"""

from __future__ import annotations

from torch import nn

from .reach import counted_calls, executed_lines
from .recipe import Namespace, Recipe
from .running import Run, materialise, randomise, says_something
from .values import tensors_in


class Trial:
    """What is known of a try, whether it raised or not."""

    def __init__(self, watched: str) -> None:
        self.watched = watched
        """The file whose lines count."""
        self.lines: set[int] = set()
        self.progress = 0
        """How far it came: lines of the file and calls of modules."""

    def run(self, model: nn.Module, names: Namespace, recipe: Recipe, seed: int) -> None:
        """Raises what forward raises, and ValueError where what comes out says nothing."""
        if any(nn.parameter.is_lazy(parameter) for parameter in model.parameters()):
            materialise(model, names, recipe, seed)
            randomise(model, seed)
        for training in (False, True):
            run = Run(model.train(training), names, recipe, 0, seed)
            try:
                with executed_lines(self.watched, self.lines), counted_calls() as calls:
                    run.forward()
            finally:
                self.progress += len(self.lines) + len(calls)
            if not any(tensor.numel() for tensor in tensors_in(run.results)):
                raise ValueError("there is no number in the output")
            if not says_something(run.results):
                raise ValueError("every number of the output is NaN")
