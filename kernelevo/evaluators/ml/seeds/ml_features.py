"""Features for a fixed linear model: which families of them are put in."""

import csv

import numpy as np

TUNE = {
    "LOGS": [False, True],
    "SQUARES": [False, True],
    "RATIOS": [0, 4, 8, 12, 20],
    "PRODUCTS": [0, 4, 8, 12, 20],
    "WAVE": [0.0, 1.0, 2.0, 3.0, 4.0],
    "STEP": [0.0, 1.0, 1.3, 1.6, 2.0],
}


def main():
    train, target = read("train.csv")
    test, _ = read("test.csv")
    families = columns(train)
    chosen = list(range(families["raw"].shape[1]))
    a = [families["raw"]]
    b = [columns(test)["raw"]]
    other = columns(test)
    for name, most in (("ratios", TUNE["RATIOS"][0]), ("products", TUNE["PRODUCTS"][0])):
        strength = np.abs(np.nan_to_num(np.corrcoef(families[name].T, target)[-1, :-1]))
        best = np.argsort(-strength)[:most]
        a.append(families[name][:, best])
        b.append(other[name][:, best])
    for name, wanted in (
        ("logs", TUNE["LOGS"][0]),
        ("squares", TUNE["SQUARES"][0]),
        ("waves", TUNE["WAVE"][0]),
        ("steps", TUNE["STEP"][0]),
    ):
        if wanted:
            a.append(families[name])
            b.append(other[name])
    a, b = np.hstack(a), np.hstack(b)
    keep = [*chosen, *range(len(chosen), a.shape[1])][:40]
    np.savez("submission.npz", train=a[:, keep], test=b[:, keep])


def columns(x):
    i, j = np.triu_indices(x.shape[1], 1)
    return {
        "raw": x,
        "logs": np.log(x),
        "squares": x**2,
        "ratios": np.hstack([x[:, i] / x[:, j], x[:, j] / x[:, i]]),
        "products": x[:, i] * x[:, j],
        "waves": np.sin(TUNE["WAVE"][0] * x),
        "steps": (x > TUNE["STEP"][0]).astype(float),
    }


def read(name):
    with open(name, newline="") as file:
        rows = list(csv.DictReader(file))
    x = np.array([[float(v) for k, v in r.items() if k.startswith("v")] for r in rows])
    return x, np.array([float(r["y"]) for r in rows]) if "y" in rows[0] else None
