"""Writes the files of this folder with torch and torchvision.

Written with torch 1.13 and torchvision 0.14: python3 goldens.py

Each in_*.npy is a batch of pictures, and each grid_*.png is what make_grid and
save_image make of one of them; grids.json lists which, and with what arguments.
"""
import json
import numpy as np, torch
from torchvision.utils import make_grid, save_image

g = torch.Generator().manual_seed(11)
inputs = {name: torch.rand(*shape, generator=g) * 2 - 1 for name, shape in {
    "b4_1x28": (4, 1, 28, 28), "b9_1x28": (9, 1, 28, 28), "b10_3x12x17": (10, 3, 12, 17),
    "b1_1x28": (1, 1, 28, 28), "b1_3x5": (1, 3, 5, 5)}.items()}
for name, x in inputs.items():
    np.save(f"in_{name}.npy", x.numpy())

cases = []
def case(name, **arguments):
    file = "grid_%02d.png" % len(cases)
    # make_grid changes its input when it normalizes; save_image calls it.
    save_image(inputs[name].clone(), file, **arguments)
    shape = list(inputs[name].shape)
    cases.append({"input": f"in_{name}.npy", "shape": shape, "arguments": arguments, "output": file})

for name in inputs:
    case(name)
    case(name, normalize=True)
for name in ("b4_1x28", "b9_1x28", "b10_3x12x17"):
    case(name, nrow=4)
    case(name, nrow=3, padding=0)
    case(name, nrow=2, padding=5)
    case(name, nrow=1)
    case(name, nrow=20)
    case(name, nrow=4, pad_value=.5)
    case(name, nrow=4, normalize=True, scale_each=True)
    case(name, nrow=4, normalize=True, value_range=(-.5, .75))
json.dump(cases, open("grids.json", "w"), indent=1)
