"""What was looked up is kept, and told again to a replay whatever the base holds by then."""

import json

import pytest

from kernelevo.core import Brief, Task
from kernelevo.knowledge import Consultant, KnowledgeBase, Lookup, Lookups, Note

TASK = Task("tour", "g", (), "tour.py:tour")
OLD, NEW = (Note(id, id, "worked measured tour", f"As {id}.", origin="person") for id in ("old", "new"))


def brief(number=5, direction=""):
    return Brief(TASK, number, direction=direction)


def told(consultant, *given):
    return [found.note for found in consultant(brief(*given), None)]


def base(*notes):
    made = KnowledgeBase()
    for note in notes:
        made.add(note)
    return made


def test_an_answer_is_kept_once_and_is_for_every_ask_of_its_sitting():
    kept = []
    consultant = Consultant(base(OLD), TASK, keep=kept.append)
    for number in (5, 4, 6):
        assert told(consultant, number) == [OLD]
    assert told(consultant, 7, "nothing of the kind") == [OLD]  # by the task's name
    assert [(k.words, k.notes, k.since) for k in kept] == [
        ("what worked measured tour", (OLD,), 5),
        ("nothing of the kind tour", (OLD,), 5),
    ]


def test_a_replay_is_told_what_the_run_was_told():
    kept = []
    assert told(Consultant(base(OLD), TASK, keep=kept.append)) == [OLD]
    later = base(NEW)  # one was added since, one removed
    assert told(Consultant(later, TASK, recorded=kept)) == [OLD]
    assert told(Consultant(later, TASK)) == [NEW]
    again = []
    replay = Consultant(later, TASK, recorded=kept, keep=again.append)
    assert told(replay) == [OLD] and again == kept  # so that it can be replayed itself
    assert told(replay, 6, "what the run never asked for") == [NEW]


def test_nothing_found_is_an_answer_too():
    kept = []
    assert told(Consultant(base(), TASK, keep=kept.append)) == [] and kept[0].notes == ()
    assert told(Consultant(base(NEW), TASK, recorded=kept)) == []


def test_each_sitting_of_a_run_has_its_own_answers():
    sittings = Lookups([Lookup("w", (OLD,), 1), Lookup("v", (OLD,), 1), Lookup("w", (OLD, NEW), 9)])
    assert sittings.find("w", 8) == (OLD,) and sittings.find("w", 9) == (OLD, NEW)
    assert sittings.find("w", 0) == (OLD,) and sittings.find("v", 20) == (OLD,)
    assert sittings.find("x", 3) is None


def test_a_lookup_is_plain_data():
    given = Lookup("words", (OLD, NEW), 3)
    assert Lookup.from_json(json.loads(json.dumps(given.to_json()))) == given


@pytest.mark.parametrize(
    "data",
    [None, [], {}, {"words": "w", "since": 1}, {"words": "w", "since": "1", "notes": []},
     {"words": 3, "since": 1, "notes": []}, {"words": "w", "since": 1, "notes": [3]},
     {"words": "w", "since": 1, "notes": [{**OLD.to_json(), "holograms": 3}]},
     {"words": "w", "since": 1, "notes": [{**OLD.to_json(), "text": 3}]}],
)  # fmt: skip
def test_what_is_no_lookup_is_refused(data):
    with pytest.raises(ValueError, match="no look-up of notes"):
        Lookup.from_json(data)
