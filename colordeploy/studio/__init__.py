"""The studio: a service that colours pictures, and its page. Needs the extra [studio]."""

from __future__ import annotations

from .app import create_app
from .limits import Limits
from .server import serve

__all__ = ["Limits", "create_app", "serve"]
