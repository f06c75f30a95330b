"""Which of the programs that come with kernelevo a machine takes."""

from kernelevo.device.facts import cpu_facts
from kernelevo.tasks import library


def test_a_processor_without_wide_vectors_prefers_programs_made_for_it():
    assert library.shelves("cpu", ["avx2", "fma"]) == ("cpu-avx2", "cpu")
    assert library.shelves("cpu", ["avx2", "avx512f"]) == ("cpu",)
    assert library.shelves("cuda") == ("cuda",)
    assert library.shelves("cpu") == library.shelves("cpu", cpu_facts()["features"])


def test_solutions_are_found_by_task_and_variant(tmp_path, monkeypatch):
    monkeypatch.setattr(library, "root", lambda: tmp_path)
    monkeypatch.setattr(library, "bundled", lambda: {"ops/softmax": None, "kernelbench:3/9": None})
    for place in (
        "cpu/kernelbench_3_9@he/b.py",
        "cpu/kernelbench_3_9@he/a.py",
        "cpu/other/a.py",
        "cuda/ops_softmax/x.py",
    ):
        (tmp_path / "solutions" / place).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "solutions" / place).write_text("")
    found = library.solutions("cpu")
    assert {name: [p.name for p in paths] for name, paths in found.items()} == {
        "kernelbench:3/9@he": ["a.py", "b.py"]
    }
    assert list(library.solutions("cuda")) == ["ops/softmax"] and library.solutions("cpu-avx2") == {}
