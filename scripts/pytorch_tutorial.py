"""The classic PyTorch tutorial on MNIST, as people write it: LeNet, batches of
four, two epochs of SGD with momentum. scripts/bench-pytorch runs it to compare
its time and accuracy with Inkling's.

The last line printed is "training_seconds=... accuracy_percent=...".
"""

import argparse
import time

import torch
import torch.nn as nn
import torch.nn.functional as F
import torch.optim as optim
import torchvision
import torchvision.transforms as transforms


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 6, 5)
        self.pool = nn.MaxPool2d(2, 2)
        self.conv2 = nn.Conv2d(6, 16, 5)
        self.fc1 = nn.Linear(16 * 4 * 4, 120)
        self.fc2 = nn.Linear(120, 84)
        self.fc3 = nn.Linear(84, 10)

    def forward(self, x):
        x = self.pool(F.relu(self.conv1(x)))
        x = self.pool(F.relu(self.conv2(x)))
        x = torch.flatten(x, 1)
        x = F.relu(self.fc1(x))
        x = F.relu(self.fc2(x))
        return self.fc3(x)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", required=True, metavar="DIR", help="folder that holds MNIST/raw/*-ubyte")
    parser.add_argument("--threads", type=int, default=0, help="PyTorch's threads (default: PyTorch's own choice)")
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--batches", type=int, default=0, help="stop each epoch after so many batches (default: never)")
    arguments = parser.parse_args()

    if arguments.threads > 0:
        torch.set_num_threads(arguments.threads)
    torch.manual_seed(arguments.seed)

    transform = transforms.Compose([transforms.ToTensor(), transforms.Normalize((0.5,), (0.5,))])
    trainset = torchvision.datasets.MNIST(arguments.data, train=True, transform=transform)
    testset = torchvision.datasets.MNIST(arguments.data, train=False, transform=transform)
    # Images are read in the training process. Worker processes, which the
    # tutorial suggests for larger images, only add their start and their
    # messages when the pictures are 28 by 28 and already in memory.
    trainloader = torch.utils.data.DataLoader(trainset, batch_size=4, shuffle=True)
    testloader = torch.utils.data.DataLoader(testset, batch_size=4, shuffle=False)

    net = Net()
    criterion = nn.CrossEntropyLoss()
    optimizer = optim.SGD(net.parameters(), lr=0.001, momentum=0.9)

    print(f"torch {torch.__version__}, torchvision {torchvision.__version__}, {torch.get_num_threads()} threads", flush=True)
    start = time.perf_counter()
    for epoch in range(arguments.epochs):
        running_loss = 0.0
        for i, (inputs, labels) in enumerate(trainloader):
            if i == arguments.batches > 0:
                break
            optimizer.zero_grad()
            outputs = net(inputs)
            loss = criterion(outputs, labels)
            loss.backward()
            optimizer.step()
            running_loss += loss.item()
            if i % 2000 == 1999:
                print(f"[{epoch + 1}, {i + 1:5d}] loss: {running_loss / 2000:.3f}", flush=True)
                running_loss = 0.0
    training_seconds = time.perf_counter() - start

    correct = 0
    with torch.no_grad():
        for images, labels in testloader:
            correct += (net(images).argmax(1) == labels).sum().item()
    print(f"accuracy on the {len(testset)} test images: {100 * correct / len(testset):.2f} %")
    print(f"training_seconds={training_seconds:.2f} accuracy_percent={100 * correct / len(testset):.2f}")


if __name__ == "__main__":
    main()
