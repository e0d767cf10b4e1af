#!/usr/bin/env python3
"""Writes small files in the layout of CIFAR's Python version.

Needs python3-numpy; written with NumPy 1.24. Sample k of picture i is
(31 * i + 7 * k) % 251. The published files were written by Python 2, whose
cPickle numbers its memo from 1 and writes str for bytes; python2() does so.
"""
import pickle
import struct

import numpy as np


def pictures(n):
    i, k = np.meshgrid(np.arange(n), np.arange(3072), indexing="ij")
    return ((31 * i + 7 * k) % 251).astype(np.uint8)


def python2(entries):
    """A pickle as Python 2's cPickle.dump(entries, f, 2) writes it."""
    memo = 0

    def put():
        nonlocal memo
        memo += 1
        return b"q" + bytes([memo]) if memo < 256 else b"r" + struct.pack("<I", memo)

    def text(s):
        raw = s if isinstance(s, bytes) else s.encode()
        return (b"U" + bytes([len(raw)]) if len(raw) < 256 else b"T" + struct.pack("<I", len(raw))) + raw + put()

    def value(v):
        if isinstance(v, str):
            return text(v)
        if isinstance(v, int):
            return b"K" + bytes([v])
        if isinstance(v, list):
            return b"]" + put() + b"(" + b"".join(value(x) for x in v) + b"e"
        rows, columns = v.shape
        out = b"cnumpy.core.multiarray\n_reconstruct\n" + put() + b"cnumpy\nndarray\n" + put()
        out += b"K\x00\x85" + put() + text("b") + b"\x87" + put() + b"R" + put()
        out += b"(K\x01" + b"M" + struct.pack("<H", rows) + b"M" + struct.pack("<H", columns) + b"\x86" + put()
        out += b"cnumpy\ndtype\n" + put() + text("u1") + b"K\x00K\x01\x87" + put() + b"R" + put()
        out += b"(K\x03" + text("|") + b"NNN" + b"J\xff\xff\xff\xff" * 2 + b"K\x00t" + put() + b"b"
        return out + b"\x89" + text(v.tobytes()) + b"t" + put() + b"b"

    body = b"\x80\x02}" + put() + b"("
    for key, v in entries.items():
        body += text(key) + value(v)
    return body + b"u."


def write(name, content):
    with open(name, "wb") as f:
        f.write(content)


labels = [3, 9, 0, 5]
ten = {"batch_label": "testing batch 1 of 1", "labels": labels, "data": pictures(4), "filenames": ["a.png", "b.png", "c.png", "d.png"]}
write("ten_python2.pickle", python2(ten))
for protocol in (2, 3, 4):
    write(f"ten_{protocol}.pickle", pickle.dumps(ten, protocol))
hundred = {"filenames": ["a.png", "b.png"], "fine_labels": [99, 4], "coarse_labels": [19, 0], "data": pictures(2)}
write("hundred_python2.pickle", python2(hundred))

# What is to be refused.
write("floats.pickle", pickle.dumps({"labels": [1], "data": pictures(1).astype(np.float32)}, 2))
write("columns.pickle", pickle.dumps({"labels": [1, 2], "data": np.asfortranarray(pictures(2))}, 2))
write("objects.pickle", pickle.dumps({"labels": [1], "data": np.datetime64("2020-01-01")}, 2))
assert pickle.loads(open("ten_python2.pickle", "rb").read(), encoding="latin1")["data"].tolist() == pictures(4).tolist()
