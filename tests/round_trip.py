"""Converting there and back through the public door, and executing every version."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from tests.helpers import bits, load, run
from tests.same_source import assert_same

from nnconvert.api import Options, convert_source
from nnconvert.plan import Direction, Leave, Plan

_BACK: dict[Direction, Direction] = {"to-module": "to-functional", "to-functional": "to-module"}


@dataclass(frozen=True)
class Trip:
    """A source, what it became, and what that became in the other direction."""

    source: str
    there: str
    back: str
    plan: Plan
    back_plan: Plan

    @property
    def texts(self) -> tuple[str, str, str]:
        return self.source, self.there, self.back


def convert(source: str, direction: Direction, **options: Any) -> tuple[str, Plan]:
    """The converted text and the plan."""
    result = convert_source(source.encode(), Options(direction, **options))
    assert not result.error
    assert result.plan is not None
    return result.new.decode(), result.plan


def left(plan: Plan) -> Counter[str]:
    """How many sites are left for each reason."""
    return Counter(d.outcome.code for d in plan.left if isinstance(d.outcome, Leave))


def there_and_back(source: str, direction: Direction, **options: Any) -> Trip:
    there, plan = convert(source, direction, **options)
    back, back_plan = convert(there, _BACK[direction], **options)
    return Trip(source, there, back, plan, back_plan)


def functionals_come_back(source: str, **options: Any) -> Trip:
    """What ``--to-module`` registers goes again, and nothing else differs from the source without its submodules."""
    trip = there_and_back(source, "to-module", **options)
    registered = {(plan.class_name, r.name) for plan in trip.plan.classes for r in plan.registrations}
    assert registered <= {(retired.class_name, retired.name) for retired in trip.back_plan.retired}, trip.back_plan.left
    assert_same(trip.back, convert(source, "to-functional", **options)[0])
    return trip


def submodules_come_back(source: str, reasons: Collection[str] = (), **options: Any) -> Trip:
    """Every functional that ``--to-functional`` writes has a submodule again, which goes again to the same text.

    But for those that stay for one of ``reasons``.
    """
    trip = there_and_back(source, "to-functional", **options)
    written_before = left(convert(source, "to-module", **options)[1])
    assert (left(trip.back_plan) - written_before).keys() <= set(reasons), trip.back_plan.left
    assert_same(convert(trip.back, "to-functional", **options)[0], trip.there)
    return trip


# -- execution -----------------------------------------------------------------------------------------------


def execute_the_same(texts: Sequence[str], class_name: str, args: str, inputs: str) -> None:
    """All versions build the same state from the same random numbers, and do the same in both modes."""
    first, *others = (_executed(text, class_name, args, inputs) for text in texts)
    for other in others:
        assert other == first


def _executed(text: str, class_name: str, args: str, inputs: str) -> list[object]:
    torch.manual_seed(3)
    model = eval(f"{class_name}({args})", load(text))
    state = [(key, bits(value)) for key, value in model.state_dict().items()]
    parameters = [name for name, _ in model.named_parameters()]
    seen: list[object] = [state, parameters, bits(torch.get_rng_state())]
    for training in (True, False):
        with torch.no_grad():
            seen.append(run(model, inputs, training=training))
        seen.append(_with_gradients(model, inputs, training))
    return seen


def _with_gradients(model: torch.nn.Module, inputs: str, training: bool) -> object:
    """What a call shows, or the error where autograd refuses what the model does in place."""
    try:
        return run(model, inputs, training=training)
    except RuntimeError as error:
        return str(error)
