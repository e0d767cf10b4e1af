#!/usr/bin/python3
"""Writes the pictures of this folder with Pillow, torchvision and torch.

Written with torch 1.13, torchvision 0.14, Pillow 9.4 and numpy 1.24:

    cd testdata/pillow && /usr/bin/python3 goldens.py

NAME_0_input.png is a drawing or noise; NAME_1 to NAME_8 are what each step of
the tutorial's preprocessing makes of it. The other files are named after one
step, its input and its parameters; the tests in this package read both out of
the name.
"""
import numpy as np, torch
from PIL import Image, ImageDraw
import torchvision.transforms as T
import torchvision.transforms.functional as F
from torchvision.transforms import InterpolationMode as M

rng = np.random.default_rng(7)


def png(name, im):
    im.save(f"{name}.png", optimize=False)


def npy(name, a):
    np.save(f"{name}.npy", np.ascontiguousarray(a))


def strokes(w, h, points, width, color=(0, 0, 0)):
    """Round strokes with soft edges on a transparent layer."""
    aa = 4
    mask = Image.new("L", (w * aa, h * aa), 0)
    d = ImageDraw.Draw(mask)
    P = [(x * w * aa, y * h * aa) for x, y in points]
    wide = max(1, int(width * aa))
    d.line(P, fill=255, width=wide, joint="curve")
    for x, y in P:
        d.ellipse([x - wide / 2, y - wide / 2, x + wide / 2, y + wide / 2], fill=255)
    im = Image.new("RGBA", (w, h), color + (0,))
    im.putalpha(mask.resize((w, h), Image.BOX))
    return im


seven = [(.25, .2), (.75, .2), (.45, .85)]
three = [(.3, .2), (.65, .18), (.7, .35), (.45, .48), (.72, .6), (.65, .82), (.28, .8)]
one = [(.5, .1), (.5, .9)]
eight = [(.5, .5), (.3, .3), (.5, .12), (.7, .3), (.5, .5), (.28, .7), (.5, .9), (.72, .7), (.5, .5)]
rgba_noise = Image.fromarray(rng.integers(0, 256, (61, 47, 4), dtype=np.uint8), "RGBA")
grad = np.zeros((300, 200, 4), np.uint8)
grad[..., 0] = np.linspace(0, 255, 200)[None]
grad[..., 1] = np.linspace(0, 255, 300)[:, None]
grad[..., 2] = 128
grad[..., 3] = np.add.outer(np.arange(300), np.arange(200)) % 256
imgs = {
    "seven_280": strokes(280, 280, seven, 30),
    "three_500x333": strokes(500, 333, three, 30),
    "eight_800": strokes(800, 800, eight, 30),
    "one_17x23": strokes(17, 23, one, 3),
    "three_28": strokes(28, 28, three, 3),
    "diag_1000x40": strokes(1000, 40, [(0, 0), (1, 1)], 9),
    "empty_280": Image.new("RGBA", (280, 280), (0, 0, 0, 0)),
    "color_333x500": strokes(333, 500, eight, 40, color=(200, 30, 90)),
    "noise_rgba_47x61": rgba_noise,
    "gradient_rgba_200x300": Image.fromarray(grad, "RGBA"),
    "full_black_1x1": Image.new("RGBA", (1, 1), (0, 0, 0, 255)),
    "three_600x800_thin": strokes(600, 800, three, 5),
    "noise_rgb_53x37": Image.fromarray(rng.integers(0, 256, (37, 53, 3), dtype=np.uint8), "RGB"),
    "noise_gray_91x64": Image.fromarray(rng.integers(0, 256, (64, 91), dtype=np.uint8), "L"),
}

# The tutorial's preprocessing, step by step.
for n, im in imgs.items():
    png(f"{n}_0_input", im)
    rgb = im
    if im.mode == "RGBA":
        rgb = Image.new("RGB", im.size, (255, 255, 255))
        rgb.paste(im, mask=im.split()[3])
    png(f"{n}_1_pasted", rgb)
    g = T.Grayscale()(rgb)
    png(f"{n}_2_gray", g)
    r = T.Resize((28, 28))(g)
    png(f"{n}_3_resize28", r)
    f = T.RandomHorizontalFlip(p=1)(r)
    png(f"{n}_4_hflip", f)
    q = f.rotate(90, expand=True)
    png(f"{n}_5_rot90", q)
    t = T.ToTensor()(q)
    npy(f"{n}_6_totensor", t.numpy())
    npy(f"{n}_7_invert", (1 - t).numpy())
    npy(f"{n}_8_normalize", T.Normalize((0.5,), (0.5,))(1 - t).numpy())

