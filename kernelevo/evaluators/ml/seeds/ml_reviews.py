"""Good or bad from words: a linear model on counted words or runs of words."""

import csv

from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import MultinomialNB

TUNE = {
    "LONGEST": [1, 2, 3],
    "LEAST": [1, 2, 3],
    "WEIGHTS": ["counts", "tfidf"],
    "MODEL": ["bayes", "linear"],
    "STRENGTH": [1.0, 0.1, 0.3, 3.0, 10.0],
}


def main():
    train, test = read("train.csv"), read("test.csv")
    kind = TfidfVectorizer if TUNE["WEIGHTS"][0] == "tfidf" else CountVectorizer
    words = kind(ngram_range=(1, TUNE["LONGEST"][0]), min_df=TUNE["LEAST"][0])
    a = words.fit_transform([r["text"] for r in train])
    if TUNE["MODEL"][0] == "linear":
        model = LogisticRegression(C=TUNE["STRENGTH"][0], max_iter=500)
    else:
        model = MultinomialNB(alpha=TUNE["STRENGTH"][0])
    model.fit(a, [r["label"] == "good" for r in train])
    chances = model.predict_proba(words.transform([r["text"] for r in test]))[:, 1]
    with open("submission.csv", "w", newline="") as file:
        out = csv.writer(file)
        out.writerow(["id", "good"])
        for row, chance in zip(test, chances):
            out.writerow([row["id"], min(1.0, max(0.0, chance))])


def read(name):
    with open(name, newline="") as file:
        return list(csv.DictReader(file))
