"""Trains the classic tutorial with PyTorch and with Inkling from the same seeds
and tells for how many steps their losses agree. scripts/compare-seeds runs it.

The losses of two runs of the same arithmetic, rounded differently, agree until an
input of a ReLU or a choice of a max-pooling lies so near to the border that the
rounding decides. From then on the runs part. So PyTorch is run twice, with and
without oneDNN: how long it agrees with itself is the measure.
"""

import argparse
import gzip
import json
import os
import statistics
import subprocess
import sys

import torch
import torch.nn as nn
import torch.optim as optim

from pytorch_tutorial import Net

MNIST = os.path.join(os.path.dirname(__file__), "..", "data", "mnist", "embedded")
STEPS = 30000  # of two epochs in batches of four


def load(name):
    with gzip.open(os.path.join(MNIST, name)) as f:
        content = f.read()
    return torch.frombuffer(bytearray(content), dtype=torch.uint8)


class Digits(torch.utils.data.Dataset):
    """MNIST as ToTensor and Normalize((0.5,), (0.5,)) make it."""

    def __init__(self, part):
        images = load(f"{part}-images-idx3-ubyte.gz")[16:].reshape(-1, 1, 28, 28)
        self.images = images.to(torch.float32).div(255).sub_(0.5).div_(0.5)
        self.labels = load(f"{part}-labels-idx1-ubyte.gz")[8:].tolist()

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, i):
        return self.images[i], self.labels[i]


def pytorch(seed, steps, onednn, train, test):
    torch.backends.mkldnn.enabled = onednn
    torch.manual_seed(seed)
    loader = torch.utils.data.DataLoader(train, batch_size=4, shuffle=True)
    net = Net()
    criterion = nn.CrossEntropyLoss()
    optimizer = optim.SGD(net.parameters(), lr=0.001, momentum=0.9)
    losses = []
    for _ in range(2):
        for inputs, labels in loader:
            if len(losses) == steps:
                break
            optimizer.zero_grad()
            loss = criterion(net(inputs), labels)
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
    with torch.no_grad():
        right = (net(test.images).argmax(1) == torch.tensor(test.labels)).sum().item()
    return losses, 100 * right / len(test)


def inkling(binary, seed, scratch):
    command = [binary, "train", "--rng", "torch", "--seed", str(seed), "--data", "mnist", "--log-every", "1", "--json",
               "--out", os.path.join(scratch, f"seed{seed}.pth")]
    losses, accuracy = [], None
    for line in subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines():
        event = json.loads(line)
        if "batch" in event and "loss" in event:
            losses.append(event["loss"])
        accuracy = event.get("accuracy", accuracy)
    return losses, 100 * accuracy


def agree(a, b):
    """The number of steps before the losses differ by more than rounding does."""
    for step, (x, y) in enumerate(zip(a, b)):
        if abs(x - y) > 2e-6 * max(1, abs(x)):
            return step
    return min(len(a), len(b))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--inkling", required=True)
    parser.add_argument("--scratch", required=True)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--steps", type=int, default=STEPS, help="PyTorch's steps; fewer than all make its accuracy that of a shorter training")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    train, test = Digits("train"), Digits("t10k")
    rows = []
    print("seed  PyTorch agrees with itself  with Inkling  PyTorch %  without oneDNN %  Inkling %", flush=True)
    for seed in range(arguments.first, arguments.first + arguments.seeds):
        a, a_right = pytorch(seed, arguments.steps, True, train, test)
        b, b_right = pytorch(seed, arguments.steps, False, train, test)
        c, c_right = inkling(arguments.inkling, seed, arguments.scratch)
        rows.append((agree(a, b), agree(a, c), a_right, b_right, c_right))
        print("%4d  %14d steps  %14d steps  %9.2f  %15.2f  %9.2f" % (seed, *rows[-1]), flush=True)
    medians = [statistics.median(column) for column in zip(*rows)]
    print("median %12.0f steps  %14.0f steps  %9.2f  %15.2f  %9.2f" % tuple(medians))


if __name__ == "__main__":
    sys.exit(main())
