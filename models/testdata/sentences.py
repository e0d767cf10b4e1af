#!/usr/bin/python3
"""Writes sentences.json: what the networks for sentences and for spoken words compute at eval in PyTorch, with
   weights from zoo.py's formula. Debian 12's python3-torch 1.13."""
import json, os
import torch, torch.nn as nn, torch.nn.functional as F
from zoo import load, share

class TextCNN(nn.Module):
    """Kim 2014, arXiv:1408.5882."""
    def __init__(self, tokens, classes, dim, filters, tally=0, pieces=0, seen=9):
        super().__init__()
        self.embedding, self.factor, self.seen = nn.Embedding(tokens, dim, padding_idx=0), tally, seen
        if tally:
            self.tally = nn.Embedding(tokens + pieces, classes, padding_idx=0)
        self.convs = nn.ModuleList(nn.Conv1d(dim, filters, w, padding=w - 1) for w in (3, 4, 5))
        self.fc = nn.Linear(3 * filters, classes)
    def forward(self, numbers):
        x = self.embedding(numbers[:, :self.seen]).sum(1).transpose(1, 2)
        logits = self.fc(torch.cat([F.relu(c(x)).amax(-1) for c in self.convs], 1))
        if self.factor:
            logits = logits + self.factor * self.tally(numbers).sum((1, 2)) / (numbers[:, 0] > 0).sum(-1, keepdim=True).sqrt()
        return logits

class CharCNN(nn.Module):
    def __init__(self, tokens, classes, dim, filters):
        super().__init__()
        self.embedding = nn.Embedding(tokens, dim, padding_idx=0)
        self.conv1 = nn.Conv1d(dim, filters, 3, padding=1, bias=False)
        self.conv2 = nn.Conv1d(filters, filters, 3, padding=1, bias=False)
        self.bn1, self.bn2 = nn.BatchNorm1d(filters), nn.BatchNorm1d(filters)
        self.fc = nn.Linear(2 * filters, classes)
    def forward(self, x):
        first = F.relu(self.bn1(self.conv1(self.embedding(x).sum(1).transpose(1, 2))))
        second = F.relu(self.bn2(self.conv2(first)))
        return self.fc(torch.cat([first.amax(-1), second.amax(-1)], 1))

class MelCNN(nn.Module):
    def __init__(self, classes, convolutions=3):
        super().__init__()
        sizes = [1, 32, 64, 128, 128, 128]
        self.convolutions = range(1, convolutions + 1)
        for i in self.convolutions:
            setattr(self, f"conv{i}", nn.Conv2d(sizes[i - 1], sizes[i], 3, padding=1, bias=False))
        for i in self.convolutions:
            setattr(self, f"bn{i}", nn.BatchNorm2d(sizes[i]))
        self.fc = nn.Linear(128, classes)
    def forward(self, x):
        for i in self.convolutions:
            x = F.relu(getattr(self, f"bn{i}")(getattr(self, f"conv{i}")(x)))
            if i <= max(3, len(self.convolutions) - 1):
                x = F.max_pool2d(x, 2)
        return self.fc(x.mean((2, 3)))

class MLP(nn.Module):
    def __init__(self, numbers, classes, hidden):
        super().__init__()
        self.fc1, self.fc2, self.fc3 = nn.Linear(numbers, hidden), nn.Linear(hidden, hidden), nn.Linear(hidden, classes)
    def forward(self, x):
        return self.fc3(F.relu(self.fc2(F.relu(self.fc1(x.flatten(1))))))

def main():
    out = []
    tokens = torch.tensor([[[(7 * i + 3 * n) % 40 if i < 9 else 0 for i in range(11)]] for n in range(2)])
    runs = torch.cat([tokens, torch.roll(tokens, 1, 0) * 3 % 40], 1)  # of two in a second row
    pieces = torch.cat([runs, torch.where(tokens > 0, 40 + tokens * 7 % 30, 0), torch.where(tokens > 20, 40 + tokens * 11 % 30, 0)], 1)
    mel = 4 * torch.tensor(share("input", 2 * 16 * 24)).float().reshape(2, 1, 16, 24)
    rows = 4 * torch.tensor(share("input", 2 * 7)).float().reshape(2, 1, 1, 7)
    for name, net, x in (("textcnn dim=6 filters=5", TextCNN(40, 3, 6, 5), tokens), ("charcnn dim=6 filters=5", CharCNN(40, 3, 6, 5), tokens), ("textcnn dim=6 filters=5", TextCNN(40, 3, 6, 5), runs), ("charcnn dim=6 filters=5", CharCNN(40, 3, 6, 5), runs), ("textcnn dim=6 filters=5 tally=10", TextCNN(40, 3, 6, 5, 10), runs), ("textcnn dim=6 filters=5 tally=10", TextCNN(40, 3, 6, 5, 10, 30, 2), pieces), ("melcnn", MelCNN(3), mel), ("melcnn convolutions=4", MelCNN(3, 4), mel), ("melcnn convolutions=5", MelCNN(3, 5), mel), ("mlp hidden=9", MLP(7, 3, 9), rows)):
        y = load(net).eval()(x)
        out.append(dict(model=name, keys=list(net.state_dict()), shape=list(x.shape), piece_rows=2 if x is pieces else 0, input=x.flatten().tolist() if x.dtype == torch.int64 else None, logits=[round(v, 7) for v in y.flatten().tolist()]))
    json.dump(out, open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "sentences.json"), "w"))

main()
