"""Trainings that change hands between PyTorch and Inkling.

    python3 optimizers.py

writes beside itself a checkpoint of PyTorch 1.13 after five steps with each optimizer,
and optimizers.json: the data, the weights at the start, and the weights after ten steps.

    python3 optimizers.py FOLDER

goes on with the checkpoints NAME.pth in the folder, which Inkling wrote after five steps,
and writes the weights after ten to NAME.json.
"""
import copy
import json
import os
import sys

import torch
from torch import nn
from torch.nn import functional as F

torch.set_num_threads(1)
HERE = os.path.dirname(os.path.abspath(__file__))


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1 = nn.Linear(6, 8, bias=False)
        self.norm = nn.BatchNorm1d(8)
        self.fc2 = nn.Linear(8, 3)

    def forward(self, x):
        return self.fc2(F.relu(self.norm(self.fc1(x))))


def groups(net):
    bias = [p for p in net.parameters() if p.dim() == 1]
    return [{"params": [p for p in net.parameters() if p.dim() > 1], "weight_decay": 0.1}, {"params": bias, "lr": 0.02}]


# The optimizers, and what a new one is made with whose settings are to be overwritten.
CASES = {
    "sgd": (lambda net: torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9, weight_decay=0.01, dampening=0.2), lambda net: torch.optim.SGD(net.parameters(), lr=1)),
    "sgd_groups": (lambda net: torch.optim.SGD(groups(net), lr=0.1, momentum=0.9, nesterov=True), lambda net: torch.optim.SGD(groups(net), lr=1)),
    "adam": (lambda net: torch.optim.Adam(net.parameters(), lr=0.02, betas=(0.8, 0.95)), lambda net: torch.optim.Adam(net.parameters())),
    "adam_amsgrad": (lambda net: torch.optim.Adam(net.parameters(), lr=0.02, weight_decay=0.1, amsgrad=True), lambda net: torch.optim.Adam(net.parameters(), amsgrad=True)),
    "adamw": (lambda net: torch.optim.AdamW(groups(net), lr=0.02, eps=1e-6), lambda net: torch.optim.AdamW(groups(net))),
    "rmsprop": (lambda net: torch.optim.RMSprop(net.parameters(), lr=0.01, alpha=0.9), lambda net: torch.optim.RMSprop(net.parameters())),
    "rmsprop_all": (lambda net: torch.optim.RMSprop(net.parameters(), lr=0.01, momentum=0.5, centered=True), lambda net: torch.optim.RMSprop(net.parameters(), momentum=0.1, centered=True)),
}


def train(net, optimizer, data):
    for x, labels in data:
        optimizer.zero_grad()
        F.cross_entropy(net(x), labels).backward()
        optimizer.step()


def numbers(net):
    return {k: v.double().flatten().tolist() for k, v in net.state_dict().items()}


def make():
    torch.manual_seed(11)
    start, data = Net(), [(torch.randn(8, 6), torch.randint(0, 3, (8,))) for _ in range(10)]
    out = {"start": numbers(start), "x": [x.flatten().tolist() for x, _ in data], "labels": [l.tolist() for _, l in data], "cases": {}}
    for name, (optimizer, _) in CASES.items():
        net = copy.deepcopy(start)
        o = optimizer(net)
        train(net, o, data[:5])
        torch.save({"model_state_dict": net.state_dict(), "optimizer_state_dict": o.state_dict()}, os.path.join(HERE, name + ".pth"))
        train(net, o, data[5:])
        out["cases"][name] = numbers(net)
    with open(os.path.join(HERE, "optimizers.json"), "w") as f:
        json.dump(out, f, separators=(",", ":"))
        f.write("\n")


def go_on(folder):
    with open(os.path.join(HERE, "optimizers.json")) as f:
        golden = json.load(f)
    data = [(torch.tensor(x).reshape(8, 6), torch.tensor(l)) for x, l in zip(golden["x"], golden["labels"])]
    for name, (original, other) in CASES.items():
        checkpoint = torch.load(os.path.join(folder, name + ".pth"))
        net = Net()
        net.load_state_dict(checkpoint["model_state_dict"])
        o = other(net)
        o.load_state_dict(checkpoint["optimizer_state_dict"])
        for mine, theirs in zip(o.state_dict()["param_groups"], original(net).state_dict()["param_groups"]):
            for key, value in theirs.items():
                assert mine.get(key) == value, (name, key, mine.get(key), value)
        train(net, o, data[5:])
        with open(os.path.join(folder, name + ".json"), "w") as f:
            json.dump(numbers(net), f)


if len(sys.argv) > 1:
    go_on(sys.argv[1])
else:
    make()
