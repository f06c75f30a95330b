"""Pages that are made from the code when the documentation is built: verbs, settings, architecture."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

ROOT = Path(__file__).resolve().parents[1]


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the generated pages."""
    pages = {
        "reference/cli.md": command_line(),
        "reference/settings.md": settings(),
        "explanation/architecture.md": architecture(),
    }
    for name, text in pages.items():
        files.append(File.generated(config, name, content=text))
    return files


def command_line() -> str:
    """Return the page of all verbs, from what ``--help`` prints."""
    import typer

    from kernelevo.cli.main import app

    group: Any = typer.main.get_command(app)
    parts = ["# Command line", "", str(group.help), "", str(group.epilog or "")]
    parts += [text for name, verb in group.commands.items() for text in _verb(name, verb)]
    return "\n".join(parts) + "\n"


def _verb(name: str, verb: Any, above: str = "kernelevo") -> list[str]:
    if getattr(verb, "commands", None):
        inner = [text for n, v in verb.commands.items() for text in _verb(n, v, f"{above} {name}")]
        return [f"\n## {above} {name}\n", str(verb.help or ""), *inner]
    places = [p for p in verb.params if p.param_type_name == "argument"]
    flags = [p for p in verb.params if p.param_type_name == "option"]
    words = " ".join(p.name.upper() if p.required else f"[{p.name.upper()}]" for p in places)
    lines = [f"\n## {above} {name}\n", f"`{above} {name} {words}`\n".replace(" `", "`"), str(verb.help or "")]
    rows = [f"| `{p.name.upper()}` | {_cell(p)} |" for p in places]
    rows += [f"| `{'` `'.join([*p.opts, *p.secondary_opts])}` | {_cell(p)} |" for p in flags]
    return [*lines, "", "| | |", "|---|---|", *rows] if rows else lines


def _cell(parameter: Any) -> str:
    told = str(getattr(parameter, "help", None) or "").replace("|", "\\|").replace("\n", " ")
    usual = parameter.default
    plain = isinstance(usual, (str, int, float, Path)) and not isinstance(usual, bool)
    return f"{told}; default {usual}" if plain and "default" not in told else told


def settings() -> str:
    """Return the page of all settings, from the class that holds them."""
    from kernelevo.config import ModelTable, Settings

    head = (
        "# Settings\n\nEach is a flag of `kernelevo run` (with `-` for `_`), a keyword of `optimize` "
        "and a key of the `[run]` table of a TOML file (`--config FILE`), but for `models`, whose tables are "
        "`[models.NAME]` there. Flags win over the environment "
        "(`KERNELEVO_MODEL`, `KERNELEVO_BASE_URL`), which wins over the file. The key of an endpoint is read "
        "from the environment alone.\n"
    )
    example = (
        '```toml\n[run]\nbudget = "200"  # text, as on the command line\nproposers = ["rewrite", '
        '"llm"]\nmodel = "my-model"\n\n[models.my-model]\nbase_url = "http://localhost:8000/v1"\n'
        "concurrency = 8\n```\n"
    )
    models = "## A model's table\n\nKeys of `[models.NAME]`; each may be left out.\n"
    return "\n".join([head, example, *_table(Settings), "", models, *_table(ModelTable), ""])


def _table(settings: type[Any]) -> list[str]:
    """Return a table of a dataclass's fields, with the words of its docstring."""
    told = re.split(r"\n        (?=\w+: )", str(settings.__doc__).split("Args:", 1)[1].split("Raises:")[0])
    found = (re.match(r"(\w+): (.*)", text.strip(), re.S) for text in told)
    words = {m[1]: " ".join(m[2].split()).replace("``", "`") for m in found if m}
    rows = [f"| `{f.name}` | `{_usual(f)!r}` | {words[f.name]} |" for f in dataclasses.fields(settings)]
    return ["| setting | default | what it does |", "|---|---|---|", *rows]


def _usual(field: dataclasses.Field[Any]) -> Any:
    made = field.default_factory
    return field.default if made is dataclasses.MISSING else made()


def architecture() -> str:
    """Return the architecture page, its links into the repository as text."""
    text = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    return re.sub(r"\[([^\]]+)\]\((?!http|#)[^)]*\)", r"\1", text)
