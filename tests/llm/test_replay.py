"""Record: replies in their order, each once; a later one is found as quickly as the first."""

from random import Random

from kernelevo.llm import Record, Reply
from kernelevo.llm.client import Usage
from kernelevo.llm.replay import Recorded

ROLES = ("proposer", "repair", "judge")


def recorded(number: int, role: str) -> Recorded:
    return Recorded(f"prompt {number % 7}", role, "m", Reply(str(number), Usage()))


def test_next_and_take_give_each_reply_once_and_in_order():
    for seed in range(30):
        rng = Random(seed)
        rows = [recorded(n, rng.choice(ROLES)) for n in range(40)]
        record, left = Record(rows), list(rows)
        for _ in range(60):
            roles = tuple(rng.sample(ROLES, rng.randint(1, 3)))
            assert record.left(*roles) == sum(row.role in roles for row in left)
            if rng.random() < 0.5:
                want = next((row for row in left if row.role in roles), None)
                found = record.next(*roles)
            else:
                prompt = f"prompt {rng.randrange(7)}"
                fit = [
                    row for role in roles for row in left if (row.role, row.prompt_sha256) == (role, prompt)
                ]
                want, found = next(iter(fit), None), record.take(prompt, *roles)
            assert found is want
            if found is not None:
                left.remove(found)


def test_a_later_reply_is_not_looked_for_from_the_beginning():
    class Counted(tuple):
        looked = 0

        def __iter__(self):
            Counted.looked += len(self)
            return super().__iter__()

    record = Record([recorded(n, "proposer") for n in range(200)])
    record.replies = Counted(record.replies)
    assert [record.next("repair", "proposer").reply.text for _ in range(200)] == [str(n) for n in range(200)]
    assert record.next("proposer") is None and Counted.looked == 0
