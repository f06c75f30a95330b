"""Table files: rows of json, jsonl, parquet and arrow files, each as a mapping or a complaint."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from kernelevo.errors import BadProgram

_LINES, _COLUMNS = (".jsonl", ".json", ".ndjson"), (".parquet", ".arrow")
_LARGEST = 1 << 30  # bytes of one file


def files(folders: Iterable[Path]) -> list[Path]:
    """Return the table files that lie in folders or one folder below, each once, in order."""
    found: dict[Path, Path] = {}
    for folder in folders:
        for path in sorted([*folder.glob("*"), *folder.glob("*/*")]):
            if path.suffix in (*_LINES, *_COLUMNS) and path.is_file():
                found.setdefault(path.resolve(), path)
    return list(found.values())


def rows(path: Path) -> Iterator[tuple[int, Mapping[str, Any] | str]]:
    """Yield each row with its number from 1: a mapping, or a text that says why it is none.

    A ``.json`` file may be one list, one object that holds lists or objects, or a line for each row.

    Raises:
        BadProgram: if the file as a whole cannot be read.
    """
    try:
        if path.stat().st_size > _LARGEST:
            raise BadProgram(f"the file is larger than {_LARGEST} bytes", now="split it")
        if path.suffix in _COLUMNS:
            yield from enumerate(_columns(path), 1)
            return
        text = path.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise BadProgram("it cannot be read as text", why=str(error)) from error
    yield from _document(text) if path.suffix == ".json" else _lines(text)


def _lines(text: str) -> Iterator[tuple[int, Mapping[str, Any] | str]]:
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            found = json.loads(line)
        except (ValueError, RecursionError) as error:
            yield number, f"not JSON: {error}"
            continue
        yield number, found if isinstance(found, Mapping) else "not a JSON object"


def _document(text: str) -> Iterator[tuple[int, Mapping[str, Any] | str]]:
    try:
        whole = json.loads(text)
    except (ValueError, RecursionError):
        yield from _lines(text)  # many tools write lines under this name
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
