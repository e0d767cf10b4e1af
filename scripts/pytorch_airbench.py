"""Trains the network of airbench94_muon (Jordan 2024) in PyTorch on pictures in train/CLASS and
test/CLASS, with its published rates in small batches, to tell what "inkling train --recipe
cifar-fast" is to be measured against. The same settings there:

  python3 scripts/pytorch_airbench.py DIR --epochs 2
  inkling train --recipe cifar-fast --data DIR --epochs 2 --batch 250 --lr 0.24 \\
      --schedule "OneCycleLR pct_start=0.01 anneal_strategy=linear cycle_momentum=false" \\
      --optimizer-for "*.bias=sgd lr=13.25 momentum=0.85 nesterov=true weight_decay=3.8e-5" \\
      --optimizer-for "head.weight=sgd lr=167.5 momentum=0.85 nesterov=true weight_decay=3e-6"

It runs with PyTorch 1.13 and later, on processors.
"""

import argparse
import math
import os
import time

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import nn


def pictures(folder, most):
    """Returns N x 3 x H x W bytes and labels of the first so many pictures of every class, 0 for all."""
    images, labels = [], []
    for label, name in enumerate(sorted(os.listdir(folder))):
        files = sorted(os.listdir(os.path.join(folder, name)))
        for file in files[:most] if most else files:
            images.append(np.asarray(Image.open(os.path.join(folder, name, file)).convert("RGB")))
            labels.append(label)
    return torch.from_numpy(np.stack(images)).permute(0, 3, 1, 2).contiguous(), torch.tensor(labels)


class Group(nn.Module):
    def __init__(self, before, after):
        super().__init__()
        self.conv1 = nn.Conv2d(before, after, 3, padding=1, bias=False)
        self.norm1 = nn.BatchNorm2d(after, eps=1e-12, momentum=0.4)
        self.conv2 = nn.Conv2d(after, after, 3, padding=1, bias=False)
        self.norm2 = nn.BatchNorm2d(after, eps=1e-12, momentum=0.4)
        for conv in (self.conv1, self.conv2):
            nn.init.dirac_(conv.weight.data[: conv.in_channels])
        self.norm1.weight.requires_grad = self.norm2.weight.requires_grad = False

    def forward(self, x):
        x = F.gelu(self.norm1(F.max_pool2d(self.conv1(x), 2)))
        return F.gelu(self.norm2(self.conv2(x)))


class Airbench(nn.Module):
    def __init__(self, classes=10):
        super().__init__()
        self.whiten = nn.Conv2d(3, 24, 2)
        self.whiten.weight.requires_grad = False
        self.layers = nn.Sequential(nn.GELU(), Group(24, 64), Group(64, 256), Group(256, 256), nn.MaxPool2d(3))
        self.head = nn.Linear(256, classes, bias=False)
        self.head.weight.data /= self.head.weight.data.std()

    def init_whitening(self, x):
        patches = x.unfold(2, 2, 1).unfold(3, 2, 1).transpose(1, 3).reshape(-1, 12)
        values, vectors = torch.linalg.eigh(patches.T @ patches / len(patches))
        filters = vectors.T.reshape(-1, 3, 2, 2) / torch.sqrt(values.view(-1, 1, 1, 1) + 5e-4)
        self.whiten.weight.data[:] = torch.cat((filters, -filters))

    def forward(self, x):
        return self.head(self.layers(self.whiten(x)).flatten(1)) / self.head.in_features


