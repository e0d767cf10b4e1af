#!/usr/bin/env python3
"""Writes small files in the layout of SVHN with SciPy, as MATLAB would.

Needs python3-numpy and python3-scipy; written with SciPy 1.10.1.
Picture i has the sample (7 * i + 3 * row + 5 * column + 50 * channel) % 256.
"""
import numpy as np
import scipy.io

n = 12
i, row, column, channel = np.meshgrid(np.arange(n), np.arange(32), np.arange(32), np.arange(3), indexing="ij")
pictures = ((7 * i + 3 * row + 5 * column + 50 * channel) % 256).astype(np.uint8)
X = pictures.transpose(1, 2, 3, 0)  # row, column, channel, picture
y = np.array([[1], [2], [3], [4], [5], [6], [7], [8], [9], [10], [10], [1]], dtype=np.uint8)
scipy.io.savemat("compressed.mat", {"X": X, "y": y}, do_compression=True)
scipy.io.savemat("plain.mat", {"X": X[..., :2], "y": y[:2]}, do_compression=False)
scipy.io.savemat("floats.mat", {"X": X[..., :1], "y": y[:1].astype(np.float64) + 0.5}, do_compression=True)
scipy.io.savemat("other.mat", {"note": np.array([[1.5]]), "X": X[..., :2], "y": y[:2]}, do_compression=True)
