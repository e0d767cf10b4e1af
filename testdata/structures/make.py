#!/usr/bin/python3
"""Writes networks.zip: small networks as PyTorch saves them whole (NAME.pth), exports them (NAME.onnx), and compiles them to
   programs, by their code (NAME.script.pt) and by an example (NAME.trace.pt), and expected.json: what PyTorch computes for one picture. Needs PyTorch 1.13. Weights are multiples of 1/32, so that they pack well."""
import glob, json, os, tempfile, warnings, zipfile
import torch, torch.nn as nn, torch.nn.functional as F

warnings.filterwarnings("ignore")
torch.manual_seed(7)

def sequential(*layers): return nn.Sequential(*layers)

def chain(act=nn.ReLU, pool=lambda: nn.MaxPool2d(2), conv={}, between=lambda: [], last=lambda: [], side=12, linear={}, features=None):
    """Two convolutions, two linear layers."""
    conv = {"kernel_size": 3, **conv}
    def features_of(layers):
        with torch.no_grad(): return nn.Sequential(*layers).eval()(torch.zeros(2, 1, side, side)).flatten(1).shape[1]
    body = [nn.Conv2d(1, 4, **conv), *between(), act(), pool(), nn.Conv2d(4, 4, kernel_size=3, padding=1), act()]
    n = features_of(body)
    return sequential(*body, nn.Flatten(), nn.Linear(n, 6, **linear), act(), nn.Linear(6, 3, **linear), *last())

class Net(nn.Module):
    """LeNet with functions in its code."""
    def __init__(self, act, pool):
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(1, 6, 5), nn.Conv2d(6, 16, 5)
        self.fc1, self.fc2, self.fc3 = nn.Linear(16, 120), nn.Linear(120, 84), nn.Linear(84, 3)
        self.__dict__["f"], self.__dict__["p"] = act, pool
    def forward(self, x):
        x = self.p(self.f(self.conv1(x)))
        x = self.p(self.f(self.conv2(x)))
        x = torch.flatten(x, 1)
        return self.fc3(self.f(self.fc2(self.f(self.fc1(x)))))
    def __getstate__(self):
        return {k: v for k, v in self.__dict__.items() if k not in "fp"}

class View(Net):
    def forward(self, x):
        x = F.max_pool2d(F.relu(self.conv1(x)), 2)
        x = F.max_pool2d(F.relu(self.conv2(x)), 2)
        x = x.view(x.size(0), -1)
        return self.fc3(F.relu(self.fc2(F.relu(self.fc1(x)))))

class Modules(nn.Module):
    """LeNet with modules, one activation and one pooling, made in an order that is not that of the code."""
    def __init__(self, act, pool):
        super().__init__()
        self.act, self.pool = act(), pool()
        self.fc1, self.fc2, self.fc3 = nn.Linear(16, 120), nn.Linear(120, 84), nn.Linear(84, 3)
        self.conv1, self.conv2 = nn.Conv2d(1, 6, 5), nn.Conv2d(6, 16, 5)
        self.drop = nn.Dropout(0.3)
    def forward(self, x):
        x = self.pool(self.act(self.conv1(x)))
        x = self.pool(self.act(self.conv2(x)))
        return self.fc3(self.act(self.fc2(self.drop(self.act(self.fc1(torch.flatten(x, 1)))))))

class Parts(nn.Module):
    """features and classifier, as in torchvision."""
    def __init__(self):
        super().__init__()
        self.features = sequential(nn.Conv2d(1, 4, 3), nn.ReLU(inplace=True), nn.MaxPool2d(2), nn.Conv2d(4, 4, 3), nn.ReLU(inplace=True))
        self.classifier = sequential(nn.Dropout(), nn.Linear(36, 6), nn.ReLU(), nn.Linear(6, 3))
    def forward(self, x): return self.classifier(torch.flatten(self.features(x), 1))

