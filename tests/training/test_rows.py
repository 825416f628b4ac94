"""Which dialogues are trained on: the split, the draw, duplicates, profiles held out; every drop is counted."""

from pathlib import Path

import pytest

from cocoon.core.errors import CocoonError
from cocoon.core.jsonl import dump_line
from cocoon.core.records import ChainStep, Dialogue, Profile, Turn
from cocoon.tests.training.training_cases import talk, write_talks
from cocoon.training.config import DataConfig
from cocoon.training.data.near_duplicates import near_duplicates
from cocoon.training.data.rows import read_rows

LOOSE = DataConfig(near_duplicate=None, validation=0.25)


def people(dialogues: list[Dialogue]) -> set[str]:
    return {one.profile.translation_of or one.profile.id for one in dialogues}


def test_no_profile_stands_on_both_sides_and_the_split_is_the_seeds(tmp_path: Path) -> None:
    talks = [talk(number, profile=f"p{number // 3}") for number in range(30)]
    for number, one in enumerate(talks):
        if number % 3 == 2:
            one.profile = one.profile.model_copy(update={"id": f"zh-{number}", "translation_of": one.profile.id})
    file = str(write_talks(tmp_path / "d.jsonl", talks))
    found = read_rows([file], LOOSE, seed=1)
    assert people(found.train).isdisjoint(people(found.validation))
    assert (len(people(found.train)), len(people(found.validation))) == (7, 3)
    assert (len(found.train), len(found.validation), found.read) == (21, 9, 30)
    again, other = read_rows([file], LOOSE, seed=1), read_rows([file], LOOSE, seed=2)
    assert [one.id for one in again.validation] == [one.id for one in found.validation]
    assert [one.id for one in other.validation] != [one.id for one in found.validation]


def test_a_large_corpus_is_drawn_to_the_size_of_the_largest_other(tmp_path: Path) -> None:
    file = str(write_talks(tmp_path / "large.jsonl", [talk(number) for number in range(40)]))
    others = [str(write_talks(tmp_path / f"{size}.jsonl", [talk(n) for n in range(size)])) for size in (5, 12)]
    data = LOOSE.model_copy(update={"no_larger_than": others})
    found = read_rows([file], data, seed=3)
    ids = [one.id for one in [*found.train, *found.validation]]
    assert len(ids) == 12 and found.drawn == 12
    assert found.dropped == {"not_drawn": 28}
    assert [one.id for one in read_rows([file], data, seed=3).train] == [one.id for one in found.train]
    assert {one.id for one in read_rows([file], data, seed=4).train} != {one.id for one in found.train}


def test_profiles_held_out_leave_with_their_translations_chains_and_near_copies(tmp_path: Path) -> None:
    held = Profile(
        id="en-1",
        language="en",
        feeling="I feel that nobody at home hears what I say to them",
        need="to be taken seriously",
        chain=[ChainStep(need="to be heard"), ChainStep(need="to be taken seriously")],
    )
    held_file = tmp_path / "held.jsonl"
    held_file.write_bytes(dump_line(held))
    same = [
        held,
        held.model_copy(update={"id": "zh-1", "language": "zh", "translation_of": "en-1", "feeling": "x", "chain": []}),
        held.model_copy(update={"id": "other", "feeling": "something quite different", "source": "elsewhere"}),
        held.model_copy(
            update={"id": "near", "chain": [], "feeling": "I feel that nobody at home hears what I tell them."}
        ),
    ]
    talks = [talk(number).model_copy(update={"profile": one}) for number, one in enumerate(same)]
    talks += [talk(number) for number in range(10, 20)]
    found = read_rows(
        [str(write_talks(tmp_path / "d.jsonl", talks))], LOOSE.model_copy(update={"held_out": [str(held_file)]}), 1
    )
    assert found.dropped == {"evaluation_profile": 4}
    assert people([*found.train, *found.validation]) == {f"p{number}" for number in range(10, 20)}


def test_near_duplicates_are_found_whatever_their_place_and_others_are_not() -> None:
    talks = [talk(number, 12) for number in range(60)]
    copy = talks[7].model_copy(update={"turns": [*talks[7].turns, Turn(role="user", content="Bye then.")]})
    talks += [copy, talks[3], talk(99, 12)]
    assert near_duplicates(talks, 0.8) == {60: 7, 61: 3}
    assert near_duplicates([copy, talks[7]], 0.999) == {}


def test_every_kind_of_drop_is_counted(tmp_path: Path) -> None:
    mute = talk(50).model_copy(update={"turns": [Turn(role="user", content="Hello?")]})
    talks = [*(talk(number, 10) for number in range(9)), talk(0, 10), mute]
    found = read_rows([str(write_talks(tmp_path / "d.jsonl", talks))], DataConfig(validation=0.2), 1)
    assert found.dropped == {"near_duplicate": 1, "no_supporter_turn": 1}
    assert found.read == 11 and len(found.train) + len(found.validation) == 9


@pytest.mark.parametrize(
    ("talks", "words"),
    [
        ([talk(1).model_copy(update={"turns": [Turn(role="user", content="Hm.")]})], "has a turn of the supporter"),
        ([talk(1, profile="p"), talk(2, profile="p")], "are of one profile"),
    ],
)
def test_what_cannot_be_trained_is_one_line(tmp_path: Path, talks: list[Dialogue], words: str) -> None:
    file = str(write_talks(tmp_path / "d.jsonl", talks))
    with pytest.raises(CocoonError, match=words) as caught:
        read_rows([file], LOOSE, 1)
    assert "\n" not in str(caught.value)


def test_without_validation_everything_is_trained_on(tmp_path: Path) -> None:
    file = str(write_talks(tmp_path / "d.jsonl", [talk(1, profile="p"), talk(2, profile="p")]))
    found = read_rows([file], LOOSE.model_copy(update={"validation": 0.0}), 1)
    assert (len(found.train), len(found.validation)) == (2, 0)