class Muon(torch.optim.Optimizer):
    def __init__(self, params, lr, momentum):
        super().__init__(params, {"lr": lr, "momentum": momentum})

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            for p in group["params"]:
                buffer = self.state[p].setdefault("momentum_buffer", torch.zeros_like(p))
                buffer.mul_(group["momentum"]).add_(p.grad)
                x = p.grad.add(buffer, alpha=group["momentum"]).reshape(len(p), -1)
                x = x / (x.norm() + 1e-7)
                tall = x.size(0) > x.size(1)
                x = x.T if tall else x
                for _ in range(3):
                    a = x @ x.T
                    x = 3.4445 * x + (-4.775 * a + 2.0315 * a @ a) @ x
                x = x.T if tall else x
                p.mul_(len(p) ** 0.5 / p.norm())
                p.add_(x.reshape(p.shape), alpha=-group["lr"])


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("dir")
    parser.add_argument("--epochs", type=int, default=8)
    parser.add_argument("--batch", type=int, default=250)
    parser.add_argument("--per-class", type=int, default=0, help="train on the first so many pictures of every class; 0 means all")
    parser.add_argument("--muon", type=float, default=0.24, help="Muon's learning rate")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=0)
    options = parser.parse_args()
    torch.manual_seed(options.seed)
    if options.threads:
        torch.set_num_threads(options.threads)
    mean, std = (torch.tensor(v).view(1, 3, 1, 1) for v in ((0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616)))
    normalized = lambda images: (images.float() / 255 - mean) / std
    images, labels = pictures(os.path.join(options.dir, "train"), options.per_class)
    test_images, test_labels = pictures(os.path.join(options.dir, "test"), 0)
    net = Airbench(int(labels.max()) + 1)
    chosen = torch.randperm(len(images))[:5000]
    net.init_whitening(normalized(images[chosen]))

    batch, steps = options.batch, len(images) // options.batch
    # The published rates are for sums over a batch.
    sgd = [
        {"params": [net.whiten.bias], "lr": 0.053 * batch, "weight_decay": 2e-6 / 0.053},
        {"params": [p for n, p in net.named_parameters() if "norm" in n and n.endswith("bias")], "lr": 0.053 * batch, "weight_decay": 2e-6 / 0.053},
        {"params": [net.head.weight], "lr": 0.67 * batch, "weight_decay": 2e-6 / 0.67},
    ]
    optimizers = [torch.optim.SGD(sgd, lr=0.1, momentum=0.85, nesterov=True), Muon([p for p in net.parameters() if p.dim() == 4 and p.requires_grad], options.muon, 0.6)]
    groups = [g for o in optimizers for g in o.param_groups]
    for g in groups:
        g["initial_lr"] = g["lr"]
    mirrored = torch.rand(len(images)) < 0.5
    begun, used = time.time(), time.process_time()
    for epoch in range(options.epochs):
        net.train()
        order, running = torch.randperm(len(images)), 0.0
        for i in range(steps):
            at = order[i * batch : (i + 1) * batch]
            x = normalized(images[at])
            turn = mirrored[at] ^ (epoch % 2 == 1)
            x[turn] = x[turn].flip(3)
            wide = F.pad(x, (2, 2, 2, 2), "reflect")
            moves = torch.randint(0, 5, (batch, 2)).tolist()
            x = torch.stack([wide[k, :, y : y + x.shape[2], z : z + x.shape[3]] for k, (y, z) in enumerate(moves)])
            left = 1 - (epoch * steps + i) / (options.epochs * steps)
            for g in groups:
                g["lr"] = g["initial_lr"] * left
            loss = F.cross_entropy(net(x), labels[at], label_smoothing=0.2)
            net.zero_grad(set_to_none=True)
            loss.backward()
            for o in optimizers:
                o.step()
            running += loss.item()
        print(f"[{epoch + 1}] loss: {running / steps:.3f}, {time.time() - begun:.0f} s", flush=True)
    taken, processor = time.time() - begun, time.process_time() - used
    net.eval()
    plain = views = 0
    with torch.no_grad():
        for i in range(0, len(test_images), 250):
            x, y = normalized(test_images[i : i + 250]), test_labels[i : i + 250]
            logits = net(x)
            plain += (logits.argmax(1) == y).sum().item()
            views += ((logits + net(x.flip(3))).argmax(1) == y).sum().item()
    n = len(test_images)
    print(f"{len(images)} pictures, {options.epochs} epochs of batches of {batch}, Muon {options.muon}: {100 * plain / n:.2f} %, with the mirror image too {100 * views / n:.2f} %; {taken:.0f} s, processor {processor:.0f} s")


if __name__ == "__main__":
    main()