class Residual(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.b, self.fc = nn.Conv2d(1, 4, 3, padding=1), nn.Conv2d(4, 4, 3, padding=1), nn.Linear(4, 3)
    def forward(self, x):
        x = F.relu(self.a(x))
        return self.fc((x + F.relu(self.b(x))).mean((2, 3)))

class Flatten(nn.Module):
    def forward(self, x): return x.view(x.size(0), -1)

class Odd(nn.Module):
    def forward(self, x): return x * 2 - 1

class Prepared(nn.Module):
    def __init__(self, net): super().__init__(); self.net = net
    def forward(self, x): return self.net((x / 255 - 0.25) / 0.5)

class Functions(nn.Module):
    """What torch.nn.functional has, without modules."""
    def __init__(self):
        super().__init__()
        self.conv, self.norm, self.fc = nn.Conv2d(1, 4, 3, padding=1, bias=False), nn.BatchNorm2d(4), nn.Linear(36, 3)
    def forward(self, x):
        x = F.avg_pool2d(F.gelu(self.norm(self.conv(x))), 2)
        x = F.dropout(F.max_pool2d(x, 2), 0.5, self.training)
        x = F.leaky_relu(x, 0.125).reshape(x.shape[0], -1)
        return F.log_softmax(self.fc(x), dim=1)

def doubled(module, inputs, output): return output * 2

def hooked():
    net = chain()
    net.register_forward_hook(doubled)
    return net

class Decides(nn.Module):
    def __init__(self): super().__init__(); self.conv, self.fc = nn.Conv2d(1, 4, 3), nn.Linear(4, 3)
    def forward(self, x):
        x = torch.tanh(self.conv(x))
        if x.size(2) > 5: x = torch.relu(x)
        return self.fc(x.mean((2, 3)))

class Repeats(nn.Module):
    def __init__(self): super().__init__(); self.conv, self.fc = nn.Conv2d(1, 4, 3), nn.Linear(4, 3)
    def forward(self, x):
        x = self.conv(x)
        for i in range(3): x = torch.tanh(x)
        return self.fc(x.mean((2, 3)))

def lenet(act=nn.ReLU, pool=lambda: nn.MaxPool2d(2), first=lambda a, p: [a(), p()], extra=lambda: []):
    return sequential(nn.Conv2d(1, 6, 5), *first(act, pool), nn.Conv2d(6, 16, 5), *first(act, pool), nn.Flatten(),
                      nn.Linear(16, 120), act(), *extra(), nn.Linear(120, 84), act(), nn.Linear(84, 3))

NETWORKS = {  # name: (network, side)
    "plain": (chain(), 12), "dilation": (chain(conv={"dilation": 2}), 12), "stride": (chain(conv={"stride": 2}), 12),
    "padding": (chain(conv={"padding": 2}), 12), "same": (chain(conv={"padding": "same"}), 12), "even": (chain(conv={"kernel_size": 2}), 12),
    "oblong": (chain(conv={"kernel_size": (3, 5)}), 12), "reflect": (chain(conv={"padding": 1, "padding_mode": "reflect"}), 12),
    "nobias": (chain(conv={"bias": False}, linear={"bias": False}), 12),
    "dropout": (chain(between=lambda: [nn.Dropout2d(0.2), nn.Identity()]), 12), "batchnorm": (chain(between=lambda: [nn.BatchNorm2d(4)]), 12),
    "softmax": (chain(last=lambda: [nn.Softmax(1)]), 12), "logsoftmax": (chain(last=lambda: [nn.LogSoftmax(1)]), 12),
    "softmax-batch": (chain(last=lambda: [nn.Softmax(0)]), 12),
    "tanh": (chain(act=nn.Tanh), 12), "sigmoid": (chain(act=nn.Sigmoid), 12), "elu": (chain(act=lambda: nn.ELU(0.5)), 12),
    "leaky": (chain(act=lambda: nn.LeakyReLU(0.2)), 12), "gelu": (chain(act=nn.GELU), 12), "relu6": (chain(act=nn.ReLU6), 12),
    "silu": (chain(act=nn.SiLU), 12), "selu": (chain(act=nn.SELU), 12), "hardtanh": (chain(act=nn.Hardtanh), 12), "prelu": (chain(act=nn.PReLU), 12),
    "softsign": (chain(act=nn.Softsign), 12), "lppool": (chain(pool=lambda: nn.LPPool2d(2, 2)), 12), "celu": (chain(act=nn.CELU), 12),
    "softplus": (chain(act=nn.Softplus), 12), "hardswish": (chain(act=nn.Hardswish), 12),
    "avgpool": (chain(pool=lambda: nn.AvgPool2d(2)), 12), "avgpool-pad": (chain(pool=lambda: nn.AvgPool2d(3, 2, 1)), 12),
    "avgpool-nopad": (chain(pool=lambda: nn.AvgPool2d(3, 2, 1, count_include_pad=False)), 12),
    "maxpool-3-2": (chain(pool=lambda: nn.MaxPool2d(3, 2)), 12), "ceil": (chain(pool=lambda: nn.MaxPool2d(3, 2, ceil_mode=True)), 12),
    "ceil-even": (chain(pool=lambda: nn.MaxPool2d(2, ceil_mode=True)), 12), "maxpool-dilation": (chain(pool=lambda: nn.MaxPool2d(2, dilation=2)), 12),
    "global": (sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 3)), 12),
    "groups": (sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Conv2d(4, 4, 3, groups=2), nn.ReLU(), nn.Flatten(), nn.Linear(256, 3)), 12),
    "mlp": (sequential(nn.Flatten(), nn.Linear(144, 8), nn.ReLU(), nn.Linear(8, 3)), 12),
    "lenet-order": (lenet(first=lambda a, p: [p(), a()]), 16), "lenet-dropout": (lenet(extra=lambda: [nn.Dropout(0.5)]), 16),
    "lenet-tanh": (lenet(act=nn.Tanh), 16), "lenet-avgpool": (lenet(pool=lambda: nn.AvgPool2d(2)), 16),
    "net-relu": (Net(F.relu, lambda x: F.max_pool2d(x, 2)), 16), "net-tanh": (Net(torch.tanh, lambda x: F.max_pool2d(x, 2)), 16),
    "net-view": (View(F.relu, None), 16),
    "modules-relu": (Modules(nn.ReLU, lambda: nn.MaxPool2d(2)), 16), "modules-tanh": (Modules(nn.Tanh, lambda: nn.AvgPool2d(2)), 16),
    "parts": (Parts(), 12), "residual": (Residual(), 12),
    "own-flatten": (sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), Flatten(), nn.Linear(400, 3)), 12),
    "own-odd": (sequential(nn.Conv2d(1, 4, 3), Odd(), nn.ReLU(), nn.Flatten(), nn.Linear(400, 3)), 12),
    "mish": (chain(act=nn.Mish), 12), "gelu-tanh": (chain(act=lambda: nn.GELU(approximate="tanh")), 12), "hardsigmoid": (chain(act=nn.Hardsigmoid), 12),
    "softplus-beta": (chain(act=lambda: nn.Softplus(beta=2)), 12), "pad": (sequential(nn.ZeroPad2d(1), nn.Conv2d(1, 4, 3), nn.Tanh(), nn.Flatten(), nn.Linear(576, 3)), 12),
    "functions": (Functions(), 12), "decides": (Decides(), 12), "repeats": (Repeats(), 12),
    "parallel": (nn.DataParallel(chain()), 12), "prepared": (Prepared(chain()), 12),
    "layernorm": (chain(between=lambda: [nn.LayerNorm([4, 10, 10])]), 12),
    "layernorm-plain": (chain(between=lambda: [nn.LayerNorm([10, 10], elementwise_affine=False)]), 12),
    "groupnorm": (chain(between=lambda: [nn.GroupNorm(2, 4)]), 12), "instancenorm": (chain(between=lambda: [nn.InstanceNorm2d(4)]), 12),
    "instancenorm-affine": (chain(between=lambda: [nn.InstanceNorm2d(4, affine=True)]), 12),
    "batchnorm1d": (sequential(nn.Flatten(), nn.Linear(144, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 3)), 12),
    "nested": (sequential(sequential(), chain(), sequential(sequential(nn.Identity()))), 12), "hooked": (hooked(), 12),
    "rrelu": (chain(act=nn.RReLU), 12), "logsigmoid": (chain(act=nn.LogSigmoid), 12), "tanhshrink": (chain(act=nn.Tanhshrink), 12),
    "celu-alpha": (chain(act=lambda: nn.CELU(0.5)), 12), "dynamic": (chain(), 12),
}

