"""Writes torch.onnx, a small network as PyTorch exports it, and torch.pth, its
weights. Made with torch 1.13 (Debian 12, python3-torch):

    /usr/bin/python3 make_torch.py
"""

import os

import torch

here = os.path.dirname(os.path.abspath(__file__))
torch.manual_seed(0)
net = torch.nn.Sequential(
    torch.nn.Conv2d(1, 2, 3), torch.nn.BatchNorm2d(2), torch.nn.ReLU(), torch.nn.Flatten(), torch.nn.Linear(8, 3)
)
net(torch.randn(4, 1, 4, 4))  # gives the normalisation statistics of its own
net.eval()
torch.onnx.export(
    net, torch.zeros(1, 1, 4, 4), os.path.join(here, "torch.onnx"), opset_version=17, do_constant_folding=False,
    training=torch.onnx.TrainingMode.PRESERVE, input_names=["image"], output_names=["scores"],
    dynamic_axes={"image": {0: "batch"}, "scores": {0: "batch"}},
)
torch.save(net.state_dict(), os.path.join(here, "torch.pth"))
