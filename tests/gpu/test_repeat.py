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
