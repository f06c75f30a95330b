"""Parcels: files that travel, and where they are found then."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernelevo.core import Parcel, here
from kernelevo.core.parcel import DELIVERED


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "from" / "data").mkdir(parents=True)
    (tmp_path / "from" / "tsp.py").write_text("text")
    (tmp_path / "from" / "data" / "cities.csv").write_bytes(b"\x00\xff")
    return tmp_path / "from"


def test_files_lie_to_each_other_as_before(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, data = folder / "tsp.py", folder / "data" / "cities.csv"
    parcel = Parcel.pack([file, data, folder, folder / "missing"])
    assert parcel.is_here and set(parcel.files) == {str(file), str(data)}
    file.write_text("edited")
    assert not parcel.is_here
    file.unlink()
    assert not parcel.is_here and here(file) == file
    parcel.unpack(tmp_path / "to")
    monkeypatch.setenv(DELIVERED, str(tmp_path / "to"))
    place = here(file)
    assert place.read_text() == "text" and place.is_relative_to(tmp_path / "to")
    assert (place.parent / "data" / "cities.csv").read_bytes() == b"\x00\xff"
    assert here(folder) == place.parent
    assert here(tmp_path / "other.py") == tmp_path / "other.py"
    assert here(Path("relative.py")) == Path("relative.py")


def test_too_much_is_left_where_it_is(folder: Path) -> None:
    files = [folder / "tsp.py", folder / "data" / "cities.csv"]
    assert len(Parcel.pack(files, largest=6).files) == 2
    assert Parcel.pack(files, largest=5) == Parcel() and Parcel().is_here


@given(
    st.dictionaries(st.from_regex(r"/[a-z]{1,3}/[a-z]{1,3}\.[a-z]", fullmatch=True), st.binary(max_size=9))
)
def test_what_comes_out_is_what_went_in(
    tmp_path_factory: pytest.TempPathFactory, files: dict[str, bytes]
) -> None:
    folder = tmp_path_factory.mktemp("node")
    Parcel(files).unpack(folder)
    assert {f"/{p.relative_to(folder)}": p.read_bytes() for p in folder.rglob("*") if p.is_file()} == files
