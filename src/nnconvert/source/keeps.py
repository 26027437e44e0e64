"""Which modules a walk over children or modules does something with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from nnconvert.source.classes import torch_attribute_names, torch_bases


@dataclass(frozen=True, slots=True)
class Keeps:
    """Which modules a walk does something with."""

    everything: bool = False
    classes: frozenset[str] = frozenset()
    """Names of classes that the walk tests for."""
    parts: frozenset[str] = frozenset()
    """Parts of class names that the walk tests for (``"Conv" in type(m).__name__``)."""
    attributes: frozenset[str] = frozenset()
    """Attributes that the walk tests for (``hasattr(m, "weight")``)."""
    parameters: bool = False
    """Whether it goes through the parameters of every module: one without them does not matter there."""

    def __or__(self, other: Keeps) -> Keeps:
        return Keeps(
            self.everything or other.everything,
            self.classes | other.classes,
            self.parts | other.parts,
            self.attributes | other.attributes,
            self.parameters or other.parameters,
        )

    def notices(self, module: str, has_weights: bool = False) -> bool:
        """Whether the walk would treat a submodule of this torch.nn class as one of its own."""
        if self.everything or "Module" in self.classes or (has_weights and self.parameters):
            return True
        names = torch_attribute_names()
        known = names["Module"] | names.get(module, frozenset())
        return bool(
            self.classes & ({module} | torch_bases(module))
            or any(part in module for part in self.parts)
            or self.attributes & known
        )


EVERYTHING: Final = Keeps(everything=True)
NOTHING: Final = Keeps()
PARAMETERS: Final = Keeps(parameters=True)
