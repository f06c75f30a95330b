"""Table files: rows of json, jsonl, parquet and arrow files, each as a mapping or a complaint."""

from __future__ import annotations

import codecs
import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from kernelevo.errors import BadProgram

_LINES, _COLUMNS = (".jsonl", ".json", ".ndjson"), (".parquet", ".arrow")
_LARGEST = 1 << 30  # bytes of one file


def files(folders: Iterable[Path]) -> list[Path]:
    """Return the table files that lie in folders or one folder below, each once, in order."""
    return _tables(p for folder in folders for p in sorted([*folder.glob("*"), *folder.glob("*/*")]))


def below(folder: Path) -> list[Path]:
    """Return the table files at any depth of a folder, each once, in order; hidden folders are left out."""
    paths = ((p, p.relative_to(folder).parts[:-1]) for p in sorted(folder.rglob("*")))
    return _tables(path for path, folders in paths if not any(name.startswith(".") for name in folders))


def _tables(paths: Iterable[Path]) -> list[Path]:
    found: dict[Path, Path] = {}
    for path in paths:
        if path.suffix in (*_LINES, *_COLUMNS) and path.is_file():
            found.setdefault(path.resolve(), path)
    return list(found.values())


def rows(path: Path) -> Iterator[tuple[int, Mapping[str, Any] | str]]:
    """Yield each row with its number from 1: a mapping, or a text that says why it is none.

    A ``.json`` file may be one list, one object that holds lists or objects, or a line for each row. In a
    file of lines one that is no UTF-8 costs itself alone; a file in UTF-16 is known by its first two bytes.

    Raises:
        BadProgram: if the file as a whole cannot be read.
    """
    try:
        if path.stat().st_size > _LARGEST:
            raise BadProgram(f"the file is larger than {_LARGEST} bytes", now="split it")
        if path.suffix in _COLUMNS:
            yield from enumerate(_columns(path), 1)
            return
        data = path.read_bytes()
        if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            data = data.decode("utf-16").encode()
    except (OSError, UnicodeDecodeError) as error:
        raise BadProgram("it cannot be read as text", why=str(error)) from error
    data = data.removeprefix(codecs.BOM_UTF8)
    yield from _document(data) if path.suffix == ".json" else _lines(data)


def _lines(data: bytes) -> Iterator[tuple[int, Mapping[str, Any] | str]]:
    for number, line in enumerate(data.split(b"\n"), 1):
        if not line.strip():
            continue
        try:
            found = json.loads(line.decode())
        except (ValueError, RecursionError) as error:
            yield number, f"not JSON: {error}"
            continue
        yield number, found if isinstance(found, Mapping) else "not a JSON object"


def _document(data: bytes) -> Iterator[tuple[int, Mapping[str, Any] | str]]:
    try:
        whole = json.loads(data.decode())
    except (ValueError, RecursionError) as error:
        lines = list(_lines(data))  # many tools write lines under this name
        if not any(isinstance(row, Mapping) for _, row in lines):
            raise BadProgram("it is not JSON", why=str(error)) from error  # said once, not of each line
        yield from lines
        return
    if isinstance(whole, Mapping) and whole and all(isinstance(v, list) for v in whole.values()):
        whole = [row for part in whole.values() for row in part]
    elif isinstance(whole, Mapping) and whole and all(isinstance(v, Mapping) for v in whole.values()):
        whole = list(whole.values())
    for number, row in enumerate(whole if isinstance(whole, list) else [whole], 1):
        yield number, row if isinstance(row, Mapping) else "not a JSON object"


def _columns(path: Path) -> list[Mapping[str, Any]]:
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError as error:
        raise BadProgram(
            f"{path.suffix} files need the package pyarrow", now="pip install pyarrow, or export to jsonl"
        ) from error
    try:
        if path.suffix == ".parquet":
            found: list[Mapping[str, Any]] = pyarrow.parquet.read_table(path).to_pylist()
            return found
        with path.open("rb") as file:
            try:
                reader = pyarrow.ipc.open_stream(file)
            except pyarrow.ArrowInvalid:
                file.seek(0)
                reader = pyarrow.ipc.open_file(file)
            rows: list[Mapping[str, Any]] = reader.read_all().to_pylist()
            return rows
    except pyarrow.ArrowException as error:
        raise BadProgram(f"it is not a {path.suffix[1:]} file", why=str(error)[:200]) from error
