"""Run by test_samples in a process of its own: a Triton sample's values in the interpreter, as JSON."""

import importlib.util
import json
import sys

import torch
from torch.nn import functional as F


def idioms(module):
    x, bias = torch.randn(3, 300), torch.randn(300)
    y = torch.empty_like(x)
    module.bias_relu[(3, 2)](x, bias, y, 3, 300, BLOCK=256)
    return y, torch.relu(x.double() + bias.double())


def softmax(module):
    x = torch.randn(4, 100) * 20 + 300
    y = torch.empty_like(x)
    module.softmax[(4,)](x, y, 100, BLOCK=128)
    return y, x.double().softmax(1)


def layer_norm(module):
    x, other, w, b = torch.randn(4, 100) + 5, torch.randn(4, 100), torch.randn(100), torch.randn(100)
    y = torch.empty_like(x)
    module.add_layer_norm[(4,)](x, other, w, b, y, 100, 1e-5, BLOCK=128)
    return y, F.layer_norm(x.double() + other.double(), (100,), w.double(), b.double())


def product(module):
    a, b = torch.randn(40, 300), torch.randn(300, 50)
    y = torch.empty(40, 50)
    module.product[(2, 2)](a, b, y, 40, 50, 300, M=32, N=32, K=32, CHUNK=128)
    return y, a.double() @ b.double()


def attention(module):
    q, k, v = (torch.randn(2, 75, 32) for _ in range(3))
    y = torch.empty_like(q)
    module.attend[(3, 2)](q, k, v, y, 75, 32**-0.5, QUERIES=32, KEYS=32, DIM=32)
    return y, F.scaled_dot_product_attention(q.double(), k.double(), v.double(), is_causal=True)


CHECKS = {
    "triton-idioms": idioms,
    "triton-softmax": softmax,
    "triton-layernorm": layer_norm,
    "triton-split-products": product,
    "triton-attention": attention,
}


def main() -> None:
    torch.manual_seed(0)
    found = {}
    for argument in sys.argv[1:]:
        name, _, path = argument.partition("=")
        spec = importlib.util.spec_from_file_location(name.replace("-", "_"), path)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        ours, wanted = CHECKS[name](module)
        found[name] = float(((ours - wanted).abs() / (1e-5 + 1e-5 * wanted.abs())).max())
    json.dump(found, sys.stdout)


if __name__ == "__main__":
    main()
