"""Rounds until the guarded user's chain opens, under each preset and rule set, for supporters of six kinds.

Run with `python -m cocoon.benchmarks.disclosure [--rounds N] [--rules attuned|naming|listening]`. Real graphs, the
shipped profiles, the rule appraiser, scripted supporters and a scripted user. The user says a wish when it has just
opened, and otherwise one more sentence of what its prompt holds. No model is needed, and the table is the same every
time.

A cell is the median round over the profiles (- where most never got there) and the share of profiles that did.
Round r is the user's answer to the supporter's r-th turn, the opening being turn 1: nothing can open before round 2.
"""

import argparse
import asyncio
import math
import re
import statistics
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from langchain_core.messages import BaseMessage

from cocoon.agents.supporters.supporter import PromptedSupporter
from cocoon.agents.users.appraiser import RuleAppraiser
from cocoon.agents.users.guarded import GuardedUser
from cocoon.agents.users.trust import PRESETS, RULES, TrustGate
from cocoon.core.config import TrustRules
from cocoon.core.jsonl import read_records
from cocoon.core.records import Profile, Turn
from cocoon.graphs.context import ConversationContext
from cocoon.graphs.conversation import conversation_of, recursion_limit
from cocoon.models.by_name import Models
from cocoon.models.calls import Caller
from cocoon.models.journal.store import Journal
from cocoon.models.scripted import ScriptedChat

PROFILES = Path(__file__).resolve().parent.parent / "examples" / "profiles"
QUESTIONS = {
    "en": ["What was that like for you?", "How has it been since then?", "What goes through you when you think of it?"],
    "zh": ["那时候你是什么样的感受？", "从那以后，这些日子过得怎么样？", "想起这件事的时候，你心里是什么滋味？"],
}
ADVICE = {
    "en": [
        "You should try to get more sleep.",
        "Why not make a list and start with one thing?",
        "Try a cup of warm milk.",
    ],
    "zh": ["你应该多休息。", "不如列个清单，先做一件事。", "试试找朋友聊一聊。"],
}
# What each kind of supporter says in its reply number n (from 1) to a user's words, given the user's profile.
Says = Callable[[int, str, Profile], str]


def reflects(number: int, heard: str, profile: Profile) -> str:
    """The user's own words, said back."""
    del number, profile
    return heard


def asks_openly(number: int, heard: str, profile: Profile) -> str:
    """Gentle open questions, in turn."""
    del heard
    return QUESTIONS[profile.language][number % 3]


def names_deeper(number: int, heard: str, profile: Profile) -> str:
    """Reflects, and at every second turn names the next wish of the chain, from the surface down."""
    step = number // 2 - 1
    return profile.chain[step].need if number % 2 == 0 and step < len(profile.chain) else heard


def names_the_need(number: int, heard: str, profile: Profile) -> str:
    """Says the deepest wish at once, and again."""
    del number, heard
    return profile.chain[-1].need


def presses(number: int, heard: str, profile: Profile) -> str:
    """Insists."""
    del number, heard, profile
    return "You must tell me. 快说。"


def advises(number: int, heard: str, profile: Profile) -> str:
    """Says what to do."""
    del heard
    return ADVICE[profile.language][number % 3]


SUPPORTERS: dict[str, Says] = {
    "reflects exactly": reflects,
    "asks open questions": asks_openly,
    "names step by step": names_deeper,
    "names the need at once": names_the_need,
    "presses": presses,
    "advises": advises,
}


def supporter_chat(says: Says, profile: Profile) -> ScriptedChat:
    """A scripted supporter: counts its own turns in what it is shown, the opening left out."""

    def script(messages: list[BaseMessage], options: dict[str, Any]) -> str:
        del options
        number = sum(message.type == "ai" for message in messages)
        return says(number, str(messages[-1].content), profile)

    return ScriptedChat(script=script)


def user_chat(profile: Profile) -> ScriptedChat:
    """A scripted user: says the deepest wish that is new in its prompt, else the next sentence that is open to it."""
    needs = [step.need for step in profile.chain]
    said = {needs[0]}

    def script(messages: list[BaseMessage], options: dict[str, Any]) -> str:
        del options
        # Its own prompt and note: the words of the supporter tell it nothing new of itself.
        prompt = f"{messages[0].content}\n{str(messages[-1].content).partition('<note>')[2]}"
        open_events = [memory.text for memory in profile.memory if memory.text in prompt]
        sentences = [
            part.strip() for text in open_events for part in re.split(r"(?<=[.!?。！？])", text) if part.strip()
        ]
        new = [need for need in needs if need in prompt and need not in said]
        words = new[-1] if new else next((part for part in sentences if part not in said), profile.feeling)
        said.update((*new, words))
        return words

    return ScriptedChat(script=script)


