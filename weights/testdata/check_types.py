"""Compares what PyTorch and NumPy read of types.pth and types.npz in a folder with
the bytes that lie beside them, one file for each type of elements.

    python3 check_types.py folder
"""

import os
import sys

import numpy as np
import torch

folder = sys.argv[1]
state = torch.load(os.path.join(folder, "types.pth"), weights_only=True)
archive = np.load(os.path.join(folder, "types.npz"), allow_pickle=False)
for name, tensor in state.items():
    kind = name.removeprefix("of_")
    with open(os.path.join(folder, kind + ".bytes"), "rb") as file:
        data = file.read()
    assert str(tensor.dtype) == "torch." + kind and tuple(tensor.shape) == (2, 3), (name, tensor.dtype, tensor.shape)
    bits = tensor.view(torch.int16) if kind == "bfloat16" else tensor
    assert bits.numpy().tobytes() == data, name
    if kind == "bfloat16":
        assert archive[name].dtype == np.float32 and archive[name].tobytes() == tensor.float().numpy().tobytes(), name
    else:
        assert str(archive[name].dtype) == kind and archive[name].tobytes() == data, name
print(len(state), "types")
