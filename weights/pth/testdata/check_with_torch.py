"""Loads a weight file with torch.load(weights_only=True) and prints, for each
tensor, its name, type, shape and the SHA-256 of its bytes in row-major order.

    python3 check_with_torch.py model.pth
"""

import hashlib
import sys

import torch

state = torch.load(sys.argv[1], weights_only=True)
assert type(state).__name__ == "OrderedDict", type(state)
for name, tensor in state.items():
    dtype = str(tensor.dtype).removeprefix("torch.")
    shape = "x".join(str(n) for n in tensor.shape)
    # Viewed as bytes first: NumPy has no bfloat16.
    data = bytes(tensor.contiguous().flatten().view(torch.uint8).tolist()) if tensor.numel() else b""
    print(name, dtype, f"[{shape}]", hashlib.sha256(data).hexdigest(), sep="\t")