async def converse(profile: Profile, says: Says, gate: TrustGate, rounds: int) -> list[Turn]:
    """One conversation's turns."""
    models = Models()
    speaker = models.wrap("supporter", supporter_chat(says, profile))
    user = GuardedUser(models.wrap("user", user_chat(profile)), RuleAppraiser(), gate)
    with tempfile.TemporaryDirectory() as folder:
        journal = Journal(Path(folder) / "journal.sqlite")
        caller = Caller(journal)
        caller.admit(profile.id)
        context = ConversationContext(caller, PromptedSupporter("s", speaker), user, rounds)
        given = {"dialogue": profile.id, "profile": profile.model_dump(mode="json"), "turns": []}
        graph = conversation_of(user)
        made = await graph.ainvoke(given, {"recursion_limit": recursion_limit(rounds)}, context=context)
        journal.close()
    return [Turn.model_validate(turn) for turn in made["turns"]]


def opened_at(turns: Sequence[Turn], node: int) -> float:
    """The round in which a chain node, counted from the need (0) upwards, is open; infinity for never."""
    states = [turn.state for turn in turns if turn.state is not None]
    return next((number for number, state in enumerate(states, 1) if node in state.unlocked), math.inf)


def cell(rounds: Sequence[float]) -> str:
    """Median and share, as `4 (100%)`."""
    median = statistics.median(rounds)
    share = sum(math.isfinite(one) for one in rounds) / len(rounds)
    return f"{median:g} ({share:.0%})" if math.isfinite(median) else f"- ({share:.0%})"


def shipped_profiles() -> list[Profile]:
    """The profiles of `examples/profiles`, in both languages."""
    return [profile for file in sorted(PROFILES.glob("*.jsonl")) for profile in read_records(file, Profile)]


@dataclass(frozen=True)
class Disclosure:
    """What one supporter got out of every profile, one element a profile. `needs` are rounds, infinite for never."""

    middles: list[float]
    needs: list[float]
    ruptured: list[bool]
    left: list[bool]

    def row(self, difficulty: str, name: str) -> str:
        """Return a line of the table."""
        counts = [f"{sum(flags)}/{len(flags)}" for flags in (self.ruptured, self.left)]
        return f"| {difficulty} | {name} | {cell(self.middles)} | {cell(self.needs)} | {' | '.join(counts)} |"


async def disclosure(name: str, gate: TrustGate, profiles: Sequence[Profile], rounds: int = 12) -> Disclosure:
    """Have a supporter talk with every profile, and return when the layers opened, what broke and who left."""
    talks = [(profile, await converse(profile, SUPPORTERS[name], gate, rounds)) for profile in profiles]
    return Disclosure(
        middles=[opened_at(turns, 1) for profile, turns in talks if len(profile.chain) > 2],
        needs=[opened_at(turns, len(profile.chain) - 1) for profile, turns in talks],
        ruptured=[any(turn.state is not None and turn.state.ruptured for turn in turns) for _, turns in talks],
        left=[turns[-1].role == "user" for _, turns in talks],
    )


async def table(rules: TrustRules, rounds: int) -> str:
    """The whole table, as Markdown."""
    head = ["| user | supporter | middle wish opens | need opens | rupture | left |", "| --- " * 6 + "|"]
    rows = [
        (await disclosure(name, TrustGate(difficulty, rules), shipped_profiles(), rounds)).row(difficulty, name)
        for difficulty in PRESETS
        for name in SUPPORTERS
    ]
    return "\n".join([*head, *rows])


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description="Rounds until the guarded user's chain opens.")
    parser.add_argument("--rounds", type=int, default=12)
    parser.add_argument("--rules", choices=[rules for rules in RULES if rules != "neutral"], default="attuned")
    arguments = parser.parse_args()
    print(asyncio.run(table(arguments.rules, arguments.rounds)))


if __name__ == "__main__":
    main()
