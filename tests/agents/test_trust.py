"""The trust gate as arithmetic, by rules that see no moves: every threshold at its point, every state whole."""

import pytest

from cocoon.agents.users.trust import Difficulty, Openness, TrustGate, listening, naming, open_memories
from cocoon.core.config import TrustRules
from cocoon.core.records import Appraisal, ChainStep, Memory, Profile, UserState

MEMORIES = [Memory(text="of the wish", chain_node=0), Memory(text="of none"), Memory(text="of the need", chain_node=2)]


def person(*needs: str, memory: list[Memory] | None = None) -> Profile:
    chain = [ChainStep(need=need) for need in needs]
    return Profile(id="p", language="en", feeling="sad", need=needs[-1], chain=chain, memory=memory or [])


DEEP = person("to rest", "to be seen", "to be missed", memory=MEMORIES)
NAMED = Appraisal(accuracy="accurate", pressure=0, touched=2)
PRESSED = Appraisal(accuracy="none", pressure=2)


def at(trust: float, unlocked: list[int], **more: object) -> UserState:
    return UserState.model_validate({"trust": trust, "unlocked": unlocked, "memories": [], **more})


@pytest.mark.parametrize(("difficulty", "start"), [("easy", 1), ("normal", 0), ("hard", -1)])
def test_a_stranger_hears_the_wish_and_what_belongs_to_it(difficulty: Difficulty, start: float) -> None:
    assert TrustGate(difficulty, "naming").begin(DEEP) == UserState(trust=start, unlocked=[0], memories=[0])


@pytest.mark.parametrize(
    ("accuracy", "pressure", "change"),
    [("none", 0, 0.0), ("near", 0, 1.0), ("accurate", 0, 2.0), ("wrong", 0, -1.0), ("none", 2, -2.0), ("near", 1, 0.0)],
)
def test_what_accuracy_and_pressure_change(accuracy: str, pressure: int, change: float) -> None:
    taken = Appraisal.model_validate({"accuracy": accuracy, "pressure": pressure})
    assert naming(taken) == listening(taken) == change
    asked = taken.model_copy(update={"asked": True})
    assert naming(asked) == change and listening(asked) == change - 0.5


def test_an_accurate_guess_earns_two_points_and_opens_the_next_node() -> None:
    gate = TrustGate(rules="naming")
    assert gate.step(gate.begin(DEEP), NAMED, DEEP, 4) == UserState(
        trust=2,
        unlocked=[0, 1],
        newly=[1],
        memories=[0],
        credit={"2": 2},
        appraisal=NAMED,
        touched_locked=True,
        earned={"1": 4},
    )


def test_a_near_guess_earns_one_point_and_the_accurate_one_only_what_is_left() -> None:
    gate, near = TrustGate(rules="naming"), NAMED.model_copy(update={"accuracy": "near"})
    first = gate.step(gate.begin(DEEP), near, DEEP)
    second = gate.step(first, NAMED, DEEP)
    third = gate.step(second, NAMED, DEEP)
    assert [state.trust for state in (first, second, third)] == [1, 2, 2]
    assert [state.credit for state in (first, second, third)] == [{"2": 1}, {"2": 2}, {"2": 2}]
    other = gate.step(third, Appraisal(accuracy="near", pressure=0), DEEP)
    assert (other.trust, other.credit) == (3, {"2": 2, "none": 1})


@pytest.mark.parametrize(
    ("appraisal", "trust", "pressed", "touched_locked"),
    [
        (Appraisal(accuracy="none", pressure=0, touched=2), 0, False, False),
        (Appraisal(accuracy="wrong", pressure=0, touched=2), -1, False, False),
        (Appraisal(accuracy="none", pressure=1), -1, True, False),
        (Appraisal(accuracy="wrong", pressure=2), -3, True, False),
        (Appraisal(accuracy="accurate", pressure=1, touched=2), 1, True, True),
        (Appraisal(accuracy="near", pressure=0, touched=2), 1, False, True),
        (Appraisal(accuracy="near", pressure=0, touched=0), 1, False, False),
        (Appraisal(accuracy="near", pressure=0), 1, False, False),
    ],
)
def test_accuracy_and_pressure_move_trust_by_their_points(
    appraisal: Appraisal, trust: float, pressed: bool, touched_locked: bool
) -> None:
    gate = TrustGate(rules="naming")
    after = gate.step(gate.begin(DEEP), appraisal, DEEP)
    assert (after.trust, after.pressed, after.touched_locked) == (trust, pressed, touched_locked)


