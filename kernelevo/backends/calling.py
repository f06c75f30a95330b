"""Calling a C function with tensors: one Python function per signature, written for speed.

A pointer parameter takes a contiguous CPU tensor of the pointer's dtype, an int (an address, unchecked: for
layouts that the caller vouches for) or None (a null pointer). A number parameter takes a Python or numpy
number or a tensor of one element. Anything else is a TypeError that names the function and the parameter.
The interpreter lock is released during the call.
"""

from __future__ import annotations

import ctypes
import operator
from collections.abc import Callable
from typing import Any

from kernelevo.backends.signatures import Parameter, Signature

_NUMBERS: dict[str, Any] = {
    "float32": ctypes.c_float,
    "float64": ctypes.c_double,
    "int64": ctypes.c_int64,
    "int32": ctypes.c_int32,
    "int16": ctypes.c_int16,
    "int8": ctypes.c_int8,
    "uint64": ctypes.c_uint64,
    "uint32": ctypes.c_uint32,
    "uint16": ctypes.c_uint16,
    "uint8": ctypes.c_uint8,
    "bool": ctypes.c_bool,
}
# dtypes that may also be passed where the pointer says something of the same size
_ALSO = {
    "uint8": ("bool",),
    "bool": ("uint8",),
    "uint16": ("bfloat16", "float16", "int16"),
    "void": (),
}


watching: Callable[[str, Callable[..., Any]], Callable[..., Any]] | None = None
"""Wraps each function that is bound from now on, given its name; a process that is profiled sets it."""


def bind(library: ctypes.CDLL, signature: Signature) -> Callable[..., Any]:
    """Return a Python function that checks its arguments and calls the C function.

    Raises:
        TypeError: for a signature with types that cannot be passed.
        AttributeError: if the library does not define it.
    """
    if signature.unknown:
        raise TypeError(f"{signature.text}: cannot pass {', '.join(signature.unknown)} from Python")
    function = getattr(library, signature.name)
    function.argtypes = [
        ctypes.c_void_p if p.pointer else _NUMBERS[str(p.type)] for p in signature.parameters
    ]
    returned = str(signature.returns.type)
    function.restype = None if returned == "void" else _NUMBERS[returned]
    call = _written(function, signature)
    return call if watching is None else watching(signature.name, call)


def _written(function: Any, signature: Signature) -> Callable[..., Any]:
    """Write the wrapper's text, so that a call costs one check per tensor and no loop."""
    import torch

    names = [f"a{i}" for i in range(len(signature.parameters))]
    space: dict[str, Any] = {
        "function": function,
        "ArgumentError": ctypes.ArgumentError,
        "plain": frozenset({torch.Tensor, torch.nn.Parameter}),
        "address": lambda i, value: _address(value, signature, i),
        "numbers": lambda given: _numbers(given, signature),
    }
    lines, passed = [], []
    for i, (name, parameter) in enumerate(zip(names, signature.parameters, strict=True)):
        if not parameter.pointer:
            passed.append(name)
            continue
        test = _dtype_test(name, i, parameter, space)
        lines.append(
            f"    p{i} = {name}.data_ptr() if {name}.__class__ in plain and {test}{name}.is_contiguous() "
            f"and {name}.is_cpu else {name} if {name}.__class__ is int else address({i}, {name})"
        )
        passed.append(f"p{i}")
    call = f"function({', '.join(passed)})"
    lines += ["    try:", f"        return {call}", "    except ArgumentError:"]
    lines.append(f"        return function(*numbers(({', '.join(passed)}{',' if passed else ''})))")
    text = f"def {signature.name}({', '.join(names)}):\n" + "\n".join(lines) + "\n"
    exec(compile(text, f"<call of {signature.name}>", "exec"), space)
    wrapper: Callable[..., Any] = space[signature.name]
    wrapper.__doc__ = signature.text
    return wrapper


def _dtypes(parameter: Parameter) -> tuple[Any, ...]:
    import torch

    names = (str(parameter.type), *_ALSO.get(str(parameter.type), ()))
    return tuple(getattr(torch, name) for name in names if name != "void" and hasattr(torch, name))


def _dtype_test(name: str, i: int, parameter: Parameter, space: dict[str, Any]) -> str:
    """Return the condition on the dtype, empty for ``void*``."""
    dtypes = _dtypes(parameter)
    if not dtypes:
        return ""
    space[f"d{i}"] = dtypes[0] if len(dtypes) == 1 else dtypes
    return f"{name}.dtype {'is' if len(dtypes) == 1 else 'in'} d{i} and "


def _address(value: Any, signature: Signature, i: int) -> int | None:
    """Return the address for anything but the plain case, or say what is wrong."""
    import torch

    parameter = signature.parameters[i]
    where = f"{signature.name}: argument {i + 1} ({parameter.text})"
    if value is None or (isinstance(value, int) and not isinstance(value, bool)):
        return value
    if not isinstance(value, torch.Tensor):
        raise TypeError(f"{where} takes a tensor, an address or None, got {type(value).__name__}")
    dtypes = _dtypes(parameter)
    if dtypes and value.dtype not in dtypes:
        raise TypeError(f"{where} takes {dtypes[0]}, got {value.dtype}")
    if not value.is_cpu:
        raise TypeError(f"{where} takes a CPU tensor, got one on {value.device}")
    if not value.is_contiguous():
        raise TypeError(
            f"{where} takes a contiguous tensor, got shape {tuple(value.shape)} with strides {value.stride()}"
            "; call .contiguous(), or pass t.data_ptr() if the code handles these strides"
        )
    try:
        return value.data_ptr()
    except RuntimeError as error:  # fake and functional tensors have no storage
        raise TypeError(
            f"{where} takes a tensor with storage, got {type(value).__name__}: {error}"
        ) from error


def _numbers(given: tuple[Any, ...], signature: Signature) -> list[Any]:
    """Convert numpy numbers and one-element tensors; the C function was not called yet."""
    return [
        value if p.pointer else _number(value, p, signature)
        for value, p in zip(given, signature.parameters, strict=True)
    ]


def _number(value: Any, parameter: Parameter, signature: Signature) -> Any:
    try:
        if str(parameter.type).startswith("float"):
            return float(value)
        if str(parameter.type) == "bool":
            return bool(value)
        return operator.index(value)
    except (TypeError, ValueError, RuntimeError) as error:
        kind = "number" if str(parameter.type).startswith("float") else "whole number"
        raise TypeError(
            f"{signature.name}: {parameter.text} takes a {kind}, got {type(value).__name__}"
        ) from error
