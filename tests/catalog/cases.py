"""Execution cases for every spelling of every row: calls that convert exactly."""

from __future__ import annotations

from . import cases_activation, cases_loss, cases_pooling, cases_shape
from .case import Case

CASES: tuple[Case, ...] = (
    *cases_activation.CASES,
    *cases_pooling.CASES,
    *cases_shape.CASES,
    *cases_loss.CASES,
)
