"""Makes pictures with Pillow 9.4 and torchvision 0.14 (Debian 12) in golden/image/: those of pillow.tar.bz2 are from
there, all but the grids, which plot/testdata has, and what ToPILImage cuts off."""
import os, json, numpy as np, torch, torchvision, PIL
from PIL import Image, ImageDraw
import torchvision.transforms as T
G = os.environ.get("GOLDEN", "golden") + "/image"; os.makedirs(G, exist_ok=True)
IDX = {"pillow": PIL.__version__, "torchvision": torchvision.__version__, "pipeline": [], "resize": [], "rotate_flip": [], "grayscale": [], "make_grid": [], "to_pil": [], "other": []}
rng = np.random.default_rng(7)

def strokes(w, h, pts, width, aa=4, color=(0, 0, 0)):
    """black round strokes on a transparent layer with soft alpha edges, as a sketchpad layer has"""
    m = Image.new("L", (w * aa, h * aa), 0); d = ImageDraw.Draw(m); P = [(x * w * aa, y * h * aa) for x, y in pts]; wd = max(1, int(width * aa))
    d.line(P, fill=255, width=wd, joint="curve")
    for x, y in P: d.ellipse([x - wd / 2, y - wd / 2, x + wd / 2, y + wd / 2], fill=255)
    m = m.resize((w, h), Image.BOX); im = Image.new("RGBA", (w, h), color + (0,)); im.putalpha(m); return im
seven = [(.25, .2), (.75, .2), (.45, .85)]; three = [(.3, .2), (.65, .18), (.7, .35), (.45, .48), (.72, .6), (.65, .82), (.28, .8)]
one = [(.5, .1), (.5, .9)]; eight = [(.5, .5), (.3, .3), (.5, .12), (.7, .3), (.5, .5), (.28, .7), (.5, .9), (.72, .7), (.5, .5)]; diag = [(0, 0), (1, 1)]
rgba_noise = Image.fromarray(rng.integers(0, 256, (61, 47, 4), dtype=np.uint8), "RGBA")
grad = np.zeros((300, 200, 4), np.uint8); grad[..., 0] = np.linspace(0, 255, 200)[None]; grad[..., 1] = np.linspace(0, 255, 300)[:, None]; grad[..., 2] = 128; grad[..., 3] = (np.add.outer(np.arange(300), np.arange(200)) % 256)
imgs = {
 "seven_280": strokes(280, 280, seven, 30), "three_500x333": strokes(500, 333, three, 30), "eight_800": strokes(800, 800, eight, 30), "one_17x23": strokes(17, 23, one, 3),
 "three_28": strokes(28, 28, three, 3), "diag_1000x40": strokes(1000, 40, diag, 9), "empty_280": Image.new("RGBA", (280, 280), (0, 0, 0, 0)), "color_333x500": strokes(333, 500, eight, 40, color=(200, 30, 90)),
 "noise_rgba_47x61": rgba_noise, "gradient_rgba_200x300": Image.fromarray(grad, "RGBA"), "full_black_1x1": Image.new("RGBA", (1, 1), (0, 0, 0, 255)), "three_600x800_thin": strokes(600, 800, three, 5),
 "noise_rgb_53x37": Image.fromarray(rng.integers(0, 256, (37, 53, 3), dtype=np.uint8), "RGB"), "noise_gray_91x64": Image.fromarray(rng.integers(0, 256, (64, 91), dtype=np.uint8), "L"),
}
def png(name, im): im.save(f"{G}/{name}.png", optimize=False); return f"image/{name}.png"
def npy(name, a): np.save(f"{G}/{name}.npy", np.ascontiguousarray(a)); return f"image/{name}.npy"

# a trained-looking deterministic net is not needed here; processed tensors suffice
for n, pre in imgs.items():
    e = {"name": n, "mode": pre.mode, "size_wh": pre.size, "input": png(f"{n}_0_input", pre)}
    if pre.mode == "RGBA":
        rgb = Image.new("RGB", pre.size, (255, 255, 255)); rgb.paste(pre, mask=pre.split()[3])
    else: rgb = pre
    e["pasted"] = png(f"{n}_1_pasted", rgb)
    g = T.Grayscale()(rgb); e["grayscale"] = png(f"{n}_2_gray", g)
    r = T.Resize((28, 28))(g); e["resize"] = png(f"{n}_3_resize28", r)
    f = T.RandomHorizontalFlip(p=1)(r); e["hflip"] = png(f"{n}_4_hflip", f)
    q = f.rotate(90, expand=True); e["rotate90"] = png(f"{n}_5_rot90", q)
    t = T.ToTensor()(q); e["totensor"] = npy(f"{n}_6_totensor", t.numpy())
    i = 1 - t; e["invert"] = npy(f"{n}_7_invert", i.numpy())
    z = T.Normalize((0.5,), (0.5,))(i); e["normalize"] = npy(f"{n}_8_normalize", z.numpy())
    pil = T.ToPILImage()(z); e["to_pil_wrapped"] = png(f"{n}_9_topil", pil)
    IDX["pipeline"].append(e)

