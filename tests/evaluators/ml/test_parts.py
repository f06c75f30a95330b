"""Submissions, metrics, medals, data: against other formulas and with everything that is wrong."""

import io
import pickle

import numpy as np
import pytest

from kernelevo.evaluators import secret
from kernelevo.evaluators.ml import generators, medals, metrics
from kernelevo.evaluators.ml.submission import Invalid, read, read_features
from kernelevo.evaluators.ml.tasks import TASKS, ridge
from tests.few import few

IDS = ["r1", "r2", "r3"]
GOOD = b"id,p\nr3,0.3\nr1,0.1\nr2,0.2\n"


def npz(**arrays):
    out = io.BytesIO()
    np.savez(out, **arrays)
    return out.getvalue()


def test_rows_come_back_in_the_order_of_the_ids():
    assert read({"submission.csv": GOOD}, IDS, ["p"]).ravel().tolist() == [0.1, 0.2, 0.3]
    packed = npz(id=np.array(["r3", "r1", "r2"]), p=np.array([0.3, 0.1, 0.2]))
    assert read({"submission.npz": packed}, IDS, ["p"]).ravel().tolist() == [0.1, 0.2, 0.3]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "the header is '', expected 'id,p'"),
        (b"id,q\nr1,1\n", "the header is 'id,q', expected 'id,p'"),
        (b"id,p\nr1,0.1\nr2,0.2\n", "2 rows, expected 3"),
        (b"id,p\nr1,0.1\nr2,0.2\nr2,0.3\n", "id 'r2' is there more than once"),
        (b"id,p\nr1,0.1\nr2,0.2\nr9,0.3\n", "1 ids are missing, the first is 'r3'"),
        (b"id,p\nr1,nan\nr2,0.2\nr3,0.3\n", "line 2: 'nan' is not a number"),
        (b"id,p\nr1,x\nr2,0.2\nr3,0.3\n", "line 2: 'x' is not a number"),
        (b"id,p\nr1,\nr2,0.2\nr3,0.3\n", "line 2: '' is not a number"),
        (b"id,p\nr1,inf\nr2,0.2\nr3,0.3\n", "p of id 'r1' is inf: expected a number from 0 to 1"),
        (b"id,p\nr1,1.5\nr2,0.2\nr3,0.3\n", "p of id 'r1' is 1.5: expected a number from 0 to 1"),
        (b"id,p\nr1,0.1,7\nr2,0.2\nr3,0.3\n", "line 2 has 3 fields, expected 2"),
        (b"\xff\xfe", "not CSV text in UTF-8"),
    ],
)
def test_every_mistake_has_its_message(content, message):
    with pytest.raises(Invalid) as error:
        read({"submission.csv": content}, IDS, ["p"], low=0, high=1)
    assert message in str(error.value)


def test_probabilities_add_up_to_one():
    content = b"id,a,b\nr1,0.5,0.5\nr2,0.2,0.9\nr3,1,0\n"
    with pytest.raises(Invalid, match=r"the probabilities of id 'r2' add up to 1\.1, not to 1"):
        read({"submission.csv": content}, IDS, ["a", "b"], simplex=True)


def test_nothing_is_unpickled():
    class Trap:
        def __reduce__(self):
            return (pytest.fail, ("unpickled",))

    trap = npz(id=np.array(["r1", "r2", "r3"]), p=np.array([Trap()] * 3, dtype=object))
    for content in (trap, pickle.dumps(Trap()), b"", b"PK\x03\x04 not a zip"):
        with pytest.raises(Invalid, match="without pickle"):
            read({"submission.npz": content}, IDS, ["p"])


