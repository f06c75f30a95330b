"""Elf: registers, stack and shared memory of the kernels in a cubin or a shared object, read from its bytes.

The judge reads files that a program's own process wrote. So nothing is executed here, sizes are checked
before they are believed, and a damaged file is a ``ValueError``.
"""

from __future__ import annotations

import ctypes
import ctypes.util
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

MAGIC = b"\x7fELF"
_FATBIN = 0xBA55ED50
_FATBIN_ELF = 2
_LZ4, _ZSTD = 1 << 13, 1 << 15
_LARGEST = 256 << 20
_MOST_SYMBOLS, _LONGEST_NAME = 1 << 16, 4096
RESERVED = 1024
_NOBITS = 8
# attributes of .nv.info: their numbers, and the one format whose value is a (symbol, number) pair
_REGCOUNT, _FRAME_SIZE, _MIN_STACK_SIZE, _SVAL = 0x2F, 0x11, 0x12, 0x04


@dataclass(frozen=True)
class Resources:
    """What one kernel takes: registers per thread, bytes of stack per thread, bytes of shared memory."""

    registers: int
    stack: int
    shared: int


@dataclass(frozen=True)
class Section:
    """One section of an ELF file: its name, type, ``sh_info`` and ``sh_link``, size in bytes, content."""

    name: str
    kind: int
    info: int
    link: int
    size: int
    data: bytes


def sections(image: bytes) -> list[Section]:
    """Return the sections of a 64-bit little-endian ELF file.

    Raises:
        ValueError: if it is none, or is damaged.
    """
    try:
        if image[:4] != MAGIC or image[4:6] != b"\x02\x01":
            raise ValueError("not a 64-bit ELF file")
        start = struct.unpack_from("<Q", image, 40)[0]
        step, count, names_at = struct.unpack_from("<HHH", image, 58)
        if step != 64:
            raise ValueError("its section headers have an unknown size")
        rows = [struct.unpack_from("<IIQQQQIIQQ", image, start + i * step) for i in range(count)]
        if sum(r[5] for r in rows if r[1] != _NOBITS) > 2 * len(image):
            raise ValueError("its sections are larger than the file")
        contents = [b"" if r[1] == _NOBITS else image[r[4] : r[4] + r[5]] for r in rows]
        if any(r[1] != _NOBITS and len(c) != r[5] for r, c in zip(rows, contents, strict=True)):
            raise ValueError("a section lies outside of the file")
        names = contents[names_at] if rows else b""
    except (struct.error, IndexError) as error:
        raise ValueError(f"a damaged ELF file: {error}") from error
    return [
        Section(_text(names, r[0]), r[1], r[7], r[6], r[5], c) for r, c in zip(rows, contents, strict=True)
    ]


def _text(table: bytes, at: int) -> str:
    most = at + _LONGEST_NAME
    end = table.find(b"\0", at, most)
    return table[at : most if end < 0 else end].decode("utf-8", "replace") if at < len(table) else ""


def kernels(cubin: bytes) -> dict[str, Resources]:
    """Return the resources of every kernel of a cubin, by its name in the image.

    Shared memory is the kernel's own: the 1 KiB that the system reserves on sm_90 and later, which cuobjdump
    counts in, is taken off.

    Raises:
        ValueError: if it is no cubin, or is damaged.
    """
    found = sections(cubin)
    table = next((s for s in found if s.name == ".symtab"), None)
    names = _symbols(table, found) if table is not None else []
    registers: dict[str, int] = {}
    stack: dict[str, int] = {}
    for section in found:
        if section.name == ".nv.info":
            for code, symbol, value in _pairs(section.data):
                name = names[symbol] if symbol < len(names) else ""
                if code == _REGCOUNT:
                    registers[name] = value
                elif code in (_FRAME_SIZE, _MIN_STACK_SIZE):
                    stack[name] = max(stack.get(name, 0), value)
    reserved = RESERVED if architecture(cubin) >= 90 else 0
    shared = {
        s.name.removeprefix(".nv.shared."): max(0, s.size - reserved)
        for s in found
        if s.name.startswith(".nv.shared.")
    }
    entries = [s.name.removeprefix(".nv.info.") for s in found if s.name.startswith(".nv.info.")]
    return {
        n: Resources(registers.get(n, 0), stack.get(n, 0), shared.get(n, 0))
        for n in entries
        if n in registers
    }


