#!/usr/bin/python3
"""Writes zoo.json: what torchvision's networks compute at eval, with weights and pictures from a formula that
   zoo_test.go has, too: element i of the tensor NAME is made of a hash of crc32(NAME) + i.
   Debian 12's python3-torch 1.13 and python3-torchvision 0.14."""
import json, math, os, zlib
import numpy as np, torch, torch.nn as nn, torchvision.models as tv

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

out = []
for name, net, side in [("resnet18", tv.resnet18(num_classes=7), 64), ("resnet18", small(tv.resnet18(num_classes=7)), 32), ("resnet34", tv.resnet34(num_classes=7), 64),
                        ("resnet50", tv.resnet50(num_classes=7), 64), ("mobilenet_v2", tv.mobilenet_v2(num_classes=7), 64), ("mobilenet_v2", smallv2(tv.mobilenet_v2(num_classes=7)), 32),
                        ("mobilenet_v3_small", tv.mobilenet_v3_small(num_classes=7), 64), ("squeezenet1_1", tv.squeezenet1_1(num_classes=7), 65)]:
    state = {k: value(k, tuple(v.shape)) for k, v in net.state_dict().items()}
    net.load_state_dict({k: v.to(net.state_dict()[k].dtype) for k, v in state.items()})
    net.eval()
    x = 4 * torch.tensor(share("input", 2 * 3 * side * side).astype(np.float32).reshape(2, 3, side, side))
    y = net(x)
    out.append(dict(model=name, side=side, keys=len(state), parameters=sum(p.numel() for p in net.parameters()), logits=y.detach().flatten().tolist()))
    print(name, side, y.detach().numpy().round(3).tolist())
json.dump(out, open(os.path.join(os.path.dirname(__file__), "zoo.json"), "w"), indent=1)
