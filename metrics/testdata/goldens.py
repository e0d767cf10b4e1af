# Writes goldens.json: what scikit-learn and scipy say of random answers.
# Made with python3-sklearn 1.2 and python3-scipy 1.10 (Debian 12).
import json
import warnings

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax, softmax
from scipy.stats import binom
from sklearn.metrics import confusion_matrix, precision_recall_fscore_support, top_k_accuracy_score

warnings.simplefilter("ignore")
rng = np.random.default_rng(1)
sets = []
for classes, count, sharpness in [(3, 40, 1.0), (10, 200, 3.0), (5, 60, 0.3), (4, 30, 8.0)]:
    labels = rng.integers(0, classes, count)
    if classes == 5:
        labels[labels == 2] = 0  # a class without pictures
    logits = rng.normal(size=(count, classes)).astype(np.float32)
    logits[np.arange(count), labels] += 1.0
    if classes == 4:
        logits[:, 3] -= 5  # a class that is never answered
    logits = (logits * sharpness).astype(np.float32)
    predictions = logits.argmax(1)
    names = list(range(classes))

    def scores(average):
        p, r, f, s = precision_recall_fscore_support(labels, predictions, labels=names, average=average, zero_division=0)
        return [np.asarray(v).tolist() for v in (p, r, f)]

    probabilities = softmax(logits.astype(np.float64), axis=1)
    confidence, right = probabilities.max(1), predictions == labels
    bins, ece = 15, 0.0
    for b in range(bins):
        inside = (confidence > b / bins) & (confidence <= (b + 1) / bins)
        if inside.any():
            ece += inside.mean() * abs(confidence[inside].mean() - right[inside].mean())

    def cost(x):
        return -log_softmax(logits.astype(np.float64) * np.exp(x), axis=1)[np.arange(count), labels].mean()

    best = minimize_scalar(cost, bounds=(-6, 6), method="bounded", options={"xatol": 1e-10})
    sets.append({
        "classes": classes, "labels": labels.tolist(), "logits": logits.reshape(-1).tolist(),
        "confusion": confusion_matrix(labels, predictions, labels=names).tolist(),
        "each": scores(None), "macro": scores("macro"), "weighted": scores("weighted"),
        "topk": [float(top_k_accuracy_score(labels, logits, k=k, labels=names)) for k in range(1, classes)],
        "ece": float(ece), "temperature": float(np.exp(-best.x)),
    })
intervals = []
for right, total in [(9857, 10000), (5, 10), (99, 100), (1, 3), (700000, 1000000), (0, 10), (199, 200)]:
    for level in (0.95, 0.8):
        t = (1 - level) / 2
        q = binom.ppf([t, 1 - t], total, right / total) / total
        intervals.append({"right": right, "total": total, "level": level, "low": float(q[0]), "high": float(q[1])})
json.dump({"sets": sets, "intervals": intervals}, open("goldens.json", "w"))
