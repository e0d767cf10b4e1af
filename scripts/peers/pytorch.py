"""Measures for PyTorch, as lines from standard input say (see worker.go).

Each row is tried in several settings, pictures in either layout and, for inference, with
torch.jit's optimize_for_inference; the fastest of them is measured."""

import sys
import time

import torch
import torch.nn as nn
import torchvision

CLASSES = 10


class LeNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(1, 6, 5), nn.Conv2d(6, 16, 5)
        self.fc1, self.fc2, self.fc3 = nn.Linear(256, 120), nn.Linear(120, 84), nn.Linear(84, CLASSES)
        self.pool = nn.MaxPool2d(2, 2)

    def forward(self, x):
        x = self.pool(torch.relu(self.conv1(x)))
        x = self.pool(torch.relu(self.conv2(x)))
        x = torch.relu(self.fc1(torch.flatten(x, 1)))
        return self.fc3(torch.relu(self.fc2(x)))


class Plain(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1, self.conv2, self.conv3 = (nn.Conv2d(i, o, 3, padding=1) for i, o in ((3, 32), (32, 64), (64, 128)))
        self.fc1, self.fc2 = nn.Linear(128 * 4 * 4, 256), nn.Linear(256, CLASSES)
        self.pool = nn.MaxPool2d(2, 2)

    def forward(self, x):
        for conv in (self.conv1, self.conv2, self.conv3):
            x = self.pool(torch.relu(conv(x)))
        return self.fc2(torch.relu(self.fc1(torch.flatten(x, 1))))


def resnet18(small):
    net = torchvision.models.resnet18(num_classes=CLASSES)
    if small:
        net.conv1, net.maxpool = nn.Conv2d(3, 64, 3, padding=1, bias=False), nn.Identity()
    return net


def mobilenet(fine):
    net = torchvision.models.mobilenet_v2(num_classes=CLASSES)
    if fine:  # the first two strides of two become one
        net.features[0][0].stride = (1, 1)
        net.features[2].conv[1][0].stride = (1, 1)
    return net


def network(row):
    if row.startswith("lenet"):
        return LeNet(), (1, 28, 28)
    if row.startswith("plain"):
        return Plain(), (3, 32, 32)
    if row.startswith("resnet18"):
        large = "large" in row
        return resnet18(not large), (3, 224, 224) if large else (3, 32, 32)
    if row.startswith("mobilenet"):
        return mobilenet("fine" in row), (3, 224, 224) if "large" in row else (3, 32, 32)
    if row.startswith("squeezenet"):
        return torchvision.models.squeezenet1_1(num_classes=CLASSES), (3, 224, 224)
    raise ValueError(f"there is no row {row}")


def trainer(row, batch, layout):
    net, shape = network(row)
    net = net.train().to(memory_format=layout)
    images = torch.randn(batch, *shape).contiguous(memory_format=layout)
    labels = torch.randint(0, CLASSES, (batch,))
    optimizer, criterion = torch.optim.SGD(net.parameters(), lr=1e-4, momentum=0.9), nn.CrossEntropyLoss()

    def step():
        optimizer.zero_grad(set_to_none=True)
        criterion(net(images), labels).backward()
        optimizer.step()

    return step


def predictor(row, batch, layout, compiled):
    net, shape = network(row)
    net = net.eval().to(memory_format=layout)
    images = torch.randn(batch, *shape).contiguous(memory_format=layout)
    if compiled:
        with torch.inference_mode(False), torch.no_grad():
            net = torch.jit.optimize_for_inference(torch.jit.freeze(torch.jit.trace(net, images)))

    def step():
        with torch.no_grad():
            net(images)

    return step


def measure(step, batch, seconds):
    done, start = 0, time.perf_counter()
    while True:
        for _ in range(max(64 // batch, 1)):
            step()
            done += batch
        took = time.perf_counter() - start
        if took >= seconds:
            return done / took


def prepare(row):
    """Returns the fastest step of a row."""
    batch = int(row.split("-")[-1])
    layouts = (torch.channels_last, torch.contiguous_format)
    if "train" in row:
        steps = [trainer(row, batch, layout) for layout in layouts]
    else:
        steps = [predictor(row, batch, layout, compiled) for layout in layouts for compiled in (True, False)]
    speeds = []
    for step in steps:
        for _ in range(3):  # torch.jit compiles in the first runs
            step()
        speeds.append(measure(step, batch, 0.3))
    return steps[speeds.index(max(speeds))], batch


def main():
    ready = {}
    for line in sys.stdin:
        row, seconds, threads = line.split()
        torch.set_num_threads(int(threads))
        try:
            if row not in ready:
                ready.clear()  # one at a time needs the memory
                ready[row] = prepare(row)
            step, batch = ready[row]
            measure(step, batch, float(seconds) / 4)  # warm up
            print(f"{measure(step, batch, float(seconds)):.2f}", flush=True)
        except Exception as error:
            print("error: " + str(error).split("\n")[0], flush=True)


main()