# Every mix of a level with white, and gray of a lattice of colours with step 5.
s, al = np.meshgrid(np.arange(256, dtype=np.uint8), np.arange(256, dtype=np.uint8), indexing="ij")
p = Image.fromarray(np.stack([s, s, s, al], -1), "RGBA")
w = Image.new("RGB", (256, 256), (255,) * 3)
w.paste(p, mask=p.split()[3])
png("paste_white", w.getchannel(0))
w = Image.new("RGB", (256, 256), (40, 90, 210))
w.paste(p, mask=p.split()[3])
png("paste_40_90_210", w)
v = np.arange(0, 256, 5, dtype=np.uint8)
rr, gg, bb = np.meshgrid(v, v, v, indexing="ij")
png("lattice_gray", Image.fromarray(np.stack([rr, gg, bb], -1).reshape(52 * 52, 52, 3), "RGB").convert("L"))

# Resize.
for n in ("three_500x333", "one_17x23", "noise_rgba_47x61", "noise_rgb_53x37", "noise_gray_91x64", "gradient_rgba_200x300"):
    im = imgs[n]
    for h, w in ((28, 28), (64, 64), (13, 90), (200, 7), (1, 1)):
        for mode in ("bilinear", "nearest", "bicubic", "box", "hamming", "lanczos"):
            if mode != "bilinear" and (h, w) not in ((28, 28), (64, 64)):
                continue
            png(f"rs_{n}_{h}x{w}_{mode}", T.Resize((h, w), interpolation=getattr(M, mode.upper()))(im))
    png(f"rs_{n}_edge20", T.Resize(20)(im))
    png(f"rs_{n}_edge20max22", T.Resize(20, max_size=22)(im))
for mode in ("bilinear", "bicubic"):
    tensor = T.ToTensor()(imgs["noise_rgb_53x37"])
    for h, w in ((28, 20), (40, 60)):
        npy(f"rsf_noise_rgb_53x37_{h}x{w}_{mode}", F.resize(tensor, [h, w], getattr(M, mode.upper()), antialias=True).numpy())

# Rotations, flips, pads, crops, gray.
for n in ("three_500x333", "noise_rgb_53x37", "noise_gray_91x64", "noise_rgba_47x61"):
    im = imgs[n]
    bands = len(im.getbands())
    for a in (30,) if n == "three_500x333" else (90, 180, -90, 0, 30, 45.5):
        for ex in (True, False):
            png(f"rot_{n}_{a}_{int(ex)}_nearest", im.rotate(a, expand=ex))
    png(f"rot_{n}_30_1_bilinear", im.rotate(30, resample=Image.BILINEAR, expand=True))
    png(f"rot_{n}_-75.25_1_bicubic", im.rotate(-75.25, resample=Image.BICUBIC, expand=True))
    png(f"hf_{n}", F.hflip(im))
    png(f"vf_{n}", F.vflip(im))
    png(f"pad_{n}_constant", F.pad(im, [3, 4, 5, 6], fill=7 if bands == 1 else (7,) * bands))
    png(f"cc_{n}_20x30", F.center_crop(im, [20, 30]))
for n in ("noise_rgba_47x61", "noise_rgb_53x37", "noise_gray_91x64", "gradient_rgba_200x300"):
    for k in (1, 3):
        png(f"gr_{n}_{k}", T.Grayscale(k)(imgs[n]))
small = ("noise_rgb_53x37", "noise_gray_91x64")
for n in small:
    for mode in ("edge", "reflect", "symmetric"):
        png(f"pad_{n}_{mode}", F.pad(imgs[n], [3, 4, 5, 6], padding_mode=mode))
    png(f"cc_{n}_70x40", F.center_crop(imgs[n], [70, 40]))
    png(f"inv_{n}", F.invert(imgs[n]))
