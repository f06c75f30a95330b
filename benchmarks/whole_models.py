"""What optimised hotspots are worth to the whole model: ``kernelevo.optimize(model, inputs, hotspots=n)``.

``python -m benchmarks.whole_models`` searches each model's hotspots without a language model and times the
whole model against itself, then ``torch.compile``'s against the model, each pair in ABBA blocks in one
process. Rows go to ``benchmarks/results/whole-models.json`` as they come. Nothing else should run meanwhile.
"""

from __future__ import annotations

import argparse
import copy
import json
import math
import sys
import time
from pathlib import Path
from typing import Any

import cloudpickle
import torch

import kernelevo
from kernelevo.api.hotspots import Stitched
from kernelevo.backends.reference import load_reference
from kernelevo.device.statistics import Estimate
from kernelevo.kernels.stitching import gain
from kernelevo.tasks import load_task

RESULTS = Path(__file__).parent / "results" / "whole-models.json"
ENCODER = "nn.TransformerEncoder"
NAMES = ("kernelbench:3/10", "kernelbench:3/29", ENCODER)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "names", nargs="*", default=list(NAMES), help=f"{ENCODER}, or tasks whose modules are the models"
    )
    parser.add_argument("--budget", default="4m", help="of a model's searches together")
    parser.add_argument("--hotspots", type=int, default=2)
    parser.add_argument("--size", default="small")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--to", type=Path, default=RESULTS)
    given = parser.parse_args()
    rows = json.loads(given.to.read_text("utf-8")) if given.to.is_file() else {}
    for name in given.names:
        rows[name] = measured(name, given)
        given.to.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
        print(line(name, rows[name]), flush=True)
    print("\n| model | its parts | whole model / eager [95 %] | the same of torch.compile | error vs fp64 |")
    print("|---|---|---|---|---|\n" + "\n".join(line(name, row) for name, row in rows.items()))


def measured(name: str, given: argparse.Namespace) -> dict[str, Any]:
    """Search a model's hotspots and time the whole; returns a row of plain data."""
    model, inputs = encoder() if name == ENCODER else of_task(name, given.size)
    began = time.monotonic()
    whole: Stitched = kernelevo.optimize(
        model, inputs, hotspots=given.hotspots, budget=given.budget, seed=given.seed, progress=False
    )
    seconds = time.monotonic() - began
    compiled = gain(model, Compiled(model), [inputs])
    return {
        "model": type(model).__name__,
        "size": "" if name == ENCODER else given.size,
        "budget": given.budget,
        "seconds": round(seconds, 1),
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
        "parts": [
            {
                "kind": part.kind,
                "places": len(part.paths),
                "share": round(part.share, 3),
                "score": part.result.evaluation.score if part.result and part.result.evaluation else None,
                "inside": plain(part.inside) if part.inside else None,
                "idea": part.program.origin.idea if part.program else None,
                "replaced": len(part.replaced),
                "why_not": part.kept_for,
            }
            for part in whole.parts
        ],
        "whole": plain(whole.whole),
        "compile": plain(compiled),
        "error": whole.error,
        "reference_error": whole.reference_error,
    }


def encoder() -> tuple[torch.nn.Module, tuple[torch.Tensor, ...]]:
    """Return PyTorch's encoder of four layers, in evaluation mode, and 16 sequences of 128 vectors of 256."""
    torch.manual_seed(0)
    layer = torch.nn.TransformerEncoderLayer(256, 8, 1024, batch_first=True)
    model = torch.nn.TransformerEncoder(layer, 4, enable_nested_tensor=False)
    return model.eval(), (torch.randn(16, 128, 256),)


def of_task(name: str, size: str) -> tuple[torch.nn.Module, tuple[Any, ...]]:
    """Return a task's module and inputs."""
    reference = load_reference(load_task(name, size=size, device="cpu").options["reference"])
    # no other process could import the task's text by the name that it has here
    cloudpickle.register_pickle_by_value(sys.modules[reference.module_name])
    return reference.build(0), reference.inputs(0)


class Compiled(torch.nn.Module):
    """A model behind ``torch.compile``; a copy of it compiles its own."""

    def __init__(self, model: torch.nn.Module) -> None:
        super().__init__()
        self._plain = copy.deepcopy(model)
        self._compiled: Any = None

    def __deepcopy__(self, memo: dict[int, Any]) -> Compiled:
        return Compiled(self._plain)

    def forward(self, *args: Any) -> Any:
        """Compile at the first call."""
        if self._compiled is None:
            self._compiled = torch.compile(self._plain)
        return self._compiled(*args)


def plain(estimate: Estimate) -> dict[str, Any]:
    """Return a ratio as plain data; an end of its interval that does not exist is None."""
    ends = {"low": estimate.low or None, "high": estimate.high if math.isfinite(estimate.high) else None}
    return {"ratio": estimate.ratio, **ends, "blocks": estimate.blocks}


def line(name: str, row: dict[str, Any]) -> str:
    """One row of the Markdown table."""
    parts = "; ".join(
        f"{p['kind']} ({p['share']:.0%}): {p['score'] or 1:.2f} alone, "
        f"{p['inside']['ratio'] if p['inside'] else 1:.2f} in the model, "
        f"{p['replaced']} of {p['places']} replaced"
        for p in row["parts"]
    )
    whole, compiled = (
        f"{e['ratio']:.2f} [{e['low']:.2f}, {e['high']:.2f}]" for e in (row["whole"], row["compile"])
    )
    return f"| {name} {row['model']} | {parts} | {whole} | {compiled} | {row['error']:.1e} |"


if __name__ == "__main__":
    main()
