"""The version, known without the package's metadata: frozen programs come without it."""

__all__ = ["__version__"]

__version__ = "0.1.0"