npy("gr_float_noise_rgb_53x37", F.rgb_to_grayscale(T.ToTensor()(imgs["noise_rgb_53x37"])).numpy())

# GaussianBlur: kernel (width, height) and sigma.
for n in small:
    for kw, kh, sigma in ((3, 3, .5), (5, 5, 1.25), (9, 5, 2.)):
        png(f"blur_{n}_{kw}x{kh}_{sigma}", F.gaussian_blur(imgs[n], [kw, kh], [sigma, sigma]))

# A smooth colour picture, for which a wrong place or level shows.
y, x = np.mgrid[0:48, 0:64]
smooth = np.stack([128 + 120 * np.sin(x / 9.), 4 * x * (y < 24) + 2 * y, (x // 8 + y // 8) % 2 * 200 + 20], -1)
imgs["smooth_64x48"] = Image.fromarray(smooth.clip(0, 255).astype(np.uint8), "RGB")
png("smooth_64x48_0_input", imgs["smooth_64x48"])

# Affine: angle, translation, scale, shear, as torchvision's affine takes them.
for i, (a, t, sc, sh) in enumerate(((30., (5, -3), .8, (10., -5.)), (-100., (0, 0), 1.5, (0., 0.)), (0., (7, 2), 1., (0., 0.)), (12.5, (0, 0), 1., (0., 25.)))):
    for n in ("smooth_64x48", "noise_gray_91x64"):
        for mode in ("nearest", "bilinear", "bicubic"):
            im = imgs[n]
            fill = [9] * len(im.getbands())
            png(f"affine_{n}_{i}_{mode}", F.affine(im, a, list(t), sc, list(sh), getattr(M, mode.upper()), fill))

# Perspective: where the corners go, clockwise from the upper left. Since 0.18
# torchvision solves for the coefficients in float64.
def coefficients(start, end):
    rows = [row for (x, y), (u, v) in zip(end, start)
            for row in ([x, y, 1, 0, 0, 0, -u * x, -u * y], [0, 0, 0, x, y, 1, -v * x, -v * y])]
    return [float(np.float32(v)) for v in np.linalg.solve(np.array(rows, float), np.array(start, float).ravel())]


F._get_perspective_coeffs = coefficients
for n in ("smooth_64x48", "noise_gray_91x64"):
    im = imgs[n]
    w, h = im.size
    start = [[0, 0], [w - 1, 0], [w - 1, h - 1], [0, h - 1]]
    end = [[9, 4], [w - 4, 11], [w - 13, h - 2], [2, h - 10]]
    for mode in ("nearest", "bilinear", "bicubic"):
        png(f"persp_{n}_{mode}", F.perspective(im, start, end, getattr(M, mode.upper()), [9] * len(im.getbands())))

# Colours.
for n in ("smooth_64x48", "noise_rgb_53x37"):
    for f in (0., .4, 1.7):
        png(f"brightness_{n}_{f}", F.adjust_brightness(imgs[n], f))
        png(f"contrast_{n}_{f}", F.adjust_contrast(imgs[n], f))
        png(f"saturation_{n}_{f}", F.adjust_saturation(imgs[n], f))
    for f in (-.5, -.1, .05, .3):
        png(f"hue_{n}_{f}", F.adjust_hue(imgs[n], f))
# Every step of hue, saturation and value of Pillow's HSV on a lattice with step 15.
v = np.arange(0, 256, 15, dtype=np.uint8)
rr, gg, bb = np.meshgrid(v, v, v, indexing="ij")
png("lattice_hue_0.1", F.adjust_hue(Image.fromarray(np.stack([rr, gg, bb], -1).reshape(18 * 18, 18, 3), "RGB"), .1))

# Elastic: a displacement in pixels, as torchvision's grid wants it in halves of
# the sides.
for n in ("smooth_64x48", "noise_gray_91x64"):
    im = imgs[n]
    w, h = im.size
    yy, xx = np.mgrid[0:h, 0:w]
    dx, dy = 4 * np.sin(yy / 5.), 3 * np.cos(xx / 7.)
    d = torch.tensor(np.stack([dx * 2 / w, dy * 2 / h], -1)[None], dtype=torch.float32)
    for mode in ("nearest", "bilinear"):
        png(f"elastic_{n}_{mode}", F.elastic_transform(im, d, getattr(M, mode.upper())))
