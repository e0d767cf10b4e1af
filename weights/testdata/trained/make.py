"""Trains the tutorial's network on MNIST with PyTorch, and writes beside this script

    model.pth              its weights after two epochs, seed 0
    logits_test1000.npy    its outputs for the first 1,000 test pictures, float32
    pred_test_u8.npy       the digits that it reads in all 10,000, uint8

The files here were made so by torch 1.13 (Debian 12, python3-torch): 9,857 digits of
10,000 are right. Rounding depends on the processor, and two epochs make much of it:
on another, this script ended with 9,848. It takes one to two minutes:

    /usr/bin/python3 make.py
"""

import gzip
import os
import sys

import numpy as np
import torch
from torch.nn import functional as F

here = os.path.dirname(os.path.abspath(__file__))
sys.path.append(os.path.dirname(here))
from tutorial import Net

mnist = os.path.join(here, "..", "..", "..", "data", "mnist", "embedded")


def load(name):
    with gzip.open(os.path.join(mnist, f"{name}-images-idx3-ubyte.gz")) as f:
        images = np.frombuffer(f.read(), np.uint8, offset=16).reshape(-1, 1, 28, 28)
    with gzip.open(os.path.join(mnist, f"{name}-labels-idx1-ubyte.gz")) as f:
        labels = np.frombuffer(f.read(), np.uint8, offset=8)
    # ToTensor, then Normalize((0.5,), (0.5,)).
    return (torch.from_numpy(images.copy()).float() / 255 - 0.5) / 0.5, torch.from_numpy(labels.astype(np.int64))


torch.manual_seed(0)
torch.set_num_threads(1)
net = Net()
images, labels = load("train")
loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(images, labels), batch_size=4, shuffle=True)
optimizer = torch.optim.SGD(net.parameters(), lr=0.001, momentum=0.9)
for epoch in range(2):
    for pictures, wanted in loader:
        optimizer.zero_grad()
        F.cross_entropy(net(pictures), wanted).backward()
        optimizer.step()

torch.save(net.state_dict(), os.path.join(here, "model.pth"))
images, labels = load("t10k")
with torch.no_grad():
    logits = torch.cat([net(part) for part in images.split(1000)]).numpy()
np.save(os.path.join(here, "logits_test1000.npy"), logits[:1000])
np.save(os.path.join(here, "pred_test_u8.npy"), logits.argmax(1).astype(np.uint8))
print((logits.argmax(1) == labels.numpy()).sum(), "of 10000")
