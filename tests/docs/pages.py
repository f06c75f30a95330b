"""The pages of the documentation: their code blocks and their commands."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from pathlib import Path

from markdown_it import MarkdownIt

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted(
    [*(ROOT / "docs").rglob("*.md"), *(ROOT / n for n in ("README.md", "ARCHITECTURE.md", "CONTRIBUTING.md"))]
)
_TITLE = re.compile(r'title="([^"]+)"')


@dataclass(frozen=True)
class Block:
    """A fenced block.

    Args:
        language: its first word.
        text: what it holds.
        title: the file it is to be written to, empty if it is to be run.
        left_out: why it is not run, from a comment right before it; empty if it is.
    """

    language: str
    text: str
    title: str
    left_out: str


def blocks(page: Path) -> list[Block]:
    found, before = [], ""
    for token in MarkdownIt().enable("table").parse(page.read_text(encoding="utf-8")):
        if token.type == "html_block":
            before = token.content
        elif token.type == "fence":
            why = re.search(r"<!-- not run: (.*?) -->", before)
            title = _TITLE.search(token.info)
            language = (token.info.split() or [""])[0]
            found.append(Block(language, token.content, title[1] if title else "", why[1] if why else ""))
            before = ""
        elif token.type == "inline":
            before = ""
    return found


def commands(page: Path) -> list[list[str]]:
    """Return every ``kernelevo`` command of a page: of its shell blocks, and those in code spans."""
    text = page.read_text(encoding="utf-8")
    lines = [line for block in blocks(page) if block.language == "sh" for line in block.text.splitlines()]
    # untitled blocks without a language show commands too
    lines += [line for block in blocks(page) if not block.language for line in block.text.splitlines()]
    lines += re.findall(r"(?<!`)`(kernelevo [a-z]+[^`]*)`(?!`)", text)
    found = []
    for line in lines:
        words = shlex.split(line, comments=True) if line.strip().startswith("kernelevo ") else []
        if words[1:] and not words[1].isupper():
            found.append(words[1:])
    return found
