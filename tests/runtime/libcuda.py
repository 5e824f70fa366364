"""A synthetic CUDA driver that checks its arguments as ctypes would."""

from __future__ import annotations

import ctypes


class FakeLibrary:
    """Every function succeeds, writes 77 where a handle is wanted, and is noted down."""

    def __init__(self, **codes):
        self.calls, self.codes = [], codes

    def __getattr__(self, name):
        if name.startswith("__") or self.codes.get(name) == "missing":
            raise AttributeError(name)
        library = self

        class Function:
            argtypes: tuple = ()
            restype = None

            def __call__(self, *arguments):
                assert len(arguments) == len(self.argtypes)
                assert self.restype is ctypes.c_int
                for kind, argument in zip(self.argtypes, arguments, strict=True):
                    kind.from_param(argument)
                if name == "cuGetErrorName":
                    arguments[1]._obj.value = b"CUDA_ERROR_OF_SOME_KIND"
                    return 0
                shown = []
                for argument in arguments:
                    if type(argument).__name__ == "CArgObject":  # byref
                        argument._obj.value = 77
                    elif isinstance(argument, ctypes.Array):
                        argument.value = b"M"
                    else:
                        shown.append(getattr(argument, "value", argument))
                library.calls.append((name, *shown))
                return library.codes.get(name, 0)

        function = Function()
        setattr(self, name, function)
        return function
