#!/usr/bin/python3
"""Writes zoo.json: what torchvision's networks compute at eval, with weights and pictures from a formula that
   zoo_test.go has, too: element i of the tensor NAME is made of a hash of crc32(NAME) + i. And zoo_init.json: the mean, the
   standard deviation and the largest magnitude of their initial weights, by their names, for seed 0.
   Debian 12's python3-torch 1.13 and python3-torchvision 0.14."""
import json, math, os, zlib
import numpy as np, torch, torch.nn as nn, torch.nn.functional as F, torchvision.models as tv

torch.set_num_threads(1)

def share(name, n):
    """n numbers from -0.5 up to and without 0.5."""
    x = np.uint32(zlib.crc32(name.encode())) + np.arange(n, dtype=np.uint32)
    x = x * np.uint32(0x9E3779B1)
    x ^= x >> np.uint32(16)
    x = x * np.uint32(0x85EBCA6B)
    x ^= x >> np.uint32(13)
    return x.astype(np.float64) / 2**32 - 0.5

def value(name, shape):
    u = share(name, int(np.prod(shape)) if len(shape) else 1)
    if name.endswith("num_batches_tracked"):
        u = u * 0
    elif len(shape) > 1:
        u = u * (2 * math.sqrt(6 / np.prod(shape[1:])))
    elif name.endswith("weight"):
        u = 1 + 0.2 * u
    elif name.endswith("running_var"):
        u = 1 + 0.4 * u
    else:
        u = 0.2 * u
    return torch.tensor(u.astype(np.float32).reshape(shape))

def small(net):
    net.conv1 = nn.Conv2d(3, 64, 3, 1, 1, bias=False)
    net.maxpool = nn.Identity()
    return net

def smallv2(net):
    for m in (net.features[0][0], net.features[2].conv[1][0]):
        m.stride = (1, 1)
    return net

def small_dense(net):
    net.features.conv0 = nn.Conv2d(3, 64, 3, 1, 1, bias=False)
    net.features.pool0 = nn.Identity()
    return net

def small_efficient(net):
    for m in (net.features[0][0], net.features[2][0].block[1][0]):
        m.stride = (1, 1)
    return net

class LeNet5(nn.Module):
    """LeNet-5 as it is usually written for pictures of 28x28."""
    def __init__(self, classes):
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(3, 6, 5, padding=2), nn.Conv2d(6, 16, 5)
        self.fc1, self.fc2, self.fc3 = nn.Linear(400, 120), nn.Linear(120, 84), nn.Linear(84, classes)
    def forward(self, x):
        for conv in (self.conv1, self.conv2):
            x = F.max_pool2d(F.relu(conv(x)), 2)
        return self.fc3(F.relu(self.fc2(F.relu(self.fc1(x.flatten(1))))))

class Group(nn.Module):
    """Two convolutions of airbench94_muon (github.com/KellerJordan/cifar10-airbench)."""
    def __init__(self, a, b):
        super().__init__()
        norm = lambda: nn.BatchNorm2d(b, eps=1e-12, momentum=0.4)
        self.conv1, self.norm1 = nn.Conv2d(a, b, 3, padding=1, bias=False), norm()
        self.conv2, self.norm2 = nn.Conv2d(b, b, 3, padding=1, bias=False), norm()
        for conv in (self.conv1, self.conv2):
            nn.init.dirac_(conv.weight.data[:conv.in_channels])
    def forward(self, x):
        x = F.gelu(self.norm1(F.max_pool2d(self.conv1(x), 2)))
        return F.gelu(self.norm2(self.conv2(x)))

class Airbench(nn.Module):
    def __init__(self, classes):
        super().__init__()
        self.whiten = nn.Conv2d(3, 24, 2)
        self.layers = nn.Sequential(nn.GELU(), Group(24, 64), Group(64, 256), Group(256, 256), nn.MaxPool2d(3))
        self.head = nn.Linear(256, classes, bias=False)
        self.head.weight.data /= self.head.weight.std()
    def forward(self, x):
        return self.head(self.layers(self.whiten(x)).flatten(1)) / 256

def load(net):
    """Sets the weights to the formula's."""
    net.load_state_dict({k: value(k, tuple(v.shape)).to(v.dtype) for k, v in net.state_dict().items()})
    return net

def cases():
    C = dict(num_classes=7)
    yield "resnet18", tv.resnet18(**C), 64
    yield "resnet18", small(tv.resnet18(**C)), 32
    yield "resnet34", tv.resnet34(**C), 64
    yield "resnet50", tv.resnet50(**C), 64
    yield "mobilenet_v2", tv.mobilenet_v2(**C), 64
    yield "mobilenet_v2", smallv2(tv.mobilenet_v2(**C)), 32
    yield "mobilenet_v3_small", tv.mobilenet_v3_small(**C), 64
    yield "squeezenet1_1", tv.squeezenet1_1(**C), 65
    yield "densenet121", tv.densenet121(**C), 64
    yield "densenet121", small_dense(tv.densenet121(**C)), 32
    yield "efficientnet_b0", tv.efficientnet_b0(**C), 64
    yield "efficientnet_b0", small_efficient(tv.efficientnet_b0(**C)), 32
    yield "lenet5", LeNet5(7), 28
    yield "airbench", Airbench(7), 32
    yield "resnet18 stem=large", tv.resnet18(**C), 32
    yield "mobilenet_v2 width_mult=0.35", tv.mobilenet_v2(width_mult=0.35, **C), 64
    yield "mobilenet_v3_small width_mult=0.5", tv.mobilenet_v3_small(width_mult=0.5, **C), 64

def main():
    torch.manual_seed(0)
    out, init = [], {}
    for name, net, side in cases():
        state = net.state_dict()
        lines = "".join(f"{k} {' '.join(map(str, v.shape))}\n" for k, v in state.items())
        if name not in init and " " not in name:
            init[name] = {k: [float(f"{x:.4g}") for x in (p.mean(), p.std(unbiased=False), p.abs().max())] for k, p in net.named_parameters()}
        load(net).eval()
        x = 4 * torch.tensor(share("input", 2 * 3 * side * side).astype(np.float32).reshape(2, 3, side, side))
        y = net(x)
        out.append(dict(model=name, side=side, state=zlib.crc32(lines.encode()), keys=len(state), parameters=sum(p.numel() for p in net.parameters()), logits=y.detach().flatten().tolist()))
        print(name, side, y.detach().numpy().round(3).tolist())
    here = os.path.dirname(os.path.abspath(__file__))
    json.dump(out, open(os.path.join(here, "zoo.json"), "w"), indent=1)
    with open(os.path.join(here, "zoo_init.json"), "w") as f:
        f.write("{" + ",\n".join(f'"{m}": {{' + ",\n".join(f' "{k}": {json.dumps(v)}' for k, v in all.items()) + "}" for m, all in init.items()) + "}\n")

if __name__ == "__main__":
    main()
