"""Deciding, call site by call site: convert or leave. Changes nothing."""
