#!/usr/bin/python3
"""Writes muon.json: twelve steps of Muon on matrices of several shapes, from its formula in float64
(Jordan et al. 2024, kellerjordan.github.io/posts/muon; settings as torch.optim.Muon has them)."""
import json, os
import numpy as np

def orthogonal(g, coefficients, steps, eps):
    a, b, c = coefficients
    x = g.T if g.shape[0] > g.shape[1] else g
    x = x / max(np.linalg.norm(x), eps)
    for _ in range(steps):
        s = x @ x.T
        x = a * x + (b * s + c * s @ s) @ x
    return x.T if g.shape[0] > g.shape[1] else x

rng = np.random.default_rng(0)
out = []
for shape, kw in [((4, 6), {}), ((9, 5), {}), ((8, 8), dict(nesterov=False)), ((3, 2, 3, 3), dict(weight_decay=0.0, momentum=0.6)), ((17, 2), dict(lr=0.02, ns_steps=3))]:
    s = dict(lr=0.1, weight_decay=0.1, momentum=0.95, nesterov=True, ns_coefficients=[3.4445, -4.775, 2.0315], eps=1e-7, ns_steps=5) | kw
    p = np.float32(rng.normal(size=shape)).astype(np.float64)
    gradients = [np.float32(rng.normal(size=shape)).astype(np.float64) for _ in range(12)]
    case = dict(shape=shape, settings=s, parameter=p.flatten().tolist(), gradients=[g.flatten().tolist() for g in gradients], steps=[])
    rows = shape[0]
    p = p.reshape(rows, -1)
    buffer = np.zeros_like(p)
    for g in gradients:
        g = g.reshape(rows, -1)
        buffer = s["momentum"] * buffer + (1 - s["momentum"]) * g
        u = s["momentum"] * buffer + (1 - s["momentum"]) * g if s["nesterov"] else buffer
        u = orthogonal(u, s["ns_coefficients"], s["ns_steps"], s["eps"])
        p = p * (1 - s["lr"] * s["weight_decay"])
        p = p - s["lr"] * max(1, p.shape[0] / p.shape[1]) ** 0.5 * u
        case["steps"].append([float(f"{v:.9g}") for v in p.flatten()])
    out.append(case)
json.dump(out, open(os.path.join(os.path.dirname(__file__), "muon.json"), "w"))
