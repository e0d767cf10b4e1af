#!/usr/bin/python3
"""Writes ops that e_golden.py lacks into GOLDEN, in the same way: ops/NAME/*.npy and index.json; pack.py packs them.
   Inputs are x0, x1, ...; gy is the gradient of the output y, gx0 ... those of the inputs, grad_NAME those of parameters.
   x and y are float32, whatever PyTorch makes of them (indices, masks)."""
import json, os
import numpy as np, torch, torch.nn as nn, torch.nn.functional as F

torch.set_num_threads(1)
torch.manual_seed(5)
gen = torch.Generator().manual_seed(2024)
G = os.environ.get("GOLDEN", "golden")
cases = []

def rn(*s): return torch.randn(*s, generator=gen)

def case(name, op, f, *inputs, gradient=True, kind="ops", **params):
    """One run of f, a module or function, on inputs; those of integers get no gradient."""
    inputs = [i.clone().requires_grad_(True) if gradient and i.is_floating_point() else i for i in inputs]
    t = {f"x{i}": x for i, x in enumerate(inputs)}
    module = f if isinstance(f, nn.Module) else nn.Module()
    before = {k: v.clone() for k, v in module.named_buffers()}
    y = f(*inputs)
    t["y"] = y
    if gradient:
        t["gy"] = rn(*y.shape) if y.dim() else torch.tensor(1.)
        y.backward(t["gy"])
        t |= {f"gx{i}": x.grad for i, x in enumerate(inputs) if x.is_floating_point()}
    t |= {k: p for k, p in module.named_parameters()}
    t |= {"grad_" + k: p.grad for k, p in module.named_parameters() if p.grad is not None}
    t |= {"before_" + k: v for k, v in before.items()}
    t |= {"after_" + k: v for k, v in module.named_buffers()}
    files = {}
    for k, v in t.items():
        files[k] = f"{kind}/{name}/{k}.npy"
        path = os.path.join(G, files[k])
        os.makedirs(os.path.dirname(path), exist_ok=True)
        np.save(path, v.detach().float().contiguous().numpy())
    cases.append(dict(kind=kind, name=name, params=dict(op=op, **params), files=files))

for i, (n, c, l, o, k, s, p, d, g, b) in enumerate([(2, 3, 11, 4, 3, 1, 0, 1, 1, True), (1, 4, 12, 6, 5, 2, 2, 1, 2, True), (2, 2, 9, 2, 3, 1, 2, 2, 2, False), (1, 3, 8, 4, 4, 1, "same", 1, 1, True)]):
    case(f"conv1d_{i}", "Conv1d", nn.Conv1d(c, o, k, s, p, d, g, b), rn(n, c, l), in_channels=c, out_channels=o, kernel_size=k, stride=s, padding=p, dilation=d, groups=g, bias=b)
tokens = torch.tensor([[0, 3, 3, 6], [1, 0, 5, 3]])
case("embedding", "Embedding", nn.Embedding(7, 5), tokens, num_embeddings=7, embedding_dim=5)
case("embedding_padding", "Embedding", nn.Embedding(7, 5, padding_idx=3), tokens, num_embeddings=7, embedding_dim=5, padding_idx=3)

n = nn.InstanceNorm2d(3); case("instancenorm2d", "InstanceNorm2d", n, rn(2, 3, 4, 5) * 3 + 1, num_features=3)
n = nn.InstanceNorm2d(3, affine=True, eps=1e-3); n.weight.data = rn(3); n.bias.data = rn(3)
case("instancenorm2d_affine", "InstanceNorm2d", n, rn(2, 3, 4, 5), num_features=3, affine=True, eps=1e-3)
n = nn.BatchNorm1d(4); n.weight.data = rn(4); n.bias.data = rn(4)
case("batchnorm1d_length", "BatchNorm1d", n, rn(3, 4, 5) * 2 - 1, num_features=4)
case("groupnorm_one", "GroupNorm", nn.GroupNorm(1, 4), rn(2, 4, 3), num_groups=1, num_channels=4)
case("groupnorm_plain", "GroupNorm", nn.GroupNorm(4, 4, eps=1e-3, affine=False), rn(2, 4, 3, 3), num_groups=4, num_channels=4, eps=1e-3, affine=False)
n = nn.LayerNorm(6); n.weight.data = rn(6); case("layernorm_last", "LayerNorm", n, rn(2, 3, 6), normalized_shape=[6])
case("layernorm_plain", "LayerNorm", nn.LayerNorm(6, eps=1e-3, elementwise_affine=False), rn(2, 6), normalized_shape=[6], eps=1e-3, elementwise_affine=False)

for i, (size, k, s, p, d, ceil) in enumerate([((2, 3, 9), 2, None, 0, 1, False), ((1, 2, 10), 3, 2, 1, 1, True), ((1, 2, 11), 3, 2, 0, 2, False)]):
    case(f"maxpool1d_{i}", "MaxPool1d", nn.MaxPool1d(k, s, p, d, ceil_mode=ceil), rn(*size), kernel_size=k, stride=s, padding=p, dilation=d, ceil_mode=ceil)

