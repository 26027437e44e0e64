"""One plan, one text: all edits together."""

from __future__ import annotations

from nnconvert.apply.calls import call_edits
from nnconvert.apply.edits import Edit, newline_at, splice
from nnconvert.apply.retired import before_edits, retired_edits
from nnconvert.apply.statements import class_edits, method_edit
from nnconvert.options import Options
from nnconvert.plan import Plan


def apply(text: str, plan: Plan, options: Options) -> str:
    """The converted text; CheckError when the plan does not fit it."""
    edits: list[Edit] = []
    # `x.relu().sigmoid()`: both insert in front of x
    outer_first = sorted(plan.converted, key=lambda d: (d.site.span.start, -d.site.span.end))
    for decision in outer_first:
        if any(idle.start <= decision.site.span.start < idle.end for idle in plan.idle):
            continue
        edits.extend(call_edits(text, decision, options.line_length))
    for class_plan in plan.classes:
        edits.extend(class_edits(text, class_plan, options))
    for rename in plan.renames:
        edits.append(Edit(rename.span.end - len(rename.old), rename.span.end, rename.new))
    edits.extend(retired_edits(text, plan, options))
    edits.extend(method_edit(text, method, options) for method in plan.methods)  # behind what __init__ ends with now
    edits.extend(before_edits(text, plan))
    for change in plan.imports:
        replacement = change.text.replace("\n", newline_at(text, change.span.end))
        edits.append(Edit(change.span.start, change.span.end, replacement))
    return splice(text, edits)
