"""Computes with PyTorch, and writes beside this script, what model.pth says of
EMNIST's 10,000 pictures to test with (split mnist, as published, that is lying on
their side):

    logits_test1000.npy    its outputs for the first 1,000, float32
    pred_test_u8.npy       the digits that it reads in all, uint8

model.pth is the tutorial's network after two epochs, seed 0, of torch 1.13 (Debian 12,
python3-torch) on 60,000 digits of EMNIST: those of the split's training set whose
pictures were at hand, and others of the same classes. It reads 98.78 %.

    /usr/bin/python3 make.py
"""

import bz2
import os
import sys

import numpy as np
import torch

here = os.path.dirname(os.path.abspath(__file__))
sys.path.append(os.path.dirname(here))
from tutorial import Net

data = os.path.join(here, "..", "..", "..", "internal", "realdata")
with bz2.open(os.path.join(data, "emnist-mnist-test-images-idx3-ubyte.bz2")) as f:
    images = np.frombuffer(f.read(), np.uint8, offset=16).reshape(-1, 1, 28, 28)

torch.set_num_threads(1)
net = Net()
net.load_state_dict(torch.load(os.path.join(here, "model.pth")))
net.eval()
with torch.no_grad():
    inputs = (torch.from_numpy(images.copy()).float() / 255 - 0.5) / 0.5
    outputs = torch.cat([net(part) for part in inputs.split(1000)])
np.save(os.path.join(here, "logits_test1000.npy"), outputs[:1000].numpy())
np.save(os.path.join(here, "pred_test_u8.npy"), outputs.argmax(1).numpy().astype(np.uint8))
