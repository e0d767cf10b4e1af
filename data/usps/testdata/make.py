#!/usr/bin/env python3
"""Writes a small file in the layout of USPS, and what torchvision makes of it.

Needs python3-numpy; the samples are computed as torchvision 0.14's
datasets/usps.py computes them.
"""
import bz2

import numpy as np

random = np.random.default_rng(1)
lines, labels = [], [1, 10, 5, 7, 2]
for label in labels:
    values = np.round(random.uniform(-1, 1, 256), random.integers(1, 7))
    values[:3] = -1, 0, 1
    lines.append(str(label) + " " + " ".join(f"{k + 1}:{v:g}" for k, v in enumerate(values)) + " \n")
with bz2.open("usps.bz2", "wb") as f:
    f.write("".join(lines).encode())
samples = np.asarray([[x.split(":")[-1] for x in line.split()[1:]] for line in lines], dtype=np.float32)
((samples + 1) / 2 * 255).astype(np.uint8).tofile("pixels.bin")
with bz2.open("bomb.bz2", "wb") as f:
    f.write(b"1\n" * 1_000_000)