def test_listening_takes_half_a_point_for_asking_and_naming_takes_none() -> None:
    asking = NAMED.model_copy(update={"asked": True})
    points: dict[TrustRules, list[float]] = {"naming": [2, 2], "neutral": [2, 2], "listening": [1.5, 2]}
    for rules, expected in points.items():
        gate = TrustGate(rules=rules)
        after = [gate.step(gate.begin(DEEP), appraisal, DEEP) for appraisal in (asking, NAMED)]
        assert [state.trust for state in after] == expected
        # 1.5 is the threshold of the second of three nodes, and to reach it is enough.
        assert [state.unlocked for state in after] == [[0, 1], [0, 1]]


def test_an_appraisal_that_could_not_be_read_changes_nothing_and_keeps_no_mark_of_the_turn_before() -> None:
    before = at(1, [0, 1], newly=[1], credit={"1": 1}, earned={"1": 2}, pressed=True, touched_locked=True)
    assert TrustGate(rules="naming").step(before, None, DEEP, 6) == at(1, [0, 1], credit={"1": 1}, earned={"1": 2})


def test_one_node_opens_in_a_turn_however_much_trust_there_is() -> None:
    gate, plain = TrustGate(rules="naming"), Appraisal(accuracy="none", pressure=0)
    first = gate.step(at(9, [0]), plain, DEEP)
    second = gate.step(first, plain, DEEP)
    third = gate.step(second, plain, DEEP)
    assert [(state.unlocked, state.newly) for state in (first, second, third)] == [
        ([0, 1], [1]),
        ([0, 1, 2], [2]),
        ([0, 1, 2], []),
    ]
    assert [state.memories for state in (first, second)] == [[0], [0, 1, 2]]


def test_a_node_keeps_the_turn_that_earned_it_and_loses_it_with_the_trust_until_it_is_open() -> None:
    gate = TrustGate(rules="naming")
    reached = gate.step(at(1, [0]), NAMED, DEEP, 4)
    assert (reached.trust, reached.unlocked, reached.earned) == (3, [0, 1], {"1": 4, "2": 4})
    assert gate.step(reached, PRESSED, DEEP, 6).earned == {"1": 4}
    assert gate.step(reached, Appraisal(accuracy="none", pressure=0), DEEP, 6).earned == {"1": 4, "2": 4}
    assert gate.step(at(1, [0]), NAMED, DEEP).earned == {}
    assert gate.step(at(2, [0, 1, 2], earned={"2": 4}), PRESSED, DEEP, 8).earned == {"2": 4}


@pytest.mark.parametrize(("difficulty", "leaves_at"), [("easy", -4), ("normal", -3), ("hard", -3)])
def test_a_user_leaves_at_the_point_of_its_preset_and_not_before(difficulty: Difficulty, leaves_at: float) -> None:
    gate = TrustGate(difficulty, "naming")
    assert [gate.leaves(at(leaves_at + more, [0])) for more in (-0.5, 0, 0.5)] == [True, True, False]


@pytest.mark.parametrize(
    ("trust", "openness"),
    [(-1, "closed"), (0, "closed"), (0.5, "wary"), (1, "wary"), (1.5, "warming"), (2.5, "warming"), (3, "open")],
)
def test_a_user_speaks_more_openly_in_four_steps(trust: float, openness: Openness) -> None:
    assert TrustGate(rules="naming").openness(at(trust, [0]), DEEP) == openness


def test_openness_counts_from_where_a_user_starts() -> None:
    gate = TrustGate("easy", "naming")
    assert [gate.openness(at(trust, [0]), DEEP) for trust in (1, 1.25, 1.5, 2)] == ["closed", "wary", "warming", "open"]


@pytest.mark.parametrize(
    ("difficulty", "needs", "thresholds"),
    [
        ("easy", 1, [2]),
        ("normal", 1, [2]),
        ("hard", 1, [1]),
        ("hard", 2, [float("-inf"), 3]),
        ("hard", 3, [float("-inf"), 2, 5]),
        ("hard", 4, [float("-inf"), 1, 3, 5]),
    ],
)
def test_the_need_opens_last_and_a_short_chain_asks_no_more_than_naming_all_of_it_earns(
    difficulty: Difficulty, needs: int, thresholds: list[float]
) -> None:
    profile, gate = person(*(f"need {node}" for node in range(needs))), TrustGate(difficulty, "naming")
    assert [gate.threshold(node, profile) for node in range(needs)] == pytest.approx(thresholds)
    assert gate.need_at(profile) == thresholds[-1]
    assert gate.begin(profile).unlocked == ([] if needs == 1 else [0])


def test_a_profile_without_a_chain_has_nothing_to_hide() -> None:
    profile = Profile(id="p", language="en", feeling="sad", memory=[Memory(text="yesterday")])
    gate = TrustGate("hard", "naming")
    assert (gate.need_at(profile), open_memories(profile, [])) == (1, [0])
    assert gate.begin(profile) == UserState(trust=-1, unlocked=[], memories=[0])