def test_an_archive_that_is_damaged_inside_is_not_valid():
    out = io.BytesIO()
    np.savez_compressed(out, id=np.array(IDS), p=np.zeros(3))
    whole = out.getvalue()
    stream = 30 + int.from_bytes(whole[26:28], "little") + int.from_bytes(whole[28:30], "little")
    no_block = whole[:stream] + b"\xff" + whole[stream + 1 :]  # zlib.error
    flags = whole.index(b"PK\x01\x02") + 8
    locked = whole[:flags] + b"\x01" + whole[flags + 1 :]  # RuntimeError: encrypted
    for content in (no_block, locked):
        with pytest.raises(Invalid, match="cannot be read without pickle"):
            read({"submission.npz": content}, IDS, ["p"])


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"p": np.zeros(3)}, "no array 'id'"),
        ({"id": np.arange(3), "p": np.zeros(3)}, "the array id has the type int64"),
        ({"id": np.array(IDS), "p": np.zeros((3, 1))}, "the array p has the shape"),
        ({"id": np.array(IDS), "p": np.array(["1"] * 3)}, "the array p has the type"),
        ({"id": np.array(IDS), "p": np.array([1, np.nan, 2])}, "p of id 'r2' is nan"),
        ({"id": np.array(IDS), "p": np.zeros(3), "big": np.zeros(3_000_000)}, "bytes, more than"),
    ],
)
def test_arrays_are_checked(arrays, message):
    with pytest.raises(Invalid, match=message):
        read({"submission.npz": npz(**arrays)}, IDS, ["p"])
    with pytest.raises(Invalid, match="neither"):
        read({}, IDS, ["p"])


@pytest.mark.parametrize(
    ("train", "test", "message"),
    [
        (np.zeros((4, 2)), np.zeros((3, 3)), "train has 2 columns, test has 3"),
        (np.zeros((5, 2)), np.zeros((3, 2)), "train has the shape"),
        (np.zeros((4, 9)), np.zeros((3, 9)), "train has the shape"),
        (np.zeros((4, 0)), np.zeros((3, 0)), "train has the shape"),
        (np.full((4, 2), np.inf), np.zeros((3, 2)), "train of id 'row 0' is inf"),
    ],
)
def test_features_are_checked(train, test, message):
    with pytest.raises(Invalid, match=message):
        read_features({"submission.npz": npz(train=train, test=test)}, 4, 3, 8)


def test_metrics_equal_their_definitions():
    sk = pytest.importorskip("sklearn.metrics")
    rng = np.random.default_rng(1)
    chances, truth = rng.dirichlet([1, 1, 1], 50), list(rng.choice(list("abc"), 50))
    loss = metrics.log_loss("abc")
    assert loss.value(loss.rows(truth, chances)) == pytest.approx(
        sk.log_loss(truth, chances, labels=list("abc"))
    )
    real, guess = rng.normal(size=50), rng.normal(size=(50, 1))
    assert metrics.RMSE.value(metrics.RMSE.rows(real, guess)) == pytest.approx(
        np.sqrt(sk.mean_squared_error(real, guess))
    )
    assert metrics.MAE.value(metrics.MAE.rows(real, guess)) == pytest.approx(
        sk.mean_absolute_error(real, guess)
    )
    right = metrics.accuracy("good")
    assert right.value(right.rows(["good", "bad", "bad"], np.array([[0.5], [0.4], [0.9]]))) == pytest.approx(
        2 / 3
    )


@pytest.mark.parametrize("metric", [metrics.RMSE, metrics.accuracy("good")])
def test_skill_is_zero_for_the_trivial_and_one_for_perfect(metric):
    assert metric.skill(0.6, 0.6) == 0
    assert metric.skill(metric.perfect, 0.6) == 1
    worse = 0.7 if metric.direction == "min" else 0.5
    assert metric.skill(worse, 0.6) < 0 and metric.better(0.6, worse)


def test_gain_has_the_sign_of_better():
    gain, error = metrics.gain_and_error(metrics.MAE, np.array([1.0, 2.0, 1.0]), np.array([2.0, 2.5, 2.0]))
    assert gain == pytest.approx(2.5 / 3) and error > 0
    assert metrics.gain_and_error(metrics.accuracy("x"), np.ones(3), np.array([1.0, 0.0, 1.0]))[0] > 0


@pytest.mark.parametrize(
    ("entries", "expected"),
    [
        (50, (5, 10, 20)),
        (5, (1, 1, 2)),
        (1, (1, 1, 1)),
        (99, (9, 19, 39)),
        (100, (10, 20, 40)),
        (249, (10, 49, 99)),
        (250, (10, 50, 100)),
        (999, (11, 50, 100)),
        (1000, (12, 50, 100)),
        (2000, (14, 100, 200)),
    ],
)
def test_places_by_the_size_of_the_board(entries, expected):
    assert tuple(medals.places(entries).values()) == expected