x = rn(5, 8) * 4
case("act_hardsigmoid", "hardsigmoid", nn.Hardsigmoid(), x)
case("act_softplus_beta", "softplus", nn.Softplus(2, 5), x, beta=2, threshold=5)
case("act_elu_alpha", "elu", nn.ELU(0.5), x, alpha=0.5)
case("act_softmax_dim", "softmax", nn.Softmax(1), rn(2, 3, 4, 2), dim=1)
case("act_log_softmax_last", "log_softmax", nn.LogSoftmax(-1), rn(2, 3, 4), dim=-1)
n = nn.PReLU(3, init=0.3); n.weight.data = rn(3); case("act_prelu_channels", "prelu", n, rn(2, 3, 4), num_parameters=3)
edges = torch.tensor([[-30., -20.5, -6, -3, -0.5, 0, 0.5, 3, 6, 20.5, 30, 90, -90, 400, -400]])
for name, f in dict(sigmoid=nn.Sigmoid(), tanh=nn.Tanh(), silu=nn.SiLU(), gelu=nn.GELU(), gelu_tanh=nn.GELU("tanh"), softplus=nn.Softplus(), elu=nn.ELU(), hardswish=nn.Hardswish(), hardsigmoid=nn.Hardsigmoid(), relu6=nn.ReLU6(), leaky_relu=nn.LeakyReLU(0.1)).items():
    case(f"edges_{name}", name, f, edges)

for i, kw in enumerate([dict(scale_factor=2), dict(size=(5, 3)), dict(scale_factor=(1.5, 2.)), dict(size=(2, 2))]):
    case(f"upsample_nearest_{i}", "Upsample", nn.Upsample(**kw), rn(2, 2, 3, 4), mode="nearest", **kw)
for i, kw in enumerate([dict(scale_factor=2), dict(size=(5, 3)), dict(size=(7, 2), align_corners=True), dict(scale_factor=(1.5, 2.)), dict(scale_factor=(2.6, 0.7)), dict(size=(1, 1), align_corners=True)]):
    case(f"upsample_bilinear_{i}", "Upsample", nn.Upsample(mode="bilinear", **kw), rn(2, 2, 3, 4), mode="bilinear", **kw)
case("pixelshuffle", "PixelShuffle", nn.PixelShuffle(2), rn(2, 8, 3, 2), upscale_factor=2)

for name, f in dict(add=torch.add, sub=torch.sub, mul=torch.mul, div=torch.div).items():
    for i, (a, b) in enumerate([((2, 3, 4), (2, 3, 4)), ((2, 3, 4, 2), (2, 3, 1, 1)), ((2, 3, 1), (2, 1, 4)), ((2, 3, 4), (2, 4)), ((2, 3), (1, 3))]):
        y = rn(*b) if len(b) == len(a) else rn(2, 1, 4)
        case(f"{name}_{i}", name, f, rn(*a), torch.sign(y) * (y.abs() + 0.5) if name == "div" else y)
case("matmul", "matmul", torch.matmul, rn(2, 3, 4), rn(2, 4, 5))
case("matmul_heads", "matmul", torch.matmul, rn(2, 3, 2, 4), rn(2, 3, 4, 3))
case("matmul_broadcast", "matmul", torch.matmul, rn(2, 3, 2, 4), rn(2, 1, 4, 3))
case("concat", "concat", lambda a, b, c: torch.cat([a, b, c], 1), rn(2, 3, 2), rn(2, 1, 2), rn(2, 2, 2), dim=1)
case("concat_last", "concat", lambda a, b: torch.cat([a, b], -1), rn(2, 3, 2), rn(2, 3, 4), dim=-1)
case("slice", "slice", lambda a: a[:, 1:6:2], rn(2, 7, 3), dim=1, start=1, end=6, step=2)
case("slice_negative", "slice", lambda a: a[:, :, -3:-1], rn(2, 2, 6), dim=2, start=-3, end=-1, step=1)
for mode in ("constant", "reflect", "replicate", "circular"):
    kw = dict(value=1.5) if mode == "constant" else {}
    case(f"pad_{mode}", "pad", lambda a: F.pad(a, (1, 2, 2, 0), mode, **kw), rn(2, 2, 4, 3), pad=[1, 2, 2, 0], mode=mode, **kw)
