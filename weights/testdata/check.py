"""Loads with PyTorch and NumPy what Inkling wrote, and says what is in it.

    python3 check.py folder

The folder holds one network as model.pth, model.npz and model.safetensors, and
its last tensor as one.npy: printed is, for each tensor of each file, a line with
the file, the tensor's name, type and shape, and the SHA-256 of its bytes, little-
endian and in row-major order. sums.txt beside this script has the lines that
were printed when it was written, for the network in the folder trained.

It also holds checkpoint.pth, the network with the state of SGD, and a batch,
images.npy and labels.npy. PyTorch goes on training from that: after.npz becomes
the weights after one more step, and theirs.pth the checkpoint that PyTorch saves
then.
"""

import hashlib
import json
import os
import struct
import sys

import numpy as np
import torch
from torch.nn import functional as F

from tutorial import Net


def path(name):
    return os.path.join(sys.argv[1], name)


def show(file, tensors):
    for name, array in tensors.items():
        array = np.ascontiguousarray(array)
        shape = "x".join(str(n) for n in array.shape)
        print(file, name, array.dtype, f"[{shape}]", hashlib.sha256(array.tobytes()).hexdigest(), sep="\t")


def load_safetensors(file):
    """Reads the format without Hugging Face's library."""
    with open(file, "rb") as f:
        (length,) = struct.unpack("<Q", f.read(8))
        header, data = json.loads(f.read(length)), f.read()
    header.pop("__metadata__", None)
    tensors = {}
    for name, t in header.items():
        assert t["dtype"] == "F32", t
        begin, end = t["data_offsets"]
        tensors[name] = np.frombuffer(data[begin:end], "<f4").reshape(t["shape"])
    return tensors


state = torch.load(path("model.pth"), weights_only=True)
show("model.pth", {name: t.numpy() for name, t in state.items()})
net = Net()
net.load_state_dict(state)  # strict
with np.load(path("model.npz"), allow_pickle=False) as archive:
    show("model.npz", {name: archive[name] for name in archive.files if name != "inkling.json"})
show("model.safetensors", load_safetensors(path("model.safetensors")))
show("one.npy", {"fc3.bias": np.load(path("one.npy"), allow_pickle=False)})

# PyTorch 1.13 refuses every float with weights_only, its own checkpoints' too.
checkpoint = torch.load(path("checkpoint.pth"), weights_only=not torch.__version__.startswith("1."))
net.load_state_dict(checkpoint["model_state_dict"])
optimizer = torch.optim.SGD(net.parameters(), lr=1)  # of which nothing may stay
optimizer.load_state_dict(checkpoint["optimizer_state_dict"])
theirs = torch.optim.SGD(net.parameters(), lr=0.01, momentum=0.9, weight_decay=0.001).state_dict()
assert optimizer.state_dict()["param_groups"] == theirs["param_groups"], optimizer.state_dict()["param_groups"]
assert set(checkpoint["optimizer_state_dict"]) == set(theirs)
images, labels = torch.from_numpy(np.load(path("images.npy"))), torch.from_numpy(np.load(path("labels.npy"))).long()
F.cross_entropy(net(images), labels).backward()
optimizer.step()
np.savez(path("after.npz"), **{name: t.numpy() for name, t in net.state_dict().items()})
torch.save({"epoch": 1, "model_state_dict": net.state_dict(), "optimizer_state_dict": optimizer.state_dict()}, path("theirs.pth"))
