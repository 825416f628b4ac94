"""Users that are wrong in one way each, made of people's own talks, and people who are nobody's words."""

import random
from collections.abc import Sequence
from itertools import cycle

from cocoon.core.records import Dialogue, Language, Profile, Turn
from cocoon.evaluation.fidelity.likeness.distances import MeasuredTalk, likeness_of
from cocoon.evaluation.fidelity.likeness.measures import measure_talk, talk_of
from cocoon.evaluation.fidelity.likeness.records import Likeness, PeopleFigures
from cocoon.evaluation.text.tokens import tokens

SHORT: dict[Language, tuple[str, ...]] = {"en": ("Yes.", "I see.", "Right."), "zh": ("嗯。", "是的。", "对。")}
TEMPLATE: dict[Language, str] = {
    "en": "I feel that {} is hard for me because of {} and that makes me sad.",
    "zh": "我觉得{}对我来说很难，因为{}让我很难过。",
}


def with_user_turns(dialogue: Dialogue, texts: Sequence[str]) -> Dialogue:
    """The dialogue with other words of the user."""
    new = iter(texts)
    turns = [
        Turn(role=turn.role, content=next(new) if turn.role == "user" else turn.content) for turn in dialogue.turns
    ]
    return dialogue.model_copy(update={"turns": turns})


def said_by_user(dialogue: Dialogue) -> list[str]:
    return [turn.content for turn in dialogue.turns if turn.role == "user"]


def verbose(dialogues: Sequence[Dialogue]) -> list[Dialogue]:
    """Every turn goes on with what two other people said."""
    others = cycle(text for dialogue in dialogues for text in said_by_user(dialogue) if len(text) > 30)
    return [
        with_user_turns(one, [f"{text} {next(others)} {next(others)}" for text in said_by_user(one)])
        for one in dialogues
    ]


def instantly_open(dialogues: Sequence[Dialogue]) -> list[Dialogue]:
    """The first turn says most of what the talk has, and the others say next to nothing."""
    opened = []
    for dialogue in dialogues:
        texts = said_by_user(dialogue)
        first = " ".join(texts[: 1 + len(texts) * 2 // 3])
        rest = cycle(SHORT[dialogue.language])
        opened.append(with_user_turns(dialogue, [first, *(next(rest) for _ in texts[1:])]))
    return opened


def template(dialogues: Sequence[Dialogue]) -> list[Dialogue]:
    """Every turn is one sentence with two words of the turn filled in."""

    def filled(text: str, language: Language) -> str:
        words = [token for token in tokens(text) if token.isalnum()] or ["it"]
        return TEMPLATE[language].format(max(words, key=len), words[-1])

    return [with_user_turns(one, [filled(text, one.language) for text in said_by_user(one)]) for one in dialogues]


def role_inverted(dialogues: Sequence[Dialogue]) -> list[Dialogue]:
    """The user speaks the supporter's words, and the supporter the user's."""
    return [
        one.model_copy(
            update={
                "turns": [
                    Turn(role="user" if turn.role == "supporter" else "supporter", content=turn.content)
                    for turn in one.turns
                ]
            }
        )
        for one in dialogues
    ]


PLANTED = {"verbose": verbose, "instantly open": instantly_open, "template": template, "role-inverted": role_inverted}
TOLD_BY = {
    "verbose": {"first_third", "middle_third", "last_third"},
    "instantly open": {"told_early", "growth"},
    "template": {"same_opening", "variation", "own_words"},
    "role-inverted": {"counsels"},
}
"""The measures by which each planted user has to be seen, at least one of them."""


def measured(dialogues: Sequence[Dialogue]) -> list[MeasuredTalk]:
    return [
        MeasuredTalk(one.id, "s", one.language, measure_talk(talk_of(one.turns, one.language))) for one in dialogues
    ]


def people_of(talks: Sequence[MeasuredTalk]) -> PeopleFigures:
    return PeopleFigures(
        talks=len(talks), values={name: [talk.values[name] for talk in talks] for name in talks[0].values}
    )


def against(ours: Sequence[MeasuredTalk], theirs: Sequence[MeasuredTalk]) -> Likeness:
    return likeness_of(ours, people_of(theirs))


def split(talks: Sequence[MeasuredTalk], size: int, seed: int) -> tuple[list[MeasuredTalk], list[MeasuredTalk]]:
    """A set of `size` talks drawn at random, and the rest."""
    order = random.Random(seed).sample(list(talks), len(talks))
    return order[:size], order[size:]


STARTS, ENDS = "bdfgklmnprst", ("alen", "ore", "isk", "undy", "amper", "elos", "ittle", "ow", "ard", "eemen", "olling")
VOCABULARY = [f"{start}{end}" for start in STARTS for end in ENDS]


def people_of_chance(number: int, seed: int = 1) -> list[Dialogue]:
    """Talks of words that mean nothing. Their users say most at first, ask now and then, and are not alike."""
    rng = random.Random(seed)
    dialogues = []
    for name in range(number):
        talkative, asking = rng.lognormvariate(2.6, 0.5), rng.betavariate(1, 8)
        turns: list[Turn] = []
        for turn in range(rng.randint(6, 14)):
            length = max(1, round(rng.lognormvariate(0, 0.7) * talkative * (1.5 if turn < 3 else 0.9)))
            words = " ".join(rng.choices(VOCABULARY, k=length))
            hedge = "Maybe " if rng.random() < 0.2 else ""
            turns.append(Turn(role="user", content=f"{hedge}{words}{'?' if rng.random() < asking else '.'}"))
            asked = rng.choice(["What happened then?", "You should rest.", "It sounds like you are tired."])
            turns.append(Turn(role="supporter", content=f"{' '.join(rng.choices(VOCABULARY, k=6))}. {asked}"))
        profile = Profile(id=str(name), language="en", feeling="")
        dialogues.append(Dialogue(id=str(name), profile=profile, supporter="s", language="en", turns=turns))
    return dialogues
