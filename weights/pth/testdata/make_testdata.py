"""Writes the .pth files of this folder and expected.json with PyTorch.

Made with torch 1.13 (Debian 12, python3-torch):

    /usr/bin/python3 make_testdata.py

expected.json maps each file to its tensors: name, dtype, shape and the values
as the bits of float32, as Python reads them back with torch.load.
"""

import collections
import functools
import json
import os
import struct
from collections import OrderedDict

import torch

here = os.path.dirname(os.path.abspath(__file__))
expected = {}


def save(value, name, tensors, **options):
    torch.save(value, os.path.join(here, name), **options)
    expected[name] = [
        {
            "name": key,
            "dtype": str(t.dtype).removeprefix("torch."),
            "shape": list(t.shape),
            "bits": [struct.unpack("<I", struct.pack("<f", v))[0] for v in t.float().flatten().tolist()],
        }
        for key, t in tensors.items()
    ]


class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = torch.nn.Conv2d(1, 2, 3)
        self.norm = torch.nn.BatchNorm2d(2)
        self.fc = torch.nn.Linear(8, 3)

    def forward(self, x):
        return self.fc(torch.flatten(torch.relu(self.norm(self.conv(x))), 1))


torch.manual_seed(0)
net = Net()
net(torch.randn(4, 1, 4, 4))
state = OrderedDict((k, v) for k, v in net.state_dict().items())

for protocol in (2, 3, 4, 5):
    save(net.state_dict(), f"net_protocol{protocol}.pth", state, pickle_protocol=protocol)
save(net.state_dict(), "net_legacy.pth", state, _use_new_zipfile_serialization=False)
save(OrderedDict(("module." + k, v) for k, v in state.items()), "net_parallel.pth", state)

optimizer = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9)
net(torch.randn(4, 1, 4, 4)).sum().backward()
optimizer.step()
flat = OrderedDict(net.state_dict().items())
for i, s in optimizer.state_dict()["state"].items():
    flat[f"optimizer.state.{i}.momentum_buffer"] = s["momentum_buffer"]
save({"epoch": 3, "loss": 0.5, "name": "é中", "flag": True, "none": None, "big": 1 << 40, "minus": -7,
      "model_state_dict": net.state_dict(), "optimizer": optimizer.state_dict()}, "checkpoint.pth", flat)

base = torch.arange(24, dtype=torch.float32).reshape(4, 6)
special = [0.0, -0.0, 1.5, -2.25, float("inf"), float("-inf")]
odd = OrderedDict(
    u8=torch.tensor([0, 1, 255], dtype=torch.uint8),
    i8=torch.tensor([-128, 0, 127], dtype=torch.int8),
    i16=torch.tensor([-32768, 0, 32767], dtype=torch.int16),
    i32=torch.tensor([-2**31, 0, 2**31 - 1], dtype=torch.int32),
    i64=torch.tensor([-2**63, 0, 2**24 + 1, 2**63 - 1], dtype=torch.int64),
    bool=torch.tensor([True, False, True]),
    f32=torch.tensor(special + [1e-45, 3.4028235e38]),
    f64=torch.tensor(special + [1 / 3, 1e300, 1e-300], dtype=torch.float64),
    f16=torch.tensor(special + [6e-8, 6.1e-5, 65504], dtype=torch.float16),
    bf16=torch.tensor(special + [1e-40, 3e38, 0.1], dtype=torch.bfloat16),
    scalar=torch.tensor(3.5),
    empty=torch.zeros(0, 3),
    base=base,
    transposed=base.t(),
    rows=base[1:3],
    column=base[:, 2],
    steps=base[::2, 1::2],
    expanded=torch.tensor([7.0, 8.0]).reshape(2, 1).expand(2, 3),
    channels_last=torch.arange(24, dtype=torch.float32).reshape(1, 2, 3, 4).contiguous(memory_format=torch.channels_last),
    parameter=torch.nn.Parameter(torch.tensor([[1.0, 2.0], [3.0, 4.0]])),
)
save(odd, "odd.pth", odd)
save(odd, "odd_legacy.pth", odd, _use_new_zipfile_serialization=False)

# Whole networks, whose classes only Python knows. The legacy format keeps their
# source, PyTorch's own layers' too; a stand-in is enough here.
torch.serialization.get_source_lines_and_file = lambda *_: (["class Net: ...\n"], 1, "net.py")
state = net.state_dict()
save(net, "whole_module.pth", state)
save({"epoch": 3, "net": torch.nn.DataParallel(net)}, "whole_module_legacy.pth", state, _use_new_zipfile_serialization=False)


class Attributes(torch.nn.Module):
    """Has what networks have beside tensors."""

    def __init__(self):
        super().__init__()
        self.layer = torch.nn.Linear(2, 3, bias=False)
        self.again = self.layer
        self.register_buffer("kept", torch.arange(3))
        self.register_buffer("transient", torch.ones(2), persistent=False)
        self.list = torch.nn.ModuleList([torch.nn.ReLU(), torch.nn.LSTM(2, 1)])
        self.parameters_by_name = torch.nn.ParameterDict({"z": torch.nn.Parameter(torch.ones(2))})
        self.activation = torch.nn.functional.relu
        self.make_layer = functools.partial(torch.nn.Linear, bias=False)
        self.counts = collections.defaultdict(int, a=1)
        self.names = frozenset(["a"])
        self.dtype, self.size, self.device = torch.float16, torch.Size([1, 2]), torch.device("cuda", 0)
        self.tagged = torch.nn.Parameter(torch.ones(2))
        self.tagged.tag = "a"


net = Attributes()
for protocol in (2, 4):
    save(net, f"whole_attributes_protocol{protocol}.pth", net.state_dict(), pickle_protocol=protocol)

# Without a state dict.
nested = [base, (1, 2.5, "é中"), {"k": [torch.zeros(2)]}]
save(nested, "nested.pth", {"0": nested[0], "2.k.0": nested[2]["k"][0]})
save(base, "tensor_only.pth", {"": base})

with open(os.path.join(here, "expected.json"), "w") as f:
    rows = ",\n".join(f"{json.dumps(k)}: [\n" + ",\n".join("  " + json.dumps(t) for t in v) + "\n]" for k, v in expected.items())
    f.write("{\n" + rows + "\n}\n")
