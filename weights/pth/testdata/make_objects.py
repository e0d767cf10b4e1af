"""Writes the .pth files of objects.json, which hold more than plain tensors, with
PyTorch, and objects.json with what they hold: for each file and tensor the shape,
the type and the values as PyTorch's float() or dequantize() gives them.

    python3 make_objects.py

It was last run with PyTorch 1.13 and NumPy 1.24.
"""

import argparse
import collections
import datetime
import enum
import functools
import json
import os
import pathlib

import numpy as np
import torch
from torch import nn

torch.manual_seed(0)
folder = os.path.dirname(os.path.abspath(__file__))
expected = {}


class Meter:
    """An author's own class, with a tensor in it."""

    def __init__(self):
        self.average, self.best = 0.5, torch.tensor([1.0, 2.0])


class Reduced:
    def __reduce__(self):
        return Reduced, (), {"state": 1}


class Stated:
    def __getstate__(self):
        return (1, [2])

    def __setstate__(self, state):
        pass


class Slotted:
    __slots__ = ["a"]

    def __init__(self):
        self.a = 1


class Mode(enum.Enum):
    TRAIN = 1


Pair = collections.namedtuple("Pair", "a b")


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(1, 2, 3)
        self.norm = nn.BatchNorm2d(2)
        self.fc = nn.Linear(8, 3)
        self.plain = nn.Linear(3, 2, bias=False)

    def forward(self, x):
        x = torch.relu(self.norm(self.conv(x)))
        return self.plain(self.fc(torch.flatten(x, 1)))


def note(file, state):
    tensors = {}
    for name, t in state.items():
        values = t.dequantize() if t.is_quantized else t.float()
        tensors[name] = {"shape": list(t.shape), "dtype": str(t.dtype).removeprefix("torch."),
                         "bits": values.contiguous().view(torch.int32).reshape(-1).tolist()}
    expected[file] = tensors


def save(file, value, **options):
    torch.save(value, os.path.join(folder, file), **options)


net = Net()
state = net.state_dict()
checkpoint = {
    "net": state,
    "acc": np.float64(0.25), "step": np.int64(7), "flag": np.bool_(True), "half": np.float32(1.5), "epoch": 3, "name": "résumé",
    "args": argparse.Namespace(lr=0.1, out=pathlib.Path("/tmp/x"), nested=argparse.Namespace(a=1)),
    "path": pathlib.PurePosixPath("runs/1"), "counts": collections.Counter("abca"), "when": datetime.datetime(2026, 1, 2, 3, 4),
    "span": datetime.timedelta(3), "mode": Mode.TRAIN, "labels": {"a", "b"}, "frozen": frozenset({1}), "pair": Pair(1, "x"),
    "best": collections.defaultdict(list, {"a": [1]}), "order": collections.OrderedDict(a=1), "queue": collections.deque([1, 2], 5),
    "meter": Meter(), "reduced": Reduced(), "stated": Stated(), "slotted": Slotted(), "schedule": functools.partial(max, 1),
    "function": len, "class": Net, "dtype": np.dtype("f4"), "array": np.arange(3), "slice": slice(1, 2), "range": range(3), "number": 1 + 2j,
    "big": 1 << 2000, "ellipsis": ..., "bytes": b"abc", "device": torch.device("cpu"), "size": torch.Size([1]),
    "generator": np.random.RandomState(1).get_state(), "losses": [0.5, np.float64(0.25), 0.125],
}
for protocol in (2, 4, 5):
    save(f"objects_protocol{protocol}.pth", checkpoint, pickle_protocol=protocol)
    note(f"objects_protocol{protocol}.pth", state)
save("objects_legacy.pth", checkpoint, _use_new_zipfile_serialization=False)
note("objects_legacy.pth", state)

quantised = torch.quantization.quantize_dynamic(Net(), {nn.Linear}, dtype=torch.qint8)
save("quantised.pth", quantised.state_dict())
save("quantised_legacy.pth", quantised.state_dict(), _use_new_zipfile_serialization=False)
save("quantised_whole.pth", quantised)
weights = {}
for name, value in quantised.state_dict().items():
    if name.endswith("_packed_params._packed_params"):
        layer = name.removesuffix("_packed_params._packed_params")
        weights[layer + "weight"] = value[0]
        if value[1] is not None:
            weights[layer + "bias"] = value[1].detach()
    elif torch.is_tensor(value) and not name.endswith((".scale", ".zero_point")):
        weights[name] = value
for file in ("quantised.pth", "quantised_legacy.pth", "quantised_whole.pth"):
    note(file, weights)

scales, zeros = torch.tensor([0.1, 0.25, 1 / 3], dtype=torch.double), torch.tensor([1, 2, 3])
kinds = {
    "tensor_qint8": torch.quantize_per_tensor(torch.randn(2, 5), 0.013, 3, torch.qint8),
    "tensor_quint8": torch.quantize_per_tensor(torch.randn(2, 5), 0.013, 121, torch.quint8),
    "tensor_qint32": torch.quantize_per_tensor(torch.randn(2, 5), 1e-6, -70000, torch.qint32),
    "transposed": torch.quantize_per_tensor(torch.randn(2, 5), 0.013, 3, torch.qint8).t(),
    "channel_qint8": torch.quantize_per_channel(torch.randn(3, 4), scales, zeros, 0, torch.qint8),
    "channel_quint8": torch.quantize_per_channel(torch.randn(2, 3, 2), scales, zeros, 1, torch.quint8),
}
for file, legacy in (("quantised_kinds.pth", True), ("quantised_kinds_legacy.pth", False)):
    save(file, kinds, _use_new_zipfile_serialization=legacy)
    note(file, kinds)

torch.jit.script(net).save(os.path.join(folder, "script.pt"))
note("script.pt", state)
torch.jit.trace(net.eval(), torch.zeros(1, 1, 4, 4)).save(os.path.join(folder, "traced.pt"))
note("traced.pt", net.state_dict())


class Subclass(torch.Tensor):
    pass


parameter = nn.Parameter(torch.tensor([1.0, 2.0]))
parameter.note = "mine"
unread = {
    "w": torch.tensor([1.0, 2.0]), "complex": torch.tensor([1 + 2j]), "sparse": torch.eye(3).to_sparse(), "csr": torch.eye(3).to_sparse_csr(),
    "meta": torch.ones(2, device="meta"), "parameter": parameter, "subclass": torch.tensor([3.0]).as_subclass(Subclass),
    "conjugate": torch.tensor([1 + 2j]).conj(), "nested": {"a": torch.tensor([1 + 2j])},
}
save("unread.pth", unread)
note("unread.pth", {name: unread[name].detach().as_subclass(torch.Tensor) for name in ("w", "parameter", "subclass")})

save("three_levels.pth", {"run": {"last": {"weights_of_it": state, "optimizer": torch.optim.SGD(net.parameters(), lr=0.1).state_dict()}}})
note("three_levels.pth", state)

linear = nn.Linear(2, 2).state_dict()
save("two_networks.pth", {"gen": linear, "disc": nn.Linear(2, 2).state_dict()})

with open(os.path.join(folder, "objects.json"), "w") as out:
    json.dump(expected, out, indent=1)
    out.write("\n")
