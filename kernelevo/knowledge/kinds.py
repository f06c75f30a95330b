"""Kinds: which families of kernels a module's text consists of, as words that notes name too."""

from __future__ import annotations

import re

from kernelevo.core import Task

_SIGNS = {
    "attention": r"MultiheadAttention|scaled_dot_product|softmax\(.*\n?.*@|attn",
    "softmax": r"softmax",
    "layernorm": r"LayerNorm|layer_norm|RMSNorm",
    "batchnorm": r"BatchNorm|batch_norm",
    "depthwise": r"groups\s*=\s*(?!1\b)\w+",
    "convolution": r"Conv[123]d|conv[123]d",
    "pooling": r"Pool[12]d|pool[12]d|AvgPool|MaxPool",
    "recurrent": r"nn\.(?:LSTM|GRU|RNN)\b|LSTMCell|for \w+ in x\b|torch\.tanh\(self\.\w*cell|i2h|hidden",
    "scan": r"cumsum|cumprod|associative|segsum",
    "matmul": r"nn\.Linear|F\.linear|matmul|einsum|\bbmm\b|addmm| @ ",
    "activation": r"GELU|gelu|SiLU|silu|[Rr]e[Ll][Uu]|tanh|sigmoid",
    "reduction": r"\.sum\(|\.mean\(|\.norm\(|F\.normalize|logsumexp|\.amax\(",
}
KINDS = tuple(_SIGNS)


def kinds_of(text: str) -> tuple[str, ...]:
    """Return the kinds that a module's source shows, in a fixed order; none for other programs."""
    return tuple(kind for kind, sign in _SIGNS.items() if re.search(sign, text))


def kinds_of_task(task: Task) -> tuple[str, ...]:
    """Return the kinds that the source of a task's reference shows: its file, or a live module's classes."""
    spec = task.options.get("reference", {})
    return kinds_of(str(spec.get("text") or spec.get("classes") or ""))
