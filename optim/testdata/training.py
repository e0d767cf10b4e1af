"""Makes training.json: ten steps of PyTorch 1.13 with clipping, accumulation, groups of
parameters, frozen layers, averages of the weights and several losses.

    python3 training.py
"""
import copy
import json

import torch
from torch import nn
from torch.nn import functional as F
from torch.optim.swa_utils import AveragedModel

torch.set_num_threads(1)


class Net(nn.Module):
    """Two heads, classes and boxes, behind a BatchNorm."""

    def __init__(self):
        super().__init__()
        self.fc1 = nn.Linear(6, 8, bias=False)  # which would have a gradient of zero, and noise of Adam
        self.norm = nn.BatchNorm1d(8)
        self.fc2 = nn.Linear(8, 3)
        self.box = nn.Linear(8, 2)

    def forward(self, x):
        x = F.relu(self.norm(self.fc1(x)))
        return self.fc2(x), self.box(x)


WEIGHTS = torch.tensor([0.5, 1.0, 2.0])


def joint(outputs, labels, boxes):
    return F.cross_entropy(outputs[0], labels, weight=WEIGHTS, ignore_index=-100, label_smoothing=0.1) + 0.5 * F.smooth_l1_loss(outputs[1], boxes)


def classes(outputs, labels, boxes):
    return F.cross_entropy(outputs[0], labels)


def everything(net):
    return [torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9)]


def two(net):
    """Discriminative rates, no decay of biases, and a second optimizer for one head."""
    decayed = [p for n, p in net.named_parameters() if n.startswith("fc") and p.dim() > 1]
    plain = [p for n, p in net.named_parameters() if n.startswith(("fc", "norm")) and p.dim() == 1]
    return [
        torch.optim.SGD([{"params": decayed, "weight_decay": 0.1, "lr": 0.05}, {"params": plain}], lr=0.2, momentum=0.9, nesterov=True),
        torch.optim.AdamW(net.box.parameters(), lr=0.02),
    ]


def adam(net):
    return [torch.optim.Adam(net.parameters(), lr=0.02)]


CASES = {
    "plain": dict(),
    "joint": dict(loss=joint),
    "groups": dict(loss=joint, optimizers=two),
    "clip_norm": dict(loss=joint, clip_norm=0.3),
    "clip_value": dict(loss=joint, clip_value=0.02),
    "clip_both": dict(loss=joint, clip_norm=0.05, clip_value=0.02),
    "accumulate": dict(loss=joint, accumulate=5, optimizers=adam),
    "accumulate_clip": dict(loss=joint, accumulate=2, clip_norm=0.2),
    "average": dict(loss=joint, average=0.8),
    "average_buffers": dict(loss=joint, average=0.8, buffers=True),
    "frozen": dict(loss=joint, optimizers=adam, freeze=("fc1.", "box.")),
    "unfreeze": dict(loss=joint, optimizers=adam, freeze=("fc1.", "box."), unfreeze=6),
}


def run(start, data, loss=classes, optimizers=everything, clip_norm=0.0, clip_value=0.0, accumulate=1, average=0.0, buffers=False, freeze=(), unfreeze=0):
    net = copy.deepcopy(start)
    opts = optimizers(net)
    averaged = AveragedModel(net, avg_fn=lambda a, p, n: average * a + (1 - average) * p, use_buffers=buffers) if average else None
    frozen = lambda name: name.startswith(freeze) if freeze else False
    losses, norms = [], []
    for step, (x, labels, boxes) in enumerate(data):
        for name, p in net.named_parameters():
            p.requires_grad_(not frozen(name) or 0 < unfreeze <= step)
        value = loss(net(x), labels, boxes)
        losses.append(value.item())
        (value / accumulate).backward()
        if (step + 1) % accumulate:
            continue
        if clip_value:
            torch.nn.utils.clip_grad_value_(net.parameters(), clip_value)
        if clip_norm:
            norms.append(torch.nn.utils.clip_grad_norm_(net.parameters(), clip_norm).item())
        for o in opts:
            o.step()
            o.zero_grad(set_to_none=True)
        if averaged is not None:
            averaged.update_parameters(net)
    out = {"losses": losses, "norms": norms, "state": numbers(net)}
    if averaged is not None:
        out["average"] = numbers(averaged.module)
        for name, b in net.named_buffers():
            if not buffers or not b.is_floating_point():
                # PyTorch 1.13 leaves buffers as they were at the start, later ones copy
                # them; and whole numbers are copied here in any case.
                out["average"][name] = b.double().flatten().tolist()
    return out


def numbers(net):
    return {k: v.double().flatten().tolist() for k, v in net.state_dict().items()}


def main():
    torch.manual_seed(10)
    start = Net()
    data = []
    for _ in range(10):
        labels = torch.randint(0, 3, (8,))
        data.append((torch.randn(8, 6), labels, torch.randn(8, 2)))
    ignored = []
    for x, labels, boxes in data:
        some = labels.clone()
        some[::3] = -100
        ignored.append((x, some, boxes))
    out = {"start": numbers(start), "x": [], "labels": [], "ignored": [], "boxes": [], "cases": {}}
    for (x, labels, boxes), (_, some, _) in zip(data, ignored):
        out["x"].append(x.flatten().tolist())
        out["labels"].append(labels.tolist())
        out["ignored"].append(some.tolist())
        out["boxes"].append(boxes.flatten().tolist())
    for name, settings in CASES.items():
        out["cases"][name] = run(start, ignored if settings.get("loss") is joint else data, **settings)
    with open("training.json", "w") as f:
        json.dump(out, f, separators=(",", ":"))
        f.write("\n")


main()
