"""``python -m export train|bundle|evaluate METHOD ...``."""

from __future__ import annotations

import os

# The solver runs one picture a thread; BLAS threads below that only get in each other's way.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

from .cli import main

main()
