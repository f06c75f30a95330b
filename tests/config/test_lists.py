"""Lists that are given as one text: a comma may be part of a file's name."""

from kernelevo.config import load_settings
from kernelevo.config.lists import names, paths


def test_a_text_that_names_what_is_there_is_one_path(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a,b.py").write_text("")
    assert paths("a,b.py") == ["a,b.py"] and names("a,b.py") == ["a", "b.py"]
    assert paths("c.py, a,b.py,") == ["c.py", "a", "b.py"] and paths("") == []
    assert load_settings({"programs": "a,b.py"}, environ={}).programs == (str(tmp_path / "a,b.py"),)
    assert load_settings({"programs": "c.py,d.py"}, environ={}).programs == (
        str(tmp_path / "c.py"), str(tmp_path / "d.py"),
    )  # fmt: skip
