"""What PyInstaller has to know to freeze a program that uses the package.

It finds this by the entry point ``pyinstaller40``; nothing has to be said on its command line.
"""

from __future__ import annotations

from pathlib import Path

__all__ = ["hook_dirs"]


def hook_dirs() -> list[str]:
    """Folders with hooks."""
    return [str(Path(__file__).parent)]
