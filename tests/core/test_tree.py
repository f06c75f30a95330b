"""Programs as folders: read, laid down, changed."""

import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernelevo.core import Origin, Program, listing, read_tree, write_tree
from kernelevo.core import tree as module
from kernelevo.core.program import path_problem
from kernelevo.errors import BadProgram

NAMES = st.lists(st.sampled_from(["a.py", "b/c.py", "b/d.txt", "e.h", "f"]), unique=True)
TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r\ufeff"), max_size=40)


@given(st.data())
def test_what_is_written_is_read_again(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    folder = tmp_path_factory.mktemp("tree")
    names = ["program.py", *data.draw(NAMES)]
    program = Program({name: data.draw(TEXTS) for name in names})
    write_tree(program, folder)
    again = read_tree(folder, origin=Origin("file", "x"))
    assert again == program and again.files == program.files and again.origin.idea == "x"


@pytest.mark.parametrize(
    ("name", "entry", "language"),
    [("x.py", "program.py", "python"), ("x.cpp", "program.cpp", "cpp"), ("x.txt", "program.py", "python")],
)
def test_a_file_becomes_the_entry(tmp_path: Path, name: str, entry: str, language: str) -> None:
    (tmp_path / name).write_text("text")
    program = read_tree(tmp_path / name)
    assert (program.entry, program.source, program.language) == (entry, "text", language)


def test_the_mark_that_editors_put_before_a_text_is_none_of_it(tmp_path: Path) -> None:
    (tmp_path / "x.py").write_bytes(b"\xef\xbb\xbfx = 1\n")
    assert read_tree(tmp_path / "x.py").source == "x = 1\n"


def test_hidden_files_and_caches_are_left_out(tmp_path: Path) -> None:
    for name in (".git/config", "__pycache__/program.pyc", "program.py", "lib/__pycache__/x.pyc", "lib/x.py"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"\xff" if name.endswith("pyc") else b"x = 1\n")
    assert list(read_tree(tmp_path).files) == ["lib/x.py", "program.py"]


def test_what_is_no_program_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(BadProgram, match="there is no file"):
        read_tree(tmp_path / "nothing")
    with pytest.raises(BadProgram, match="holds no file"):
        read_tree(tmp_path)
    (tmp_path / "a.py").write_text("a")
    (tmp_path / "b.py").write_text("b")
    with pytest.raises(BadProgram, match=r"has no program\.py"):
        read_tree(tmp_path)
    (tmp_path / "program.py").write_bytes(b"\xff\xfe")
    with pytest.raises(BadProgram, match="cannot be read as text"):
        read_tree(tmp_path)
    (tmp_path / "program.py").unlink()
    (tmp_path / "program.py").symlink_to("/etc/hostname")
    with pytest.raises(BadProgram, match="is a link"):
        read_tree(tmp_path)
    (tmp_path / "program.py").unlink()
    (tmp_path / "program.py").write_text("x")
    monkeypatch.setattr(module, "MOST_FILES", 2)
    with pytest.raises(BadProgram, match="3 files"):
        read_tree(tmp_path)
    monkeypatch.setattr(module, "MOST_BYTES", 1024)
    (tmp_path / "a.py").write_text("x" * 2048)
    with pytest.raises(BadProgram, match="1 files, 2 KiB"):
        read_tree(tmp_path / "a.py")


def test_a_changed_program_is_a_child_of_the_old_one() -> None:
    program = Program({"program.py": "a", "lib.py": "b"}, origin=Origin("x", "idea"))
    child = program.changed({"lib.py": "c", "new.py": "d"}, origin=Origin("y"))
    assert child.files == {"lib.py": "c", "new.py": "d", "program.py": "a"}
    assert child.parents == (program.id,) and child.origin.proposer == "y"
    assert program.changed({"lib.py": None}).files == {"program.py": "a"}
    assert program.changed({"lib.py": "b"}) == program  # the same content is the same program
    with pytest.raises(KeyError):
        program.changed({"no.py": None})
    with pytest.raises(ValueError, match="at least one file"):
        program.changed({"program.py": None, "lib.py": None})
    with pytest.raises(ValueError, match="not a path inside"):
        program.changed({"../x.py": "y"})


@pytest.mark.parametrize(
    ("paths", "words"),
    [
        (["a//b"], "not a path"), (["./a"], "not a path"), (["a/"], "not a path"), (["a\nb"], "not a path"),
        (["\ud800"], "not a path"), (["a\\b"], "not a path"), (["a" * 201], "too long"),
        (["a", "a/b"], "'a' is a file of the program and a folder"), (["x/y/z", "x/y"], "'x/y' is a file"),
    ],
)  # fmt: skip
def test_paths_that_no_folder_can_hold(paths: list[str], words: str) -> None:
    assert words in path_problem(["program.py", *paths])
    with pytest.raises(ValueError, match=words):
        Program(dict.fromkeys(["program.py", *paths], ""))


@given(st.lists(st.text("ab./\\ \n\0é\ud800", max_size=6), min_size=1, max_size=4, unique=True))
def test_what_may_be_a_path_can_be_written(paths: list[str]) -> None:
    if not path_problem(paths):
        with tempfile.TemporaryDirectory() as folder:
            write_tree(Program({path: f"text of {path}" for path in paths}), Path(folder))
            files = {p.relative_to(folder).as_posix() for p in Path(folder).rglob("*") if p.is_file()}
            assert files == set(paths)


def test_a_listing_heads_files_where_there_are_several() -> None:
    assert listing(Program.single("x\n")) == "x\n"
    text = listing(Program({"program.py": "a\n", "b.py": "b"}))
    assert text == "# ---- b.py ----\nb\n\n# ---- program.py ----\na\n"


def test_the_entry_of_several_files_without_one_is_an_error() -> None:
    with pytest.raises(ValueError, match=r"no program\.py"):
        _ = Program({"a.py": "", "b.py": ""}).entry
