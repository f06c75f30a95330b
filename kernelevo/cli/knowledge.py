"""``kernelevo knowledge``: notes that searches look up, yours beside ours."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.markdown import Markdown
from rich.table import Table

from kernelevo.cli.output import console, print_json, talk
from kernelevo.errors import BadSetting
from kernelevo.report.table import printable, printable_lines

app = typer.Typer(
    help="Notes by symptom that searches look up when they are stuck: list, search, add, remove.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
NOTHING_FOUND = 1
Json = Annotated[bool, typer.Option("--json", help="print JSON")]


@app.command("list")
def listed(as_json: Json = False) -> int:
    """List every note: ours, yours, and those learnt from runs."""
    from kernelevo.knowledge import KnowledgeBase, default_path

    notes = KnowledgeBase(default_path()).notes()
    if as_json:
        print_json([note.to_json() for note in notes])
        return 0
    table = Table(box=None, pad_edge=False)
    for name in ("note", "from", "for", "title"):
        table.add_column(name, overflow="fold")
    for note in notes:
        scope = ", ".join(note.devices) or "any"
        table.add_row(note.id, note.origin, scope, printable(note.title))
    console().print(table)
    return 0


@app.command()
def search(
    words: Annotated[list[str], typer.Argument(help="what you see or want: memory-bound softmax")],
    device: Annotated[str | None, typer.Option(help="cpu or cuda: leave out notes for the other")] = None,
    limit: Annotated[int, typer.Option(help="how many notes")] = 3,
    embedding_model: Annotated[
        str | None, typer.Option(help="a model of embeddings that re-ranks what is found")
    ] = None,
    base_url: Annotated[str | None, typer.Option(help="the endpoint of that model")] = None,
    as_json: Json = False,
) -> int:
    """Show the notes that fit WORDS best."""
    from kernelevo.knowledge import KnowledgeBase, default_path

    if device not in (None, "cpu", "cuda"):
        raise BadSetting(
            f"device cannot be {device!r}",
            why="known: cpu, cuda",
            now="give --device cpu or cuda, or leave it out",
        )
    if limit < 1:
        raise BadSetting(f"limit must be at least 1, not {limit}", now="give --limit a number from 1")
    if base_url and not embedding_model:
        raise BadSetting(
            "--base-url would do nothing here",
            why="it is the endpoint of --embedding-model, and none is given",
            now="name the model, or leave --base-url out",
        )
    embed = None
    if embedding_model:
        from kernelevo.llm.embedding import embedder

        embed = embedder(embedding_model, base_url)
    found = KnowledgeBase(default_path(), embed=embed).search(" ".join(words), device=device, limit=limit)
    if as_json:
        print_json([note.to_json() for note in found])
    else:
        for note in found:
            console().print(Markdown(printable_lines(note.shown())))
            console().print()
    if not found:
        talk(f"no note fits {' '.join(words)!r}; kernelevo knowledge list shows all")
    return 0 if found else NOTHING_FOUND


@app.command()
def add(
    file: Annotated[str, typer.Argument(help="a Markdown file, or - for standard input")],
    name: Annotated[str, typer.Option(help="name of the note; default: made of its title")] = "",
) -> int:
    """Add a note of yours: a title, what to do and why, one fenced block as sample if you like.

    A head of TOML between two lines of +++ may hold title, symptoms, source, devices and kinds.
    """
    from kernelevo.knowledge import KnowledgeBase, default_path, parse_note

    note = parse_note(_text(file), name)
    KnowledgeBase(default_path()).add(note)
    talk(f"added {note.id}")
    return 0


@app.command()
def remove(note: Annotated[str, typer.Argument(help="name of the note, as list shows it")]) -> int:
    """Remove a note; one of ours is hidden until a note of its name is added.

    When that one is removed, ours is back.
    """
    from kernelevo.knowledge import KnowledgeBase, default_path

    KnowledgeBase(default_path()).remove(note)
    talk(f"removed {note}")
    return 0


def _text(file: str) -> str:
    try:
        data = sys.stdin.buffer.read() if file == "-" else Path(os.path.expanduser(file)).read_bytes()
        return data.decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BadSetting(
            f"the note {file} cannot be read", why=str(error), now="check the path and who may read it"
        ) from error
