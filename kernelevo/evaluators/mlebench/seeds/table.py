"""Predict each label from a table: boosted trees or a linear model on numbers, categories and words."""

import csv
import math
import zlib

import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

ID, LABELS, CLASSES = "id", ["label"], None
TUNE = {
    "MODEL": ["boosting", "linear"],
    "RATE": [0.1, 0.03, 0.05, 0.2],
    "ROUNDS": [100, 50, 200, 400],
    "LEAVES": [15, 7, 31],
    "STRENGTH": [1.0, 0.03, 0.1, 0.3],
    "BUCKETS": [64, 16, 256],
}


def main():
    train, test, sample = read("train.csv"), read("test.csv"), read("sample_submission.csv")
    a, b = matrices(train, test)
    predicted = {}
    if CLASSES:
        model = classifier().fit(a, [row[CLASSES] for row in train])
        chances = model.predict_proba(b)
        for name in sample[0]:
            known = list(model.classes_)
            predicted[name] = chances[:, known.index(name)] if name in known else np.zeros(len(test))
    else:
        for name in [c for c in sample[0] if c in LABELS]:
            predicted[name] = column(a, b, [row[name] for row in train], sample[0][name])
    place = {row[ID]: i for i, row in enumerate(test)}
    with open("submission.csv", "w", newline="") as file:
        out = csv.writer(file)
        out.writerow(list(sample[0]))
        for row in sample:
            i = place[row[ID]]
            out.writerow([row[c] if c == ID or c not in predicted else predicted[c][i] for c in row])


def column(a, b, labels, example):
    """Return a label's predictions: its values where the sample submission has one of them, else a number."""
    kinds = sorted(set(labels))
    if any(number(v) is None for v in kinds) or (len(kinds) <= 20 and example in kinds):
        return classifier().fit(a, labels).predict(b)
    if len(kinds) == 2:
        model = classifier().fit(a, labels)
        return model.predict_proba(b)[:, list(model.classes_).index(max(kinds, key=float))]
    return regressor().fit(a, [float(v) for v in labels]).predict(b)


def classifier():
    if TUNE["MODEL"][0] == "linear":
        return make_pipeline(StandardScaler(), LogisticRegression(C=TUNE["STRENGTH"][0], max_iter=300))
    return HistGradientBoostingClassifier(
        learning_rate=TUNE["RATE"][0],
        max_iter=TUNE["ROUNDS"][0],
        max_leaf_nodes=TUNE["LEAVES"][0],
        random_state=0,
    )


def regressor():
    if TUNE["MODEL"][0] == "linear":
        return make_pipeline(StandardScaler(), Ridge(1 / TUNE["STRENGTH"][0]))
    return HistGradientBoostingRegressor(
        learning_rate=TUNE["RATE"][0],
        max_iter=TUNE["ROUNDS"][0],
        max_leaf_nodes=TUNE["LEAVES"][0],
        random_state=0,
    )


def matrices(train, test):
    """Return the features of both tables: numbers with their gaps, categories, hashed words of texts."""
    parts = []
    for name in [c for c in test[0] if c != ID]:
        texts = [row[name] for row in train + test]
        values = [number(t) for t in texts]
        if all(v is not None for t, v in zip(texts, values) if t):
            known = [v for v in values if v is not None]
            middle = float(np.median(known)) if known else 0.0
            parts.append([[middle if v is None else v, float(v is None)] for v in values])
        elif len(set(texts)) <= 30:
            kinds = sorted(set(texts))
            parts.append([[float(t == k) for k in kinds] for t in texts])
        else:
            parts.append([words(t) for t in texts])
    table = np.concatenate([np.array(p) for p in parts], axis=1)
    return table[: len(train)], table[len(train) :]


def words(text):
    buckets = TUNE["BUCKETS"][0]
    counts = np.zeros(buckets + 1)
    for word in text.lower().split():
        counts[zlib.crc32(word.encode()) % buckets] += 1
    counts[-1] = len(text)
    return counts


def number(text):
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def read(name):
    with open(name, newline="") as file:
        return list(csv.DictReader(file))
