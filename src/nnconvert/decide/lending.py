"""All submodules of one file whose parameters move to self: their locals, the batches they count, their keys."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence

from nnconvert.catalog import Pair
from nnconvert.decide.arguments import Given
from nnconvert.decide.carried import Carrier
from nnconvert.decide.counting import before, counted_statement
from nnconvert.decide.imports import Importer
from nnconvert.decide.lent import Lent, Locals, lend
from nnconvert.decide.removal import lending
from nnconvert.decide.retiring import check_new_attribute
from nnconvert.decide.submodules import Submodule
from nnconvert.decide.weights_back import bound, settings_of
from nnconvert.decide.weights_found import Found, check_beside, check_found
from nnconvert.options import Options
from nnconvert.plan import Before, Retirement, StateChange, Wrap
from nnconvert.source.classes import ClassInfo
from nnconvert.source.construction import Construction
from nnconvert.source.project import Neighbours
from nnconvert.source.quotes import prevailing_quote
from nnconvert.source.reader import Reader


class Lender:
    """Decides which may, and gathers what the plan says of them."""

    def __init__(self, reader: Reader, options: Options, neighbours: Neighbours) -> None:
        self.reader = reader
        self.options = options
        self.neighbours = neighbours
        self._locals = Locals()
        self._found = Found(reader)
        self._counted: list[tuple[ast.stmt, str, str]] = []
        self._keys: dict[ClassInfo, list[tuple[str, str]]] = {}

    def lent(self, submodule: Submodule, pair: Pair, carrier: Carrier) -> tuple[Lent, Mapping[str, Given]]:
        """What the module gives to self, and the settings that its functional takes; raises LeaveError."""
        given = bound(submodule.built[0].call, pair)
        lent = lend(pair, given, carrier)
        operands = [operand.name for operand in lent.operands]
        check_found(submodule, operands, self.reader, self._found)
        lent.note = check_beside(submodule, operands, self.neighbours, self.options.unsafe)
        check_new_attribute(submodule, self.reader)
        for call in submodule.calls if lent.counter else ():
            counted_statement(call, self.reader)
        lent.local = self._locals.allot(submodule.name, carrier.construction)
        return lent, settings_of(pair, given)

    def padding(self, call: ast.Call, lent: Lent, importer: Importer) -> Wrap | None:
        """F.pad around the input, where the convolution pads with something else than zeros."""
        if lent.padding is None:
            return None
        mode, numbers = lent.padding
        quote = prevailing_quote(self.reader.source)
        callee = importer.function("torch.nn.functional.pad", call)
        return Wrap(0, callee, (str(numbers), f"mode={quote}{mode}{quote}"))  # the input is the only argument

    def retire(
        self, submodule: Submodule, construction: Construction, index: int, lent: Lent, kept: Sequence[str]
    ) -> Retirement:
        """The module becomes a local of ``__init__``; ``kept``: statements that keep its settings."""
        assert construction.init is not None
        assert construction.init.receiver is not None
        self._keys.setdefault(submodule.info, []).extend(lent.keys(submodule))
        for call in submodule.calls if lent.counter else ():
            receiver = ast.unparse(call.func.value)  # type: ignore[attr-defined]
            self._counted.append((counted_statement(call, self.reader), receiver, lent.attributes[lent.counter]))
        statements = [*lent.statements(construction.init.receiver, self.reader), *kept]
        return lending(submodule, construction, index, lent.local, statements, self.reader)

    def counting(self) -> list[Before]:
        """The statements that count batches."""
        return before(self._counted, self.reader.unit, self.reader)

    def changes(self) -> tuple[tuple[ClassInfo, StateChange], ...]:
        """What becomes of the keys of each class."""
        return tuple((info, StateChange(info.qualname, tuple(keys))) for info, keys in self._keys.items())