case("pad_crop", "pad", lambda a: F.pad(a, (-1, 1)), rn(2, 3, 4), pad=[-1, 1], mode="constant", value=0)
case("reshape", "reshape", lambda a: a.reshape(2, 4, 3), rn(2, 3, 4), shape=[4, 3])
case("transpose", "transpose", lambda a: a.permute(0, 3, 1, 2), rn(2, 3, 4, 5), dims=[0, 3, 1, 2])
for name, f in dict(mean=torch.mean, sum=torch.sum, amax=torch.amax).items():
    case(f"{name}_axes", name, lambda a: f(a, (2, 3)), rn(2, 3, 4, 2), dim=[2, 3], keepdim=False)
    case(f"{name}_keep", name, lambda a: f(a, (-2,), keepdim=True), rn(2, 3, 4), dim=[-2], keepdim=True)
ties = torch.tensor([[1., 3, 3, 2], [0, 0, 0, 0], [-1, float("nan"), 5, 1]])
case("argmax", "argmax", lambda a: a.argmax(1), ties, gradient=False, dim=1)
case("argmax_keep", "argmax", lambda a: a.argmax(-1, keepdim=True), rn(2, 3, 5), gradient=False, dim=-1, keepdim=True)
x = rn(2, 6, 3)
case("topk_values", "topk", lambda a: a.topk(3, 1)[0], x, k=3, dim=1, largest=True, output="values")
case("topk_indices", "topk", lambda a: a.topk(3, 1)[1], x, gradient=False, k=3, dim=1, largest=True, output="indices")
case("topk_smallest", "topk", lambda a: a.topk(2, -1, largest=False)[0], x, k=2, dim=-1, largest=False, output="values")
case("gather", "gather", lambda a, i: a.gather(1, i), rn(2, 5, 3), torch.tensor([[[0, 4, 2], [0, 0, 1]], [[3, 3, 3], [1, 2, 4]]]), dim=1)
mask = rn(2, 3, 4) > 0
case("where", "where", torch.where, mask, rn(2, 3, 4), rn(2, 3, 4))
case("where_broadcast", "where", torch.where, mask[:, :1], rn(2, 3, 4), rn(2, 3, 1))
a, b = torch.round(rn(2, 5)), torch.round(rn(2, 5))
for name, f in dict(eq=torch.eq, ne=torch.ne, lt=torch.lt, le=torch.le, gt=torch.gt, ge=torch.ge).items():
    case(f"compare_{name}", name, f, a, b, gradient=False)
case("cast_int", "cast", lambda a: a.int(), torch.tensor([[-1.5, -0.5, 0.5, 1.9, 3]]), gradient=False, to="int32")
case("cast_bool", "cast", lambda a: a.bool(), torch.tensor([[-1.5, 0, -0., 1]]), gradient=False, to="bool")

def loss(name, L, a, b, **params):
    a = a.clone().requires_grad_(True)
    l = L(a, b)
    (l.sum() if l.dim() else l).backward()
    files = {}
    for k, v in dict(input=a, target=b, loss=l, grad=a.grad, weight=getattr(L, "weight", None), pos_weight=getattr(L, "pos_weight", None)).items():
        if v is not None:
            files[k] = f"loss/{name}/{k}.npy"
            os.makedirs(os.path.join(G, "loss", name), exist_ok=True)
            np.save(os.path.join(G, files[k]), v.detach().float().contiguous().numpy())
    cases.append(dict(kind="loss", name=name, params=dict(op=type(L).__name__, **params), files=files))

logits, target = rn(6, 5) * 2, torch.tensor([0, 4, 2, 2, 1, 3])
logp, w = F.log_softmax(logits, 1), torch.rand(5, generator=gen) + 0.1
loss("nll_weight_ignore", nn.NLLLoss(weight=w, ignore_index=2), logp, target, ignore_index=2)
loss("nll_sum", nn.NLLLoss(reduction="sum"), logp, target, reduction="sum")
loss("nll_2d", nn.NLLLoss(), F.log_softmax(rn(2, 5, 3, 2), 1), torch.randint(0, 5, (2, 3, 2), generator=gen))
for reduction in ("mean", "sum", "none"):
    x, y = rn(4, 3) * 2, rn(4, 3) * 2
    loss(f"mse_{reduction}", nn.MSELoss(reduction=reduction), x, y, reduction=reduction)
    loss(f"l1_{reduction}", nn.L1Loss(reduction=reduction), x, y, reduction=reduction)
    loss(f"smoothl1_{reduction}", nn.SmoothL1Loss(reduction=reduction), x, y, reduction=reduction)
    p = torch.rand(4, 3, generator=gen)
    loss(f"bce_logits_{reduction}", nn.BCEWithLogitsLoss(reduction=reduction), x * 20, p, reduction=reduction)
loss("bce_logits_pos_weight", nn.BCEWithLogitsLoss(pos_weight=torch.tensor([0.5, 2, 3])), rn(4, 3), torch.rand(4, 3, generator=gen))
loss("bce_logits_weight", nn.BCEWithLogitsLoss(weight=torch.tensor([0.5, 2, 3])), rn(4, 3), torch.rand(4, 3, generator=gen))

json.dump({"cases": cases}, open(os.path.join(G, "index.json"), "w"), indent=1)
print(len(cases), "cases")
