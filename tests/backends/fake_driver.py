"""A stand-in for libcuda's cuLaunchKernel: a shared object that notes what it is given."""

from __future__ import annotations

import ctypes
import subprocess
from pathlib import Path

from kernelevo.backends import toolchain

SOURCE = r"""
#include <cstring>
struct Note {
  void* function; unsigned size[6]; unsigned shared; void* stream; void* extra; unsigned char values[64][8];
};
Note note;
int calls, count, status;
extern "C" int* fake_counts(int which) { return which == 0 ? &calls : which == 1 ? &count : &status; }
extern "C" Note* fake_note() { return &note; }
extern "C" int fake_launch(void* function, unsigned gx, unsigned gy, unsigned gz, unsigned bx, unsigned by,
                           unsigned bz, unsigned shared, void* stream, void** values, void** extra) {
  note = Note{function, {gx, gy, gz, bx, by, bz}, shared, stream, extra, {}};
  for (int i = 0; i < count; ++i) std::memcpy(note.values[i], values[i], 8);
  ++calls;
  return status;
}
"""


class Note(ctypes.Structure):
    _fields_ = (
        ("function", ctypes.c_void_p), ("size", ctypes.c_uint * 6), ("shared", ctypes.c_uint),
        ("stream", ctypes.c_void_p), ("extra", ctypes.c_void_p), ("values", (ctypes.c_ubyte * 8) * 64),
    )  # fmt: skip


class FakeDriver:
    """Builds and loads the stand-in; ``address`` is that of its ``cuLaunchKernel``."""

    def __init__(self, folder: Path) -> None:
        source, path = folder / "fake.cpp", folder / "fake.so"
        source.write_text(SOURCE)
        command = [toolchain.compiler().path, "-O1", "-shared", "-fPIC", str(source), "-o", str(path)]
        subprocess.run(command, check=True, capture_output=True)
        self._library = ctypes.CDLL(str(path))
        self._library.fake_counts.restype = ctypes.POINTER(ctypes.c_int)
        self._library.fake_note.restype = ctypes.POINTER(Note)
        self.address = ctypes.cast(self._library.fake_launch, ctypes.c_void_p).value

    @property
    def calls(self) -> int:
        return int(self._library.fake_counts(0)[0])

    def expect(self, count: int, status: int = 0) -> None:
        """Set how many arguments are read, and what is returned."""
        self._library.fake_counts(1)[0] = count
        self._library.fake_counts(2)[0] = status

    @property
    def note(self) -> Note:
        return self._library.fake_note()[0]

    def value(self, i: int, kind: type) -> object:
        """Return argument ``i`` as a ctypes type reads it."""
        return kind.from_buffer_copy(bytes(self.note.values[i])).value
