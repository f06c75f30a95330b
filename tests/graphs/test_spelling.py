import pytest
import torch
from torch import fx, nn

from kernelevo.graphs.capture import capture
from kernelevo.graphs.printing import print_program
from kernelevo.graphs.spelling import Speller
from tests.graphs.programs import difference, load

aten = torch.ops.aten


class Cache(nn.Module):
    """Keys are written at given places of a buffer, as language models that generate do."""

    def __init__(self):
        super().__init__()
        self.register_buffer("keys", torch.zeros(2, 3, 8, 4))

    def forward(self, k, at):
        self.keys[:, :, at] = k
        return self.keys.sum((1, 3)) + 1


class Written(nn.Module):
    def __init__(self, write):
        super().__init__()
        self.write = write

    def forward(self, x, at):
        y = x * 2
        self.write(y, at)
        return y


def last_places(y, at):
    y[..., at] = 1


def masked_columns(y, at):
    y[:, at > 0] = 0


@pytest.mark.parametrize(
    ("module", "inputs"),
    [
        (Cache(), (torch.randn(2, 3, 2, 4), torch.tensor([5, 1]))),
        (Written(last_places), (torch.randn(2, 3), torch.tensor([1, 0]))),
        (Written(masked_columns), (torch.randn(2, 3, 4), torch.tensor([1, 0, 2]))),
    ],
)
def test_writes_behind_whole_dimensions_are_printed(module, inputs, tmp_path):
    captured = capture(module, inputs)
    program = load(print_program(captured), tmp_path, module)
    assert difference(captured, program) == ""


class Sparse(nn.Module):
    def __init__(self):
        super().__init__()
        self.register_buffer("at", torch.tensor([[0, 1], [1, 2]]))

    def forward(self, x):
        return torch.sparse_coo_tensor(self.at, x, (3, 4), dtype=torch.float64).to_dense() + 1


def test_a_sparse_tensor_is_printed(tmp_path):
    module = Sparse()
    captured = capture(module, (torch.randn(2),))
    program = load(print_program(captured), tmp_path, module)
    assert difference(captured, program) == ""


@pytest.mark.filterwarnings("ignore:Sparse")  # once a process, that they are in beta state
@pytest.mark.parametrize("kind", ["csr", "csc", "bsr", "bsc"])
@pytest.mark.parametrize("sized", [False, True])
def test_compressed_tensors_are_spelled_as_their_schema_reads(kind, sized):
    packet = getattr(aten, f"sparse_{kind}_tensor")
    name = "ccol_row_value" if kind[-1] == "c" else "crow_col_value"
    op = getattr(packet, name + "_size" * sized)
    layout = getattr(torch, f"sparse_{kind}")
    values = torch.randn(2, 1, 1) if kind[0] == "b" else torch.randn(2)
    given = {"p": torch.tensor([0, 1, 2]), "i": torch.tensor([0, 1]), "v": values}
    device = torch.device("cpu")
    options = {"dtype": torch.float32, "layout": layout, "device": device, "pin_memory": False}
    graph = fx.Graph()
    nodes = {graph.placeholder(key): key for key in given}
    made = graph.call_function(op, (*nodes, *([[2, 2]] * sized)), options)
    head, args, tail = Speller(nodes, 'torch.device("cpu")').call(made)
    assert head == f"torch.ops.{op}("
    found = eval(head + ", ".join(args) + tail, {"torch": torch, **given})
    assert found.layout is layout and torch.equal(found.to_dense().diagonal(), values.flatten())
