"""Loads a file with Hugging Face's safetensors, prints the SHA-256 of each
tensor's bytes with its shape, and saves what it loaded as another file.

    python3 check.py ours.safetensors theirs.safetensors
"""

import hashlib
import sys

from safetensors import safe_open
from safetensors.numpy import save_file

with safe_open(sys.argv[1], framework="np") as file:
    metadata = file.metadata()
    tensors = {name: file.get_tensor(name) for name in file.keys()}
for tensor in tensors.values():
    assert tensor.dtype == "float32", tensor.dtype
    shape = " ".join(str(n) for n in tensor.shape)
    print(hashlib.sha256(tensor.tobytes()).hexdigest(), f"[{shape}]")
save_file(tensors, sys.argv[2], metadata)
