"""Runs for the tests of exports: made by the real graphs over HTTP, or written by hand with what may be missing."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from cocoon.core.jsonl import dump_line
from cocoon.core.records import ChainStep, Dialogue, Failure, Memory, Profile, Rating, Thought, Turn, UserState, Verdict
from cocoon.tests.commands import cocoon, endpoint


def simulated(out: Path, profiles: int, samples: int, rounds: int = 2, scales: str = "success,comfort") -> Path:
    """A judged run of profiles x samples dialogues, with guarded users, over HTTP."""
    with endpoint() as spec:
        done = cocoon(
            *("simulate", "--out", str(out), "--profiles", "shipped:en", "-n", str(profiles), "--rounds", str(rounds)),
            *("--samples", str(samples), "--supporter", spec, "--user", spec, "--judge", spec, "--scales", scales),
            *("-o", "form_pairs=0"),
        )
    assert done.code == 0, done.err
    return out


def lines(run: Path, name: str) -> list[dict[str, Any]]:
    """The values of a JSONL file of a run."""
    return [json.loads(line) for line in (run / name).read_text("utf-8").splitlines()]


def dialogue(name: str, supporter: str = "one", **more: Any) -> Dialogue:
    """A dialogue of two stages with thoughts, a draft, a question and a user's state."""
    profile = Profile(
        id=more.pop("profile", name),
        language="en",
        emotion="tired",
        feeling="=SUM(A1) I am tired",
        need=more.pop("need", "I want rest"),
        chain=[ChainStep(need="sleep", difficulty=1), ChainStep(need="I want rest", difficulty=3, reason="deeper")],
        memory=[Memory(text="I slept at my desk", chain_node=1)],
    )
    state = UserState(trust=1.5, unlocked=[0], memories=[0])
    turns = [
        Turn(role="supporter", content="You look tired."),
        Turn(role="user", content='-1 <b>maybe</b>,\n"so"', state=state),
        Turn(
            role="supporter",
            content="What happened? Tell me.",
            thought=Thought(analysis="@tired", strategy="reflect"),
            draft="What happened to you?",
        ),
        Turn(role="user", content="I want rest."),
    ]
    told = {"stage_boundary": 2, "user_kind": "guarded", **more}
    return Dialogue(id=name, profile=profile, supporter=supporter, language="en", turns=turns, **told)


def rating(one: Dialogue, scale: str, **more: Any) -> Rating:
    """A rating of a dialogue by the judge `j`."""
    whole = {"judge": "j", "prompt_id": "judge/x", "prompt_sha": "s", **more}
    return Rating(dialogue=one.id, profile=one.profile.id, supporter=one.supporter, scale=scale, **whole)


def written(
    out: Path, dialogues: Sequence[Dialogue], ratings: Sequence[Rating] = (), failures: Sequence[Failure] = ()
) -> Path:
    """A run folder of these records."""
    out.mkdir(parents=True)
    for name, records in (("dialogues", dialogues), ("ratings", ratings), ("failures", failures)):
        (out / f"{name}.jsonl").write_bytes(b"".join(map(dump_line, records)))
    return out


def with_gaps(out: Path) -> Path:
    """Three dialogues and one that failed: a success with a missing item and two votes, a missing verdict and an empty
    draft, one without a need."""
    first, second, third = dialogue("a"), dialogue("b"), dialogue("c", need=None)
    second.turns[2].draft = ""
    yes = Verdict(success=True, named_by="user", how="after_reflection", turn=3, quote="I want rest")
    ratings = [
        rating(first, "success_attributed", verdict=yes),
        rating(second, "success_attributed", verdict=Verdict(success=None, missing="quote not in the transcript")),
        rating(third, "success_attributed", not_applicable=True),
        rating(
            first,
            "comfort",
            items={"1": 2, "2": None},
            dimensions={"affective_improvement": None, "negative_helper_evaluation": 3.0},
            missing={"2": "cannot tell"},
        ),
        rating(
            first,
            "comfort",
            vote=1,
            items={"1": 4, "2": 5},
            dimensions={"affective_improvement": 4.0, "negative_helper_evaluation": 5.0},
        ),
        rating(second, "comfort", items={}, missing={"*": "empty reply"}),
    ]
    failed = Failure(dialogue="d.one.0", stage="conversation", node="speak", reason="timeout", message="no answer")
    return written(out, [first, second, third], ratings, [failed])
