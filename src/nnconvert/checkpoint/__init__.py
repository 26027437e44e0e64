"""State maps and the migration of saved checkpoints."""

from nnconvert.checkpoint.state_map import ModelMap, StateMap

__all__ = ["ModelMap", "StateMap"]