# Those that are compiled, too: they are large.
PROGRAMS = "plain padding same reflect dropout batchnorm softmax gelu relu6 prelu avgpool-nopad lenet-tanh net-view modules-tanh residual own-odd prepared functions decides repeats".split()

target = os.path.abspath("networks.zip")
os.chdir(tempfile.mkdtemp())
expected = {}
for name, (net, side) in NETWORKS.items():
    with torch.no_grad():
        for p in net.parameters(): p.copy_(torch.round(p * 32) / 32)
    net.train()
    inner = net.module if isinstance(net, nn.DataParallel) else net
    with torch.no_grad(): inner(torch.randn(4, 1, side, side))  # for running statistics
    net.eval()
    x = (torch.arange(side * side).reshape(1, 1, side, side) * 37 % 256).float()
    x = x if name == "prepared" else (x / 255 - 0.5) / 0.5
    saved = net
    if name == "dynamic":  # expected is what the numbers give that the quantised ones stand for
        saved = torch.quantization.quantize_dynamic(net, {nn.Linear}, dtype=torch.qint8)
        with torch.no_grad():
            for a, b in zip(net, saved):
                if isinstance(a, nn.Linear): a.weight.copy_(b.weight().dequantize())
    with torch.no_grad(): expected[name] = inner(x)[0].tolist()
    torch.save(saved, name + ".pth")
    if saved is not net: continue
    try:
        torch.onnx.export(inner, x, name + ".onnx", input_names=["input"], output_names=["output"], dynamic_axes={"input": {0: "batch"}, "output": {0: "batch"}}, opset_version=14)
    except Exception as e:
        print(name, "is not exported:", str(e).split("\n")[0])
    for how, make in name in PROGRAMS and {"script": lambda: torch.jit.script(inner), "trace": lambda: torch.jit.trace(inner, x)}.items() or []:
        try:
            make().save("%s.%s.pt" % (name, how))
        except Exception as e:
            print(name, "has no", how + ":", str(e).split("\n")[0])
with open("expected.json", "w") as f: json.dump(expected, f, indent=0, sort_keys=True)
with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as z:
    for path in sorted(glob.glob("*")):
        with open(path, "rb") as f: z.writestr(zipfile.ZipInfo(path), f.read(), zipfile.ZIP_DEFLATED)
