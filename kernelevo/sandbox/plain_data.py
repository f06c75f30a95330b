"""Plain data over a JSON channel: numbers, texts, lists, bytes, numeric arrays; never a pickle.

The decoder is a boundary: whatever a hostile peer sends, it builds builtins and numeric arrays only, or
raises ``NotPlain``. What JSON lacks is written as ``{"~": tag, "v": value}``.
"""

from __future__ import annotations

import base64
import binascii
import math
import sys
from collections.abc import Callable, Iterable, Mapping
from fractions import Fraction
from typing import Any

TAG, VALUE = "~", "v"
_SMALL = 1 << 63  # integers beyond it travel as hexadecimal text: JSON readers limit the digits of a number
_DTYPES = {"bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"}
_DTYPES |= {"float16", "float32", "float64", "complex64", "complex128"}
_MOST_AXES = 16
_MOST_BYTES = 16 << 20  # of an array: a message has no more
_MOST_ALIKE = 1000
_MOST_BITS = 1 << 18  # of each part of a fraction


class NotPlain(ValueError):
    """A value that is not plain data, or a message that does not stand for any."""


def encode(value: Any, where: str = "the value") -> Any:
    """Return what JSON can hold.

    Args:
        value: None, bool, int, float, complex, str, bytes, Fraction, list, tuple, set, dict, a numeric numpy
            array or scalar, and any nesting of these.
        where: how messages call it.

    Raises:
        NotPlain: saying where something else was found.
    """
    if value is None or isinstance(value, bool | str):
        return value if not isinstance(value, str) else str(value)
    if isinstance(value, int):
        number = int(value)
        return number if -_SMALL < number < _SMALL else _tagged("int", hex(number))
    if isinstance(value, float):
        return float(value)
    if isinstance(value, list):
        return [encode(item, f"{where}[{i}]") for i, item in enumerate(value)]
    if isinstance(value, dict):
        return _encode_dict(value, where)
    for kind, tag in ((tuple, "tuple"), (set, "set"), (frozenset, "set")):
        if isinstance(value, kind):
            return _tagged(tag, [encode(item, f"{where}[{i}]") for i, item in enumerate(value)])
    if isinstance(value, bytes | bytearray):
        return _tagged("bytes", base64.b64encode(bytes(value)).decode())
    if isinstance(value, complex):
        return _tagged("complex", [value.real, value.imag])
    if isinstance(value, Fraction):
        above, below = _of_moderate_length(value.numerator, value.denominator, where)
        return _tagged("fraction", [hex(above), hex(below)])
    return _encode_numpy(value, where)


def decode(data: Any) -> Any:
    """Rebuild a value from parsed JSON.

    Raises:
        NotPlain: if the data does not stand for a value.
    """
    if isinstance(data, list):
        return [decode(item) for item in data]
    if isinstance(data, str):  # half a surrogate pair can come through JSON, but no file can hold it
        return data.encode(errors="replace").decode()
    if not isinstance(data, dict):
        return data
    if TAG not in data:
        return {decode(key): decode(item) for key, item in data.items()}
    maker = _MAKERS.get(data[TAG]) if isinstance(data[TAG], str) else None
    if maker is None or VALUE not in data:
        raise NotPlain(f"no such kind of data: {str(data[TAG])[:40]!r}")
    try:
        return maker(data[VALUE])
    except NotPlain:
        raise
    except (ValueError, TypeError, KeyError, OverflowError, ZeroDivisionError, binascii.Error) as error:
        raise NotPlain(f"not a {data[TAG]}: {error}") from None


def _tagged(tag: str, value: Any) -> dict[str, Any]:
    return {TAG: tag, VALUE: value}


def _encode_dict(value: Mapping[Any, Any], where: str) -> dict[str, Any]:
    if all(type(key) is str for key in value) and TAG not in value:
        return {key: encode(item, f"{where}[{key!r}]") for key, item in value.items()}
    pairs = [[encode(key, f"a key of {where}"), encode(item, f"{where}[...]")] for key, item in value.items()]
    return _tagged("dict", pairs)


def _encode_numpy(value: Any, where: str) -> Any:
    numpy: Any = sys.modules.get("numpy")
    if numpy is not None and isinstance(value, numpy.generic) and value.dtype.name in _DTYPES:
        return encode(value.item(), where)
    if numpy is not None and isinstance(value, numpy.ndarray):
        if value.dtype.name not in _DTYPES:
            raise NotPlain(f"{where} is an array of {value.dtype}; only arrays of plain numbers are taken")
        native = numpy.ascontiguousarray(value, dtype=value.dtype.newbyteorder("<"))
        body = base64.b64encode(native.tobytes()).decode()
        return _tagged("array", [value.dtype.name, list(value.shape), body])
    raise NotPlain(
        f"{where} is a {type(value).__module__}.{type(value).__qualname__}; plain data is None, bool, int, "
        "float, complex, str, bytes, Fraction, list, tuple, set, dict and numeric numpy arrays"
    )


def _array(given: Any) -> Any:
    import numpy

    name, shape, body = given
    if name not in _DTYPES:
        raise NotPlain(f"no such type of numbers: {str(name)[:40]!r}")
    if not isinstance(shape, list) or len(shape) > _MOST_AXES or not all(type(n) is int for n in shape):
        raise NotPlain("not the shape of an array")
    kind = numpy.dtype(name).newbyteorder("<")
    content = base64.b64decode(body, validate=True)
    if min(shape, default=0) < 0 or len(content) != math.prod(shape) * kind.itemsize:
        raise NotPlain(f"an array of shape {shape} does not have {len(content)} bytes")
    if math.prod(n or 1 for n in shape) > _MOST_BYTES:  # without a number in it, and of endless empty lists
        raise NotPlain(f"an array of shape {shape} has too many rows")
    if name == "bool":  # a byte that is neither 0 nor 1 would not be a boolean
        return numpy.frombuffer(content, numpy.uint8).reshape(shape) != 0
    return numpy.frombuffer(content, kind).reshape(shape).astype(name)


def _keys(items: Iterable[Any]) -> list[Any]:
    """Return decoded keys; of a set or dictionary whose keys share few hashes it takes the square of them."""
    keys = [decode(item) for item in list(items)]
    if len(keys) > _MOST_ALIKE and len({hash(key) for key in keys}) * 8 < len(keys):
        raise NotPlain(f"{len(keys)} keys share a few hashes")
    return keys


def _integer(text: Any) -> int:
    if not isinstance(text, str):
        raise NotPlain("an integer that is not written as text")
    return int(text, 16)


def _complex(parts: Any) -> complex:
    real, imag = parts
    return complex(float(real), float(imag))


def _fraction(parts: Any) -> Fraction:
    above, below = parts
    return Fraction(*_of_moderate_length(_integer(above), _integer(below), "a value"))


def _of_moderate_length(above: int, below: int, where: str) -> tuple[int, int]:
    """Refuse the parts of a fraction that would take long to reduce: it takes the square of their length."""
    if max(above.bit_length(), below.bit_length()) > _MOST_BITS:
        raise NotPlain(f"{where} is a fraction of more than {_MOST_BITS} bits above or below its line")
    return above, below


_MAKERS: dict[str, Callable[[Any], Any]] = {
    "int": _integer,
    "tuple": lambda items: tuple(decode(list(items))),
    "set": lambda items: set(_keys(items)),
    "dict": lambda pairs: dict(
        zip(_keys(key for key, _ in pairs), [decode(item) for _, item in pairs], strict=True)
    ),
    "bytes": lambda text: base64.b64decode(text, validate=True),
    "complex": _complex,
    "fraction": _fraction,
    "array": _array,
}
