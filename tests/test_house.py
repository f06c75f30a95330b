"""Rules of the house that no linter checks: sizes, names, docstrings, links, what papers promise."""

import ast
import re
import subprocess
import tomllib
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
OURS = ("kernelevo", "tests", "benchmarks", "kernelbench_tasks", "csrc")
# bundled programs are what their proposers wrote; a test file may hold some more cases
LONGEST_FILE = 400
LONGEST_FUNCTION = 60
GRAB_BAGS = {"utils", "util", "helpers", "helper", "misc", "common"}
NAMES = ("README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md")
PAPERS = [name for name in NAMES if (ROOT / name).is_file()]
PAPERS += sorted(str(page.relative_to(ROOT)) for page in ROOT.glob("docs/**/*.md"))
# pages that docs/generated.py makes, and what they are made of
GENERATED = {
    ROOT / "docs/explanation/architecture.md": ROOT / "ARCHITECTURE.md",
    ROOT / "docs/reference/cli.md": ROOT / "kernelevo/cli/main.py",
    ROOT / "docs/reference/settings.md": ROOT / "kernelevo/config/settings.py",
}
# folders that exist on one machine only; put together here so that this file does not mention them
HOMES = re.compile("/(root|work|home/[a-z]+|Users/[A-Za-z]+)/")
TEXTS = {".py", ".md", ".toml", ".txt", ".h", ".cuh", ".cpp", ".cu", ".yml", ".yaml", ""}


@cache
def tracked() -> tuple[Path, ...]:
    """Every file that is part of the project: what git knows, or what lies there where there is no git."""
    try:
        command = ["git", "ls-files", "-co", "--exclude-standard"]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
        listed = [ROOT / name for name in done.stdout.splitlines()]
    except (OSError, subprocess.CalledProcessError):
        listed = [path for folder in OURS for path in (ROOT / folder).rglob("*")]
    return tuple(path for path in listed if path.is_file())


def sources(*folders: str) -> list[Path]:
    return [p for p in tracked() if p.suffix == ".py" and p.relative_to(ROOT).parts[0] in folders]


def named(path: Path) -> str:
    return str(path.relative_to(ROOT))


def test_no_grab_bags():
    assert [named(p) for p in sources(*OURS) if p.stem in GRAB_BAGS] == []


def test_a_file_is_one_noun_of_at_most_so_many_lines():
    files = [p for p in tracked() if p.suffix in {".py", ".h", ".cuh", ".cpp", ".cu"}]
    lines = {named(p): len(p.read_text("utf-8").splitlines()) for p in files}
    programs = ("kernelbench_tasks/solutions/", "benchmarks/gpu/programs/")  # one file each, as judged
    written = {k: n for k, n in lines.items() if not k.startswith(programs)}
    assert {k: n for k, n in written.items() if n > LONGEST_FILE + 100 * k.startswith("tests/")} == {}


def test_a_function_is_a_screen():
    long = {}
    for path in sources("kernelevo"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                lines = node.end_lineno - node.body[0].lineno + 1
                doc = node.body[0] if ast.get_docstring(node) else None
                lines -= doc.end_lineno - doc.lineno + 1 if doc else 0
                if lines > LONGEST_FUNCTION:
                    long[f"{named(path)}:{node.name}"] = lines
    assert long == {}


def test_every_module_says_what_it_is():
    modules = sources("kernelevo", "benchmarks")
    assert [named(p) for p in modules if not ast.get_docstring(ast.parse(p.read_text("utf-8")))] == []


def test_no_path_of_one_machine_in_the_tree():
    found = []
    for path in tracked():
        if path.suffix in TEXTS and path != Path(__file__):
            for number, line in enumerate(path.read_text("utf-8", errors="replace").splitlines(), 1):
                if HOMES.search(line):
                    found.append(f"{named(path)}:{number}: {line.strip()[:80]}")
    assert found == []


@pytest.mark.parametrize("paper", PAPERS)
def test_links_resolve(paper):
    text = re.sub(r"```.*?```", "", (ROOT / paper).read_text("utf-8"), flags=re.S)
    targets = [t for t in re.findall(r"\]\(([^)\s]+)\)", text) if ":" not in t]
    missing = []
    for target in targets:
        file, _, anchor = target.partition("#")
        where = (ROOT / paper).parent / file if file else ROOT / paper
        where = GENERATED.get(where.resolve(), where)
        if not where.exists() or (anchor and anchor not in anchors(where)):
            missing.append(target)
    assert missing == []


def anchors(page: Path) -> set[str]:
    """Anchors of a page's headings, as GitHub makes them."""
    heads = re.findall(r"^#+ +(.*)$", page.read_text("utf-8"), flags=re.M)
    return {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}


def blocks(paper: str, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", (ROOT / paper).read_text("utf-8"), flags=re.S)


@pytest.mark.parametrize("paper", PAPERS)
def test_python_in_the_papers_parses_and_names_what_exists(paper):
    import kernelevo

    for block in blocks(paper, "python"):
        for node in ast.walk(ast.parse(block)):
            if isinstance(node, ast.Attribute) and ast.unparse(node.value) == "kernelevo":
                assert hasattr(kernelevo, node.attr), f"{paper}: kernelevo.{node.attr}"


@pytest.mark.parametrize("paper", PAPERS)
def test_commands_in_the_papers_exist(paper):
    """Every `kernelevo VERB --flag` and `make TARGET` of the papers is one that there is."""
    import typer

    from kernelevo.cli.main import app

    verbs = typer.main.get_command(app).commands
    shell = "\n".join(blocks(paper, "sh") + blocks(paper, "bash") + blocks(paper, "console"))
    text = shell + "\n" + "\n".join(re.findall(r"`([^`\n]+)`", (ROOT / paper).read_text("utf-8")))
    for verb, rest in re.findall(r"^\$? ?kernelevo +([a-z]+)\b([^\n]*)", text, flags=re.M):
        assert verb in verbs, f"{paper}: kernelevo {verb}"
        known = {name for p in verbs[verb].params for name in (*p.opts, *p.secondary_opts)}
        for flag in re.findall(r"(?<=\s)(--[a-z][a-z-]*)", rest):
            assert flag in known | {"--help"}, f"{paper}: kernelevo {verb} {flag}"
    targets = set(re.findall(r"^([a-z][a-z-]*):", (ROOT / "Makefile").read_text("utf-8"), flags=re.M))
    for target in re.findall(r"^(?:\$ )?make +([a-z][a-z-]*)", text, flags=re.M):
        assert target in targets, f"{paper}: make {target}"


def test_dependencies_are_named_in_the_architecture_page():
    """A dependency is added in the same commit as its line there."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    page = (ROOT / "ARCHITECTURE.md").read_text("utf-8").lower()
    names = [re.split(r"[<>=~; \[]", line, maxsplit=1)[0].lower() for line in project["dependencies"]]
    assert [name for name in names if name not in page] == []
