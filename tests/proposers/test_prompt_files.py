"""Prompt files: strict slots, personas, and a person's own files over ours."""

import pytest

from kernelevo.errors import BadSetting
from kernelevo.proposers.prompt_files import SLOTS, PromptFiles, fill

HEAD = '+++\ntemperature = 0.3\ndirection = "Only loops."\n+++\nYou unroll.\n'


def test_ours_are_complete():
    prompts = PromptFiles.load()
    assert set(SLOTS) <= set(prompts.texts)
    kernel = {p.name: p for p in prompts.personas("kernel")}
    assert len(kernel) >= 8 and len({p.direction for p in kernel.values()}) == len(kernel)
    assert len({p.temperature for p in kernel.values()}) > 1
    assert all(len(p.text.split()) > 30 for p in kernel.values())


def test_an_author_is_told_the_tolerances_that_the_judge_holds_to():
    from kernelevo.kernels.reference.correctness import FACTOR, GATE, WIDE_GATE

    told = " ".join(PromptFiles.load().texts["kernel.md"].split())
    gate, wide = (f"{value:.0e}".replace("e-0", "e-") for value in (GATE, WIDE_GATE))
    assert f"off by {gate} + {gate} * |value|, or by {FACTOR:.0f} times" in told
    assert f"in fp64, it may be off by {wide} * |value| or those {FACTOR:.0f} times" in told


def test_an_author_is_told_how_packed_values_are_kept():
    (told,) = (part for part in PromptFiles.load().texts["kernel.md"].split("\n- ") if "packed(" in part)
    assert all(word in told for word in ("in `forward`", "the top level", "the parameters themselves"))


def test_slots_are_filled_in_one_pass_and_must_agree():
    with pytest.raises(KeyError, match="task"):
        PromptFiles.load().fill("kernel.md", {"goal": "x"})
    with pytest.raises(KeyError, match="more"):
        fill("{{a}}", {"a": "1", "more": "2"})
    assert fill("{{a}} {{b}}", {"a": "{{b}}", "b": "1"}) == "{{b}} 1"


def test_own_files_replace_ours_and_add_personas(tmp_path):
    ours = PromptFiles.load()
    (tmp_path / "system.md").write_text("Be brief.\n")
    folder = tmp_path / "personas" / "kernel"
    folder.mkdir(parents=True)
    (folder / "fusion.md").write_text(HEAD)
    (folder / "loops.md").write_text(HEAD)
    own = PromptFiles.load(tmp_path)
    assert own.texts["system.md"] == "Be brief.\n" and own.texts["kernel.md"] == ours.texts["kernel.md"]
    assert len(own.personas("kernel")) == len(ours.personas("kernel")) + 1
    (fusion,) = (p for p in own.personas("kernel") if p.name == "fusion")
    assert (fusion.temperature, fusion.direction, fusion.text) == (0.3, "Only loops.", "You unroll.")
    assert own.digest("system.md") != ours.digest("system.md")
    assert own.digest("kernel.md") == ours.digest("kernel.md")


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("system.md", "{{golf}}", "golf"),
        ("kernel.md", "{{goal}}", "lacks the slot"),
        ("sistem.md", "x", "system.md"),
        ("personas/kernel/x.md", "no head", "no head"),
        ("personas/kernel/x.md", "+++\ntemperature = \n+++\n", "cannot be read"),
        ("personas/kernel/x.md", "+++\ntemperature = 1\n+++\n", "direction"),
        ("personas/kernel/x.md", HEAD.replace("0.3", '"hot"'), "number from 0 to 2"),
        ("personas/kernel/x.md", HEAD.replace("Only loops.", " "), "sentence"),
        ("personas/kernel/x.md", HEAD + "{{goal}}", "nothing fills"),
        ("personas/other/x.md", HEAD, "no prompt of ours"),
    ],
)
def test_wrong_files_are_refused_with_their_name(tmp_path, name, text, message):
    path = tmp_path / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    with pytest.raises(BadSetting, match=message) as caught:
        PromptFiles.load(tmp_path)
    assert name in str(caught.value)


def test_a_folder_that_is_none_or_empty_is_refused(tmp_path):
    with pytest.raises(BadSetting, match="no folder"):
        PromptFiles.load(tmp_path / "missing")
    with pytest.raises(BadSetting, match="no prompt"):
        PromptFiles.load(tmp_path)


def test_bytes_that_are_no_text_are_refused(tmp_path):
    (tmp_path / "system.md").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(BadSetting, match="cannot be read"):
        PromptFiles.load(tmp_path)
