"""The pages of the documentation: their code blocks."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from markdown_it import MarkdownIt

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted((ROOT / "docs").rglob("*.md"))
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