# resize grid: modes x sizes (Resize takes (h,w)); torchvision default BILINEAR + antialias via PIL
for n in ("three_500x333", "one_17x23", "noise_rgba_47x61", "noise_rgb_53x37", "noise_gray_91x64", "gradient_rgba_200x300"):
    im = imgs[n]
    for (h, w) in ((28, 28), (64, 64), (13, 90), (200, 7), (1, 1)):
        for mode in ("bilinear", "nearest", "bicubic", "box", "hamming", "lanczos"):
            if mode != "bilinear" and (h, w) not in ((28, 28), (64, 64)): continue
            o = T.Resize((h, w), interpolation=getattr(T.InterpolationMode, mode.upper()))(im)
            IDX["resize"].append({"input": f"image/{n}_0_input.png", "mode": im.mode, "hw": [h, w], "interp": mode, "out": png(f"rs_{n}_{h}x{w}_{mode}", o)})
    o = T.Resize(20)(im); IDX["resize"].append({"input": f"image/{n}_0_input.png", "mode": im.mode, "shorter_edge": 20, "interp": "bilinear", "out": png(f"rs_{n}_edge20", o), "out_wh": o.size})
    o = T.Resize(20, max_size=22)(im); IDX["resize"].append({"input": f"image/{n}_0_input.png", "mode": im.mode, "shorter_edge": 20, "max_size": 22, "interp": "bilinear", "out": png(f"rs_{n}_edge20max22", o), "out_wh": o.size})
# tensor resize (torch interpolate path, antialias False/True) and PIL float? keep tensor variants
tg = T.ToTensor()(imgs["noise_gray_91x64"]); npy("tg_input", tg.numpy())
for aa in (False, True):
    o = T.Resize((28, 28), antialias=aa)(tg); IDX["resize"].append({"input": "image/tg_input.npy", "tensor": True, "antialias": aa, "hw": [28, 28], "interp": "bilinear", "out": npy(f"rs_tensor_aa{int(aa)}", o.numpy())})

# rotate / flip
for n in ("three_500x333", "noise_rgb_53x37", "noise_gray_91x64", "noise_rgba_47x61"):
    im = imgs[n]
    for a in (90, 180, 270, 0, -90, 30, 45.5):
        for ex in (True, False):
            IDX["rotate_flip"].append({"input": f"image/{n}_0_input.png", "op": "rotate", "angle": a, "expand": ex, "resample": "nearest", "out": png(f"rot_{n}_{a}_{int(ex)}", im.rotate(a, expand=ex))})
    IDX["rotate_flip"].append({"input": f"image/{n}_0_input.png", "op": "rotate", "angle": 30, "expand": True, "resample": "bilinear", "out": png(f"rot_{n}_30_bl", im.rotate(30, resample=Image.BILINEAR, expand=True))})
    IDX["rotate_flip"].append({"input": f"image/{n}_0_input.png", "op": "hflip", "out": png(f"hf_{n}", T.functional.hflip(im))}); IDX["rotate_flip"].append({"input": f"image/{n}_0_input.png", "op": "vflip", "out": png(f"vf_{n}", T.functional.vflip(im))})
    IDX["rotate_flip"].append({"input": f"image/{n}_0_input.png", "op": "pad(3,4,5,6) fill 7", "out": png(f"pad_{n}", T.functional.pad(im, [3, 4, 5, 6], fill=7 if im.mode == "L" else tuple([7] * len(im.getbands()))))})
    IDX["rotate_flip"].append({"input": f"image/{n}_0_input.png", "op": "center_crop(20,30)", "out": png(f"cc_{n}", T.functional.center_crop(im, [20, 30]))})
for n in ("noise_rgba_47x61", "noise_rgb_53x37", "noise_gray_91x64", "gradient_rgba_200x300"):
    im = imgs[n]
    for k in (1, 3): IDX["grayscale"].append({"input": f"image/{n}_0_input.png", "num_output_channels": k, "out": png(f"gr_{n}_{k}", T.Grayscale(k)(im)), "rule": "L = (R*19595 + G*38470 + B*7471 + 0x8000) >> 16"})
