#!/usr/bin/python3
"""Writes train.json: what PyTorch computes in float64 for whole networks in training, with weights and pictures from the
   formula of zoo.py, beside this file: the logits, loss and gradients of a first batch, and the state dicts after
   ten steps of SGD and of AdamW over two batches in turn. Of an array these are kept: the largest magnitude, the norm, the
   sum and some elements, which train_golden_test.go picks in the same way.
   Rounding must not decide on which side of a ReLU's corner a number lies, or no two programs have the same gradients. So
   BatchNorms have small weights and biases that put each channel on one side of all corners: off, on or (ReLU6) saturated.
   Debian 12's python3-torch 1.13 and python3-torchvision 0.14."""
import json, os, re
import numpy as np, torch, torch.nn as nn, torch.nn.functional as F, torchvision.models as tv
import zoo

KEPT, BATCH, STEPS = 4, 4, 10
LABELS = [[3, 1, 0, 6], [5, 2, 2, 4]]

def digest(t):
    a = t.detach().double().flatten().numpy()
    at = [(k * 2654435761 + 12345) % len(a) for k in range(KEPT)]
    return [float(f"{x:.8g}") for x in (np.abs(a).max(), np.sqrt((a * a).sum()), a.sum(), *a[at])]

CORNER = re.compile(r"(layer\d\.\d\.bn1|features\.(0|18)\.1|conv\.\d\.1)\.bias$")

def value(name, shape):
    """zoo.value, but for BatchNorms of networks with ReLU."""
    u = zoo.share(name, shape[0] if shape else 1)
    if CORNER.search(name):
        u = np.where(u < -0.4, -3, np.where(u > 0.4, 9, 3)) + 0.2 * u
    elif len(shape) == 1 and name.endswith(".weight"):
        u = 0.45 + 0.1 * u
    elif name.endswith(".bias") and re.search(r"(bn\d|downsample\.1|conv\.[23])\.bias$", name):
        u = 3 + 0.2 * u
    else:
        return zoo.value(name, shape) * (0.25 if len(shape) == 2 else 1)
    return torch.tensor(u.astype(np.float32))

def fresh(make):
    net = make()
    set_value = zoo.value if isinstance(net, zoo.Airbench) else value
    net.load_state_dict({k: set_value(k, tuple(v.shape)).to(v.dtype) for k, v in net.state_dict().items()})
    net.double().train()
    for m in net.modules():
        if isinstance(m, nn.Dropout):
            m.p = 0.0
    return net

out = []
for name, side, make in [("resnet18", 16, lambda: zoo.small(tv.resnet18(num_classes=7))),
                         ("mobilenet_v2", 24, lambda: zoo.smallv2(tv.mobilenet_v2(num_classes=7))),
                         ("airbench", 32, lambda: zoo.Airbench(7))]:
    size = BATCH * 3 * side * side
    x = 4 * torch.tensor(zoo.share("input", 2 * size).astype(np.float32).reshape(2, BATCH, 3, side, side)).double()
    y = torch.tensor(LABELS)
    net = fresh(make)
    logits = net(x[0])
    loss = F.cross_entropy(logits, y[0])
    loss.backward()
    case = dict(model=name, side=side, logits=logits.flatten().tolist(), loss=loss.item(), gradients={k: digest(p.grad) for k, p in net.named_parameters()})
    for which, make_optimizer in [("sgd", lambda p: torch.optim.SGD(p, lr=0.002, momentum=0.9, weight_decay=0.01)), ("adamw", lambda p: torch.optim.AdamW(p, lr=0.0002, eps=1e-3))]:
        net = fresh(make)
        optimizer = make_optimizer(net.parameters())
        losses = []
        for step in range(STEPS):
            optimizer.zero_grad()
            loss = F.cross_entropy(net(x[step % 2]), y[step % 2])
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        case[which] = dict(losses=losses, state={k: digest(v) for k, v in net.state_dict().items()})
        first = fresh(make).state_dict()
        moved = sorted(((v - first[k]).abs().max() / v.abs().max()).item() for k, v in net.state_dict().items() if v.dim())
        print(name, which, losses, "arrays move by", moved[0], "to", moved[-1], "of the largest, in the middle", moved[len(moved) // 2])
    out.append(case)
with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "train.json"), "w") as f:
    f.write(json.dumps(out).replace("], ", "],\n") + "\n")
