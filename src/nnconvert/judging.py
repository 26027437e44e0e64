"""What verification makes of a conversion: evidence, what is held back, what is salvaged."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from nnconvert import files
from nnconvert.again import again
from nnconvert.conversion import convert
from nnconvert.errors import UsageError
from nnconvert.expectations import expectations
from nnconvert.options import Options
from nnconvert.plan import Leave, Plan
from nnconvert.result import Result, guarded
from nnconvert.salvage import Differing, salvage
from nnconvert.source.project import Neighbours
from nnconvert.verification import Expected
from nnconvert.verification.request import top_level_classes

if TYPE_CHECKING:
    from nnconvert.api import Verifier

_RANK = "NNC414"
_GOOD = ("proved", "tested")


def settled(
    result: Result,
    options: Options,
    neighbours: Neighbours,
    verifier: Verifier | None,
    require_verified: bool,
    salvages: bool,
) -> Result:
    """The result, verified where there is something to verify; ``options`` are those that it was decided with.

    What the file will be is told to ``neighbours``, for the files that come after it.
    """
    plan = result.plan
    if verifier is not None and plan is not None:
        judge, decided = _Judge(verifier, neighbours, require_verified, salvages), result
        result = guarded(result.path, result.old, lambda: judge.judged(decided, plan, options))
    changed = result.status == "changed"
    neighbours.settle(files.decode(result.new).text if changed else None, changed=changed)
    return result


@dataclass(frozen=True, slots=True)
class _Judge:
    verifier: Verifier
    neighbours: Neighbours
    require_verified: bool
    salvages: bool

    def judged(self, result: Result, plan: Plan, options: Options) -> Result:
        ranks = self._ranks(plan, result.path, result.old)
        if ranks:
            options = replace(options, ranks=ranks)
            result = convert(result.old, options, result.path, self.neighbours)
        if result.plan is None or result.status != "changed":
            return result
        verified = self._verified(result, result.plan, options)
        if verified.status == "differs" and self.salvages:
            verified = self._salvaged(verified, options)
        if self.require_verified and verified.plan is not None and verified.status == "changed":
            return _admitted(verified, verified.plan)
        return verified

    def _ranks(self, plan: Plan, path: Path, source: bytes) -> tuple[tuple[int, int], ...]:
        """Line and rank for each call that was left for its rank alone, where runs showed one rank."""
        left = (d for d in plan.left if isinstance(d.outcome, Leave) and d.outcome.code == _RANK)
        lines = Counter(decision.site.position.line for decision in left)
        if not lines:
            return ()
        seen = self.verifier.ranks(path, source)
        # Of several such calls on one line it is not known which of them ran.
        return tuple(
            (n, rank) for n, times in lines.items() if times == 1 and len(seen.get(n, ())) == 1 for rank in seen[n]
        )

    def _verified(self, result: Result, plan: Plan, options: Options) -> Result:
        """The result with its evidence, held back where a difference speaks against it."""
        expected = expectations(plan)
        if not expected:  # calls outside of classes only: there is no model to run
            return result
        planned = {e.class_name for e in expected}
        beside = [n for n in top_level_classes(result.old) if n not in planned] if plan.state else []
        classes, around = (*expected, *map(Expected, beside)), self.neighbours.naming(sorted(planned))
        words = again(options, result.path, result.old)
        evidence = self.verifier.verify(result.path, result.old, result.new, classes, words, around)
        # Of the models around them that hold these classes, the state map needs the whole keys.
        evidence = tuple(e for e in evidence if e.class_name in planned or e.verdict == "differs" or e.keys or e.added)
        for misused in (e for e in evidence if e.misused):
            raise UsageError(misused.reason)
        if any(e.verdict == "differs" for e in evidence):
            return replace(result, status="differs", new=result.old, evidence=evidence)
        return replace(result, evidence=evidence)

    def _salvaged(self, held: Result, options: Options) -> Result:
        """What can be converted of a file with a difference, or the result as it was."""

        def attempt(differing: Differing) -> Result:
            without = replace(options, differing=tuple(differing.items()))
            result = convert(held.old, without, held.path, self.neighbours)
            if result.plan is None or result.status != "changed":
                return result
            return self._verified(result, result.plan, options)

        found = salvage(held, attempt)
        return held if found is None or found.plan is None else found


def _admitted(result: Result, plan: Plan) -> Result:
    """The result if every converted call site is verified; else held back."""
    free = any(decision.site.class_name is None for decision in plan.converted)
    wanted = {expected.class_name for expected in expectations(plan)}
    good = {e.class_name for e in result.evidence if e.verdict in _GOOD and not e.unreached}
    if free or not wanted or not wanted <= good:
        return replace(result, status="unverified", new=result.old)
    return result
