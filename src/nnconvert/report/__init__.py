"""What a run says: text for people, and the formats for programs, one file each."""

from nnconvert.report.text import (
    EXIT_DIFFERS,
    EXIT_DONE,
    EXIT_FAILED,
    EXIT_NOT_OK,
    Report,
    count,
    evidence_line,
    verdicts,
    verification,
)

__all__ = [
    "EXIT_DIFFERS",
    "EXIT_DONE",
    "EXIT_FAILED",
    "EXIT_NOT_OK",
    "Report",
    "count",
    "evidence_line",
    "verdicts",
    "verification",
]
