"""Loads ours.npz and ours.npy in a folder with NumPy, prints the SHA-256 of each
array's bytes with its shape and name, and saves arrays of NumPy's beside them.

    python3 check.py folder
"""

import hashlib
import os
import sys

import numpy as np


def path(name):
    return os.path.join(sys.argv[1], name)


def show(name, array):
    assert array.dtype == np.float32 and array.flags.c_contiguous, (name, array.dtype)
    shape = " ".join(str(n) for n in array.shape)
    print(hashlib.sha256(array.tobytes()).hexdigest(), f"[{shape}]", name)


with np.load(path("ours.npz"), allow_pickle=False) as archive:
    assert b"LeNet" in archive["inkling.json"]
    arrays = {name: archive[name] for name in archive.files if name != "inkling.json"}
for name, array in arrays.items():
    show(name, array)
show("ours.npy", np.load(path("ours.npy"), allow_pickle=False))

np.savez(path("saved.npz"), **arrays)
np.savez_compressed(path("compressed.npz"), **arrays)
numbers = np.arange(6).reshape(2, 3)
kinds = ["|b1", "|i1", "|u1"] + [o + k for o in "<>" for k in ("i2", "i4", "i8", "u2", "u4", "u8", "f2", "f4", "f8")]
for kind in kinds:
    np.save(path(f"kind_{kind[1:]}_{ord(kind[0])}.npy"), numbers.astype(kind))
for kind in ("f4", "i8", "u1"):
    np.save(path(f"kind_fortran_{kind}.npy"), np.asfortranarray(numbers.astype(kind)))
with open(path("kind_version2.npy"), "wb") as file:
    np.lib.format.write_array(file, numbers, version=(2, 0))
np.save(path("objects.npy"), np.array([{}, None]), allow_pickle=True)
np.save(path("texts.npy"), np.array(["a", "b"]))
np.save(path("fields.npy"), np.zeros(2, [("a", "f4"), ("b", "i4")]))
np.save(path("complex.npy"), numbers.astype("c8"))
np.save(path("dates.npy"), np.array(["2001-02-03"], "M8[D]"))