def imports(library: bytes) -> list[str]:
    """Return the names that a shared object wants from others.

    Raises:
        ValueError: if it is damaged.
    """
    found = sections(library)
    table = next((s for s in found if s.name == ".dynsym"), None)
    if table is None:
        return []
    names = _symbols(table, found)
    places = [struct.unpack_from("<H", table.data, i + 6)[0] for i in range(0, len(table.data) - 23, 24)]
    return [name for name, place in zip(names, places, strict=True) if name and place == 0]


def architecture(cubin: bytes) -> int:
    """Return the number of a cubin's architecture (90 for sm_90).

    Raises:
        ValueError: if it is cut off.
    """
    if len(cubin) < 52:
        raise ValueError("a damaged ELF file: it is cut off")
    flags = int(struct.unpack_from("<I", cubin, 48)[0])
    return flags >> 8 & 0xFF if cubin[8] >= 8 else flags & 0xFF


def _symbols(table: Section, found: list[Section]) -> list[str]:
    if len(table.data) > 24 * _MOST_SYMBOLS:
        raise ValueError(f"it has more than {_MOST_SYMBOLS} symbols")
    texts = found[table.link].data if table.link < len(found) else b""
    offsets = [struct.unpack_from("<I", table.data, i)[0] for i in range(0, len(table.data) - 23, 24)]
    return [_text(texts, offset) for offset in offsets]


def _pairs(data: bytes) -> Iterator[tuple[int, int, int]]:
    """Yield (attribute, symbol, value) of ``.nv.info``; other formats are stepped over."""
    at = 0
    while at + 4 <= len(data):
        form, code, size = struct.unpack_from("<BBH", data, at)
        at += 4
        if form != _SVAL:
            continue
        if size == 8 and at + 8 <= len(data):
            yield (code, *struct.unpack_from("<II", data, at))
        at += size


def embedded(library: bytes) -> tuple[list[bytes], list[str]]:
    """Return the cubins inside a shared object that nvcc linked, and why others could not be read.

    Raises:
        ValueError: if the object is damaged.
    """
    cubins, reasons = [], []
    for section in sections(library):
        if section.name == ".nv_fatbin":
            for flags, code in _fatbin_entries(section.data):
                if code[:4] == MAGIC:
                    cubins.append(code)
                elif flags & _ZSTD and (whole := _unzstd(code)):
                    cubins.append(whole)
                else:
                    way = "LZ4" if flags & _LZ4 else "an unknown way"
                    reasons.append(f"device code is compressed ({'zstd' if flags & _ZSTD else way})")
    return cubins, list(dict.fromkeys(reasons))


def _fatbin_entries(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield (flags, content) of each cubin in a ``.nv_fatbin`` section."""
    at = data.find(struct.pack("<I", _FATBIN))
    while at >= 0 and at + 16 <= len(data):
        header, size = struct.unpack_from("<HQ", data, at + 6)
        inner, end = at + header, min(at + header + size, len(data))
        while inner + 64 <= end:
            kind, _, head, padded, packed = struct.unpack_from("<HHIQI", data, inner)
            flags = struct.unpack_from("<Q", data, inner + 40)[0]
            if head < 64 or inner + head + padded > end:
                raise ValueError("a damaged fatbin")
            if kind == _FATBIN_ELF:
                yield flags, data[inner + head : inner + head + (packed or padded)]
            inner += head + padded
        at = data.find(struct.pack("<I", _FATBIN), max(end, at + 16))


@cache
def _zstd() -> ctypes.CDLL | None:
    path = ctypes.util.find_library("zstd")
    if path is None:
        return None
    library = ctypes.CDLL(path)
    library.ZSTD_getFrameContentSize.restype = ctypes.c_uint64
    library.ZSTD_getFrameContentSize.argtypes = [ctypes.c_char_p, ctypes.c_size_t]
    library.ZSTD_decompress.restype = ctypes.c_size_t
    library.ZSTD_decompress.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_char_p, ctypes.c_size_t]
    return library


def _unzstd(packed: bytes) -> bytes | None:
    """Unpack; None without the system's libzstd, or where the content is damaged or too large."""
    library = _zstd()
    size = library.ZSTD_getFrameContentSize(packed, len(packed)) if library is not None else 0
    if library is None or not 0 < size <= _LARGEST:  # its words for unknown and damaged are huge numbers
        return None
    room = ctypes.create_string_buffer(size)
    written = library.ZSTD_decompress(room, size, packed, len(packed))
    return room.raw if written == size else None
