"""Put an exception of the user's code into one line."""

from __future__ import annotations

MEMORY_WORDS = ("can't allocate memory", "not enough memory", "Cannot allocate memory", "bad_alloc")
MEMORY_REASON = "needs more memory than the limit"


def words(error: BaseException) -> str:
    """``ValueError: what it says``, cut to a readable length; running out of memory has words of its own."""
    if isinstance(error, MemoryError) or any(word in str(error) for word in MEMORY_WORDS):
        return MEMORY_REASON
    text = " ".join(str(error).partition("Exception raised from")[0].split())  # what follows are torch's own frames
    text = text if len(text) <= 300 else text[:297] + "..."
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
