#!/usr/bin/python3
"""kim_torch.py FOLDER THREADS: trains Kim's network on TREC in PyTorch as the recipe text does with textcnn: tokens that
   occur twice, 22 of a sentence, 128 numbers a token, 100 filters over 3, 4 and 5, AdamW, batches of 50. Prints seconds of
   processor time an epoch and accuracy as JSON. Debian 12's python3-torch 1.13."""
import collections, gzip, json, sys, time
import torch, torch.nn as nn, torch.nn.functional as F

EPOCHS = 3

class TextCNN(nn.Module):
    def __init__(self, tokens, classes):
        super().__init__()
        self.embedding = nn.Embedding(tokens, 128, padding_idx=0)
        nn.init.uniform_(self.embedding.weight, -0.05, 0.05)
        self.convs = nn.ModuleList(nn.Conv1d(128, 100, w, padding=w - 1) for w in (3, 4, 5))
        self.fc = nn.Linear(300, classes)
    def forward(self, x):
        x = self.embedding(x).transpose(1, 2)
        return self.fc(F.dropout(torch.cat([F.relu(c(x)).amax(-1) for c in self.convs], 1), 0.5, self.training))

def main():
    folder, threads = sys.argv[1], int(sys.argv[2])
    torch.set_num_threads(threads)
    torch.manual_seed(1)
    parts = []
    for name in ("train", "test"):
        with gzip.open(f"{folder}/{name}.tsv.gz", "rt", encoding="utf-8") as f:
            parts.append([(int(l), t.lower().split()) for l, t in (line.rstrip("\n").split("\t", 1) for line in f)])
    counts = collections.Counter(t for _, s in parts[0] for t in s)
    number = {t: i + 2 for i, (t, n) in enumerate(c for c in counts.most_common() if c[1] > 1)}
    def tensors(part):
        x = torch.zeros(len(part), 22, dtype=torch.long)
        for i, (_, s) in enumerate(part):
            for j, t in enumerate(s[:22]):
                x[i, j] = number.get(t, 1)
        return x, torch.tensor([l for l, _ in part])
    (x, y), (tx, ty) = map(tensors, parts)
    net = TextCNN(len(number) + 2, 6)
    optimizer = torch.optim.AdamW(net.parameters(), 0.001)
    started = time.process_time()
    for _ in range(EPOCHS):
        order = torch.randperm(len(x))
        for at in range(0, len(x), 50):
            chosen = order[at:at + 50]
            optimizer.zero_grad()
            F.cross_entropy(net(x[chosen]), y[chosen]).backward()
            optimizer.step()
    took = time.process_time() - started
    net.eval()
    with torch.no_grad():
        right = (net(tx).argmax(1) == ty).float().mean().item()
    print(json.dumps(dict(seconds_an_epoch=took / EPOCHS, accuracy=right, epochs_of_inkling=4)))

main()
