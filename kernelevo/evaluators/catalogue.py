"""The evaluators that come with kernelevo: name -> module that registers it when it is imported."""

from __future__ import annotations

OURS: dict[str, str] = {
    "kernel": "kernelevo.evaluators.kernel",
}