def test_medals_and_the_strict_median():
    board = list(range(1, 51))
    assert medals.standing(46, board, "max").medal == "gold"
    assert medals.standing(45, board, "max").medal == "silver"
    assert medals.standing(31, board, "max").medal == "bronze"
    assert medals.standing(30, board, "max").medal is None
    assert medals.standing(5, board, "min").medal == "gold"
    tied = medals.standing(7.0, [7.0] * 9, "min")
    assert tied.medal == "gold" and not tied.above_median and tied.rank == 1


def test_summary_over_runs():
    gold, none = medals.Standing("gold", True, 1, 30), medals.Standing(None, False, 20, 30)
    found = medals.summary([gold, none, None, gold])
    assert found["any_medal"] == 0.5 and found["valid"] == 0.75 and found["above_median"] == 0.5
    assert found["any_medal_sem"] == pytest.approx(0.288675, abs=1e-5)
    assert medals.summary([gold])["any_medal_sem"] is None


NAMES = few(sorted(TASKS), ["ml_demand"])


@pytest.mark.parametrize("name", NAMES)
def test_data_depend_on_the_secret_and_on_nothing_else(name):
    task = TASKS[name]
    one = task.part(secret.derived(b"one", name), "validation")
    again, other = task.part(secret.derived(b"one", name), "validation"), task.part(5, "validation")
    assert one.files() == again.files() and one.truth == again.truth
    assert one.files() != other.files()
    sealed = task.part(secret.derived(b"one", name), "sealed")
    assert sealed.files()["test.csv"] != one.files()["test.csv"]
    assert not set(one.ids) & set(sealed.ids) or len(set(one.ids) & set(sealed.ids)) < 5
    assert len(set(one.ids)) == len(one.test) == len(one.truth)


@pytest.mark.parametrize("name", NAMES)
def test_no_label_of_the_hidden_rows_is_in_the_files(name):
    part = TASKS[name].part(7, "validation")
    header = part.files()["test.csv"].splitlines()[0].split(",")
    assert part.target not in header and header == ["id", *part.columns]
    assert "test" in part.files()["test.csv"] or part.files()["test.csv"].count("\n") == len(part.ids) + 1


def test_a_tenth_of_the_numbers_is_missing():
    part = TASKS["ml_churn"].part(3, "validation")
    numbers = [x for row in part.train for x in row[:8]]
    assert 0.07 < np.isnan(numbers).mean() < 0.13
    assert ",," in part.files()["train.csv"]


def test_the_fixed_model_is_a_ridge_regression():
    linear = pytest.importorskip("sklearn.linear_model")
    part = TASKS["ml_features"].part(3, "validation")
    train, test = np.array(part.train), np.array(part.test)
    middle, width = train.mean(0), train.std(0)
    expected = (
        linear.Ridge(alpha=1.0).fit((train - middle) / width, part.labels).predict((test - middle) / width)
    )
    assert ridge(part, train, test)[:, 0] == pytest.approx(expected)


def test_the_secret_is_made_once_and_for_its_user_alone(tmp_path, monkeypatch):
    monkeypatch.setenv(secret.FOLDER, str(tmp_path / "state"))
    one = secret.machine_secret()
    assert secret.machine_secret() == one and len(one) == 32
    assert (tmp_path / "state" / "secret").stat().st_mode & 0o077 == 0
    assert secret.fingerprint(one) not in one.hex()


@pytest.mark.parametrize("damaged", ["zz", "", "00" * 31])
def test_a_damaged_secret_is_told(tmp_path, monkeypatch, damaged):
    monkeypatch.setenv(secret.FOLDER, str(tmp_path))
    (tmp_path / "secret").write_text(damaged)
    with pytest.raises(Exception, match="cannot be read"):
        secret.machine_secret()


def test_series_go_on_where_their_history_ends():
    part = generators.demand(11, "validation")
    last = {row[0]: row[1] for row in part.train}
    first = {}
    for row in part.test:
        first.setdefault(row[0], row[1])
    assert {s: d + 1 for s, d in last.items()} == first


def test_numbers_that_were_seen_do_not_tell_the_ones_to_come():
    streams = [generators._rng(5, stream).get_state(legacy=False) for stream in (1, 2, 2)]
    # a twister's state is computed from 624 of its words
    assert {s["bit_generator"] for s in streams} == {"Philox"}
    keys = [tuple(s["state"]["key"]) for s in streams]
    assert keys[0] != keys[1] == keys[2]
