"""Repeating a program finds what differs now and then; on the CPU here."""

import pytest
import torch

from benchmarks.gpu import repeat

SOFTMAX = """
import torch

class ModelNew(torch.nn.Module):
    calls = 0

    def forward(self, x):
        y = torch.softmax(x, dim=-1)
        ModelNew.calls += 1
        if {when}:
            y[0, 0] += {much}
        return y
"""


@pytest.mark.parametrize(
    ("when", "much", "code", "words"),
    [
        ("False", 0.0, 0, " 0 unlike the first one"),
        ("ModelNew.calls == 3", 1e-7, 1, " 1 unlike the first one"),
        ("True", 0.5, 1, " 0 unlike the first one"),
    ],
)
def test_a_result_that_differs_once_is_found(when, much, code, words, tmp_path, capsys):
    program = tmp_path / "program.py"
    program.write_text(SOFTMAX.format(when=when, much=much))
    given = [str(program), "ops/softmax", "--size", "small", "--device", "cpu", "--seconds", "0"]
    assert repeat.main(given) == code and words in capsys.readouterr().out


def test_what_cannot_be_repeated_is_said(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert repeat.main([str(tmp_path / "none.py"), "ops/softmax"]) == 3
    assert repeat.main([str(tmp_path / "none.py"), "ops/softmax", "--device", "cpu", "--size", "small"]) == 2
    assert "no CUDA device" in capsys.readouterr().err


TASK = """
import torch

class Model(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.register_buffer("calls", torch.zeros(()))

    def forward(self, x):
        {body}

def get_inputs():
    return [torch.ones(3)]

def get_init_inputs():
    return []
"""
DRAWS = "return x + torch.randn_like(x)"
MOVES = "self.calls += 1; return x * self.calls"
PLAIN = "return x * 2"


@pytest.mark.parametrize("body", [DRAWS, MOVES])
def test_what_a_module_draws_and_what_it_keeps_begin_anew(body, tmp_path, capsys):
    (tmp_path / "task.py").write_text(TASK.format(body=body))
    (tmp_path / "program.py").write_text(TASK.format(body=body).replace("Model", "ModelNew"))
    given = [str(tmp_path / "program.py"), str(tmp_path / "task.py"), "--size", "full"]
    assert repeat.main([*given, "--device", "cpu", "--seconds", "0"]) == 0
    assert " 0 unlike the first one, 0.0e+00 from the module" in capsys.readouterr().out


def test_calls_follow_one_another_before_any_is_looked_at(tmp_path, monkeypatch):
    said, equal = [], torch.equal
    monkeypatch.setattr(torch, "noted", said, raising=False)
    monkeypatch.setattr(torch, "equal", lambda a, b: said.append("=") or equal(a, b))
    monkeypatch.setattr(repeat, "seed_torch", lambda seed: said.append("seed"))
    (tmp_path / "task.py").write_text(TASK.format(body=PLAIN))
    program = TASK.format(body=f"torch.noted.append('call'); {PLAIN}").replace("Model", "ModelNew")
    (tmp_path / "program.py").write_text(program)
    given = [tmp_path / "program.py", str(tmp_path / "task.py"), "full", "cpu", 0.0]
    assert repeat.repeated(*given) == (repeat.BURST, 0, 0.0)
    end = ["call"] * repeat.BURST + ["="] * repeat.BURST
    assert said[-len(end) :] == end and said.count("call") == repeat.BURST + 1
    monkeypatch.setattr(repeat, "ROOM", 60)  # two calls of 12 bytes in and out each
    assert repeat.repeated(*given)[0] == 2
