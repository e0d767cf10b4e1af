#!/usr/bin/env python3
"""Takes some pictures out of EMNIST's split byclass as published, to test with.

usage: make.py FOLDER, which has emnist-byclass-test-*.gz. The files
emnist-*-mapping.txt beside this script are the published ones, unchanged.
EMNIST is by Cohen, Afshar, Tapson and van Schaik (arXiv:1702.05373) and derives
from NIST's Special Database 19, a work of the government of the United States.
"""
import gzip
import struct
import sys

CLASSES = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
EACH = 20

folder = sys.argv[1]
images = gzip.open(f"{folder}/emnist-byclass-test-images-idx3-ubyte.gz").read()[16:]
labels = gzip.open(f"{folder}/emnist-byclass-test-labels-idx1-ubyte.gz").read()[8:]
taken = dict.fromkeys(CLASSES, 0)
pixels, named = b"", b""
for i, label in enumerate(labels):
    name = CLASSES[label]
    if taken[name] < EACH:
        taken[name] += 1
        pixels += images[784 * i:784 * (i + 1)]
        named += bytes([label])
for name, head, content in (
    ("images-idx3-ubyte", struct.pack(">IIII", 0x803, len(named), 28, 28), pixels),
    ("labels-idx1-ubyte", struct.pack(">II", 0x801, len(named)), named),
):
    with open(f"emnist-byclass-test-{name}.gz", "wb") as f:
        f.write(gzip.compress(head + content, 9, mtime=0))
