"""Cases of the way back for every row: submodules as people build and call them."""

from __future__ import annotations

from . import back_cases_activation, back_cases_loss, back_cases_pooling, back_cases_shape
from .back_case import BackCase

BACK_CASES: tuple[BackCase, ...] = (
    *back_cases_activation.CASES,
    *back_cases_pooling.CASES,
    *back_cases_shape.CASES,
    *back_cases_loss.CASES,
)