# every (r,g,b) on a coarse lattice -> L, and paste-with-mask for every (src,alpha) over white
v = np.arange(0, 256, 5, dtype=np.uint8); rr, gg, bb = np.meshgrid(v, v, v, indexing="ij"); lat = np.stack([rr, gg, bb], -1).reshape(52 * 52, 52, 3)
IDX["grayscale"].append({"name": "lattice step 5", "rgb": npy("lattice_rgb", lat), "out": npy("lattice_L", np.asarray(Image.fromarray(lat, "RGB").convert("L")))})
s, al = np.meshgrid(np.arange(256, dtype=np.uint8), np.arange(256, dtype=np.uint8), indexing="ij"); ra = np.stack([s, s, s, al], -1); p = Image.fromarray(ra, "RGBA"); w = Image.new("RGB", (256, 256), (255,) * 3); w.paste(p, mask=p.split()[3])
IDX["other"].append({"name": "paste over white: out[src,alpha]", "out": npy("paste_white_src_alpha", np.asarray(w)[..., 0].copy())})
w = Image.new("RGB", (256, 256), (40, 90, 210)); w.paste(p, mask=p.split()[3]); IDX["other"].append({"name": "paste over (40,90,210): out[src,alpha,ch]", "out": npy("paste_color_src_alpha", np.asarray(w))})
# ToPILImage float -> byte (mul 255, .byte(): truncation toward zero, wraps modulo 256)
x = torch.linspace(-1, 1, 2049)[None, None].repeat(1, 2, 1); IDX["to_pil"].append({"name": "linspace(-1,1,2049)", "input": npy("topil_in", x.numpy()), "out": npy("topil_out", np.asarray(T.ToPILImage()(x)).copy())})
x = torch.rand(3, 5, 7, generator=torch.Generator().manual_seed(3)); IDX["to_pil"].append({"name": "rgb rand", "input": npy("topil_rgb_in", x.numpy()), "out": png("topil_rgb", T.ToPILImage()(x))})
x = (torch.arange(256, dtype=torch.float32) / 255)[None, None]; IDX["to_pil"].append({"name": "k/255 round trip", "input": npy("topil_k255_in", x.numpy()), "out": npy("topil_k255", np.asarray(T.ToPILImage()(x)).copy())})
IDX["other"].append({"name": "ToTensor+Normalize(.5,.5) of every byte (float32)", "totensor": npy("bytes_totensor", T.ToTensor()(np.arange(256, dtype=np.uint8)[None, :, None]).numpy().ravel()), "normalize": npy("bytes_norm", T.Normalize((.5,), (.5,))(T.ToTensor()(np.arange(256, dtype=np.uint8)[None, :, None])).numpy().ravel()), "one_minus_normalize": npy("bytes_inv_norm", T.Normalize((.5,), (.5,))(1 - T.ToTensor()(np.arange(256, dtype=np.uint8)[None, :, None])).numpy().ravel()), "normalize_mnist_.1307_.3081": npy("bytes_norm_mnist", T.Normalize((.1307,), (.3081,))(T.ToTensor()(np.arange(256, dtype=np.uint8)[None, :, None])).numpy().ravel())})
# make_grid
g = torch.Generator().manual_seed(11); R = lambda *s: torch.rand(*s, generator=g) * 2 - 1
ins = {"b4_1x28": R(4, 1, 28, 28), "b9_1x28": R(9, 1, 28, 28), "b10_3x12x17": R(10, 3, 12, 17), "b1_1x28": R(1, 1, 28, 28), "b1_3x5": R(1, 3, 5, 5), "chw_3x8x9": R(3, 8, 9), "chw_1x8x9": R(1, 8, 9), "hw_8x9": R(8, 9)}
for k, x in ins.items(): npy(f"grid_in_{k}", x.numpy())
def grid(k, **kw):
    o = torchvision.utils.make_grid(ins[k].clone(), **kw); nm = "grid_%02d" % len(IDX["make_grid"])
    IDX["make_grid"].append({"input": f"image/grid_in_{k}.npy", "args": kw, "out": npy(nm, o.numpy()), "shape": list(o.shape)})
for k in ins: grid(k)
for k in ("b4_1x28", "b9_1x28", "b10_3x12x17"):
    grid(k, nrow=4); grid(k, nrow=3, padding=0); grid(k, nrow=2, padding=5); grid(k, nrow=1); grid(k, nrow=20); grid(k, nrow=4, pad_value=.5); grid(k, nrow=4, normalize=True); grid(k, nrow=4, normalize=True, scale_each=True); grid(k, nrow=4, normalize=True, value_range=(-.5, .75))
lst = [R(3, 6, 6) for _ in range(5)]; npy("grid_in_list", torch.stack(lst).numpy()); o = torchvision.utils.make_grid(lst, nrow=3); IDX["make_grid"].append({"input": "image/grid_in_list.npy", "args": {"nrow": 3, "as": "list of tensors"}, "out": npy("grid_list", o.numpy()), "shape": list(o.shape)})
x = ins["b4_1x28"]; torchvision.utils.save_image(x, f"{G}/save_image_b4.png", nrow=2, normalize=True); IDX["other"].append({"name": "save_image(nrow=2, normalize=True)", "input": "image/grid_in_b4_1x28.npy", "out": "image/save_image_b4.png", "rule": "mul(255).add(0.5).clamp(0,255).byte()"})
# seed's imshow conversion: grid/2+.5 -> HWC
o = (torchvision.utils.make_grid(x) / 2 + .5).numpy().transpose(1, 2, 0); IDX["other"].append({"name": "seed imshow array (make_grid/2+0.5, HWC)", "input": "image/grid_in_b4_1x28.npy", "out": npy("imshow_b4", o)})
json.dump(IDX, open(f"{G}/index.json", "w"), indent=1)
print({k: len(v) for k, v in IDX.items() if isinstance(v, list)}, len(os.listdir(G)), "files")
