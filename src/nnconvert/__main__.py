"""``python -m nnconvert``."""

import sys

from nnconvert.cli import main

if __name__ == "__main__":
    sys.exit(main())
