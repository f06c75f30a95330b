"""Programs of several files as folders: reading one, laying one down."""

from __future__ import annotations

from pathlib import Path

from kernelevo.core.program import ENTRY, Origin, Program
from kernelevo.errors import BadProgram

MOST_FILES, MOST_BYTES = 200, 4 << 20
_LANGUAGES = {".py": "python", ".cpp": "cpp", ".cc": "cpp", ".cxx": "cpp", ".cu": "cuda"}
_LEFT_OUT = ("__pycache__",)


def read_tree(path: Path, *, origin: Origin | None = None) -> Program:
    """Read a program from a file or a folder.

    A file becomes ``program.py`` (or ``program.cpp`` and so on); a folder keeps its names, and has the entry
    ``program.py`` if it holds more than one file. Hidden files and ``__pycache__`` are left out.

    Args:
        path: a text file, or a folder of text files.
        origin: who made it.

    Raises:
        BadProgram: if there is nothing, no entry, too much, a link, or a file that is not text.
    """
    if path.is_dir():
        return _folder(path, origin or Origin())
    if path.is_file():
        _refuse_large(path, [path])
    language = _LANGUAGES.get(path.suffix, "python")
    name = ENTRY if language == "python" else f"program{path.suffix}"
    return Program({name: _text(path)}, language, origin=origin or Origin())


def write_tree(program: Program, folder: Path) -> None:
    """Write every file of a program into a folder, which is made if need be.

    Raises:
        OSError: if it cannot be written.
    """
    for name, text in program.files.items():
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")


def holds(path: Path, program: Program) -> bool:
    """Whether a file or folder holds this program and nothing else: what a person put there is not ours.

    Raises:
        OSError: if it is there and cannot be read.
    """
    several = len(program.files) > 1
    if path.is_symlink() or path.is_dir() != several:
        return False
    texts = dict(program.files) if several else {".": program.source}
    for name, text in texts.items():
        file, data = path / name, text.encode()
        if not file.is_file() or file.stat().st_size != len(data) or file.read_bytes() != data:
            return False
    files = (p.relative_to(path) for p in path.rglob("*") if p.is_file())
    return not several or {p.as_posix() for p in files if "__pycache__" not in p.parts} == set(texts)


def listing(program: Program) -> str:
    """Return all files of a program as one text; those of several are headed by their paths."""
    if len(program.files) == 1:
        return next(iter(program.files.values()))
    return "\n".join(f"# ---- {name} ----\n{text.rstrip()}\n" for name, text in program.files.items())


def _folder(folder: Path, origin: Origin) -> Program:
    paths = [p for p in sorted(folder.rglob("*")) if not _hidden(p.relative_to(folder))]
    links = [p for p in paths if p.is_symlink()]
    if links:
        raise BadProgram(f"{links[0]} is a link", now="put the file itself there: a program is plain text")
    found = [p for p in paths if p.is_file()]
    if not found:
        raise BadProgram(f"{folder} holds no file", now=f"give a folder with {ENTRY}")
    _refuse_large(folder, found)
    files = {p.relative_to(folder).as_posix(): _text(p) for p in found}
    if len(files) > 1 and ENTRY not in files:
        raise BadProgram(
            f"{folder} has no {ENTRY}", why=f"it holds {', '.join(list(files)[:5])}", now=f"name one {ENTRY}"
        )
    entry = ENTRY if ENTRY in files else next(iter(files))
    return Program(files, _LANGUAGES.get(Path(entry).suffix, "python"), origin=origin)


def _refuse_large(path: Path, files: list[Path]) -> None:
    size = sum(file.stat().st_size for file in files)
    if len(files) > MOST_FILES or size > MOST_BYTES:
        raise BadProgram(
            f"{path} is no program",
            why=f"it holds {len(files)} files, {size >> 10} KiB; a program has {MOST_FILES} files and "
            f"{MOST_BYTES >> 10} KiB at the most",
            now="give the program alone, without data or weights",
        )


def _hidden(path: Path) -> bool:
    return any(part.startswith(".") or part in _LEFT_OUT for part in path.parts)


def _text(path: Path) -> str:
    try:
        text = path.read_text("utf-8-sig")
    except FileNotFoundError as error:
        raise BadProgram(
            f"there is no file {path}", now="give the path of a program's file or folder"
        ) from error
    except (OSError, UnicodeDecodeError) as error:
        raise BadProgram(
            f"{path} cannot be read as text",
            why=str(error),
            now="programs are files in UTF-8; leave others out of the folder",
        ) from error
    return text
