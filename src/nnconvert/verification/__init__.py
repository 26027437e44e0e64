"""Verification: run the old and the new version of a module in child processes and compare what can be seen.

Importing this never imports torch; the user's code runs on the user's Python only.
"""

from nnconvert.verification.evidence import Evidence, Expected, ModuleCall, Verdict
from nnconvert.verification.interpreter import find_python
from nnconvert.verification.parent import Server, ServerError
from nnconvert.verification.request import Hints, Limits, Other, Request
from nnconvert.verification.verification import find_ranks, verify_file

__all__ = [
    "Evidence",
    "Expected",
    "Hints",
    "Limits",
    "ModuleCall",
    "Other",
    "Request",
    "Server",
    "ServerError",
    "Verdict",
    "find_python",
    "find_ranks",
    "verify_file",
]
