"""A small package that answers as ``mlebench`` does, with competitions of our own; pandas' part is a list."""

import csv
import math
import sys
from random import Random

PACKAGE = {
    "__init__.py": "",
    "utils.py": '''
import csv

class Frame:
    """As much of a data frame as a grader here needs."""
    def __init__(self, columns, rows): self.columns, self.rows = columns, rows
    def __len__(self): return len(self.rows)
    def copy(self): return Frame(list(self.columns), [list(r) for r in self.rows])
    @property
    def iloc(self): return self
    def __getitem__(self, rows): return Frame(self.columns, [self.rows[i] for i in rows])
    def reset_index(self, drop): return self
    def column(self, name): return [row[self.columns.index(name)] for row in self.rows]

def read_csv(path):
    with open(path, newline="") as file:
        header, *rows = csv.reader(file)
    return Frame(header, rows)
''',
    "grade_helpers.py": """
class InvalidSubmissionError(Exception): pass

class Grader:
    def __init__(self, grade_fn): self.grade_fn = grade_fn
""",
    "registry.py": """
import math, pathlib
from dataclasses import dataclass
from mlebench.grade_helpers import Grader, InvalidSubmissionError
print("importing mlebench talks")
pathlib.Path("cache").mkdir()  # as the real one does where it runs
HERE = pathlib.Path(__file__).parent / "competitions"

def error(submission, answers):
    if submission.column("id") != answers.column("id"): raise InvalidSubmissionError("other ids")
    p, t = (list(map(float, x.column("price"))) for x in (submission, answers))
    if min(p) < 0: raise InvalidSubmissionError("prices are not negative")
    if max(p) > 1e6: raise RuntimeError(f"the first answer is {t[0]}")
    return math.sqrt(sum((a - b) ** 2 for a, b in zip(p, t)) / len(t))

def surprise(submission, answers):
    names = answers.columns[1:]
    total = 0.0
    for i in range(len(answers)):
        true = next(n for n in names if answers.column(n)[i] == "1")
        total -= math.log(max(1e-9, float(submission.column(true)[i])))
    return total / len(answers)

@dataclass(frozen=True)
class Competition:
    id: str
    name: str
    description: str
    grader: Grader
    answers: pathlib.Path
    sample_submission: pathlib.Path
    private_dir: pathlib.Path
    public_dir: pathlib.Path
    leaderboard: pathlib.Path

class Registry:
    def __init__(self, data): self.data = data
    def set_data_dir(self, new): return Registry(new)
    def list_competition_ids(self): return sorted(p.name for p in HERE.iterdir())
    def get_competition(self, which):
        base = self.data / which / "prepared"
        return Competition(
            which, which.title(), (HERE / which / "description.md").read_text(),
            Grader(error if "prices" in which else surprise), base / "private" / "test.csv",
            base / "public" / "sample_submission.csv", base / "private", base / "public",
            HERE / which / "leaderboard.csv",
        )

registry = Registry(pathlib.Path("/nowhere"))
""",
    "grade.py": """
from mlebench.utils import read_csv

class Report:
    def __init__(self, said): self.said = said
    def to_dict(self): return self.said

def grade_csv(path, competition):
    try:
        score = round(competition.grader.grade_fn(read_csv(path), read_csv(competition.answers)), 5)
    except Exception:
        score = None
    won = score is not None and score < 5
    return Report({
        "score": score, "valid_submission": score is not None, "gold_medal": False, "silver_medal": won,
        "bronze_medal": False, "any_medal": won, "above_median": won, "gold_threshold": 0.1,
        "silver_threshold": 5.0, "bronze_threshold": 7.0, "median_threshold": 9.0,
        "submission_path": str(path),
    })
""",
}
BOARD = "teamName,score\na,0.5\nb,2.0\nc,9.0\n"


def write(path, header, rows):
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "w", newline="") as file:
        csv.writer(file).writerows([header, *rows])


def prices(base, rng):
    rows = []
    for number in range(240):
        area, kind = rng.uniform(20, 200), rng.choice("xyz")
        price = 3 * area + 50 * "xyz".index(kind) + rng.gauss(0, 4)
        rows.append([str(1000 + number), f"{area:.3f}", kind, f"{price:.3f}"])
    train, test = rows[:200], rows[200:]
    write(base / "public/train.csv", ["id", "area", "kind", "price"], train)
    write(base / "public/test.csv", ["id", "area", "kind"], [r[:3] for r in test])
    write(base / "public/sample_submission.csv", ["id", "price"], [[r[0], "100.5"] for r in test])
    write(base / "private/test.csv", ["id", "price"], [[r[0], r[3]] for r in test])


def authors(base, rng):
    rows = []
    for number in range(150):
        who = rng.choice(["Ann", "Bob"])
        words = [rng.choice({"Ann": "sea sky sun", "Bob": "sea mud fog"}[who].split()) for _ in range(8)]
        rows.append([f"w{number}", " ".join(words), who])
    train, test = rows[:120], rows[120:]
    write(base / "public/train.csv", ["id", "text", "author"], train)
    write(base / "public/test.csv", ["id", "text"], [r[:2] for r in test])
    write(base / "public/sample_submission.csv", ["id", "Ann", "Bob"], [[r[0], 0.5, 0.5] for r in test])
    answers = [[r[0], int(r[2] == "Ann"), int(r[2] == "Bob")] for r in test]
    write(base / "private/test.csv", ["id", "Ann", "Bob"], answers)


def install(folder, monkeypatch):
    """Make the package and its prepared data, and let this process and its children find them."""
    package, data = folder / "site" / "mlebench", folder / "data"
    for name, text in PACKAGE.items():
        package.mkdir(parents=True, exist_ok=True)
        (package / name).write_text(text)
    for name, make in (("tiny-prices", prices), ("tiny-authors", authors)):
        place = package / "competitions" / name
        place.mkdir(parents=True)
        (place / "description.md").write_text(f"# {name}\nPredict well.")
        (place / "leaderboard.csv").write_text(BOARD)
        make(data / name / "prepared", Random(name))
        (data / name / "prepared/public/description.md").write_text("as above")
    (package / "competitions" / "not-here").mkdir()
    (package / "competitions" / "not-here" / "description.md").write_text("Nothing was prepared.")
    monkeypatch.syspath_prepend(str(package.parent))
    monkeypatch.setenv("PYTHONPATH", str(package.parent))
    monkeypatch.setenv("KERNELEVO_MLEBENCH_DATA", str(data))
    for name in [n for n in sys.modules if n == "mlebench" or n.startswith("mlebench.")]:
        monkeypatch.delitem(sys.modules, name)
    return data


def rmse(pairs):
    return math.sqrt(sum((a - b) ** 2 for a, b in pairs) / len(pairs))
