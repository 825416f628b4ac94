"""Rounds until the guarded user's chain opens, under each preset, for supporters of four kinds.

Run with `python -m cocoon.benchmarks.disclosure [--rounds N] [--rules neutral|listening] [--talkative]`. Real graphs,
the shipped profiles, the rule appraiser, scripted supporters and a scripted user that says a wish once it has just
opened (`--talkative`: and its first wish in its first words). No model is needed; the same table every time.

A cell is the median round over the profiles (- where most never got there) and the share of profiles that did.
Round r is the user's answer to the supporter's r-th turn, the opening being turn 1: nothing can open before round 2.
"""

import argparse
import asyncio
import math
import statistics
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from langchain_core.messages import BaseMessage

from cocoon.agents.supporters.supporter import PromptedSupporter
from cocoon.agents.users.appraiser import RuleAppraiser
from cocoon.agents.users.guarded import GuardedUser
from cocoon.agents.users.trust import PRESETS, Difficulty, Rules, TrustGate
from cocoon.core.jsonl import read_records
from cocoon.core.records import Profile, Turn
from cocoon.graphs.context import ConversationContext
from cocoon.graphs.conversation import conversation_of, recursion_limit
from cocoon.models.by_name import Models
from cocoon.models.calls import Caller
from cocoon.models.journal.store import Journal
from cocoon.models.scripted import ScriptedChat

PROFILES = Path(__file__).resolve().parent.parent / "examples" / "profiles"
SHY = {"en": "It is nothing much.", "zh": "没什么。"}
# What each kind of supporter says in its reply number n (from 1) to a user's words, given the profile's needs.
Says = Callable[[int, str, Sequence[str]], str]


def names_nothing(number: int, heard: str, needs: Sequence[str]) -> str:
    """The same kind words each time."""
    del number, heard, needs
    return "..."


def reflects(number: int, heard: str, needs: Sequence[str]) -> str:
    """The user's own words, said back."""
    del number, needs
    return heard


def names_deeper(number: int, heard: str, needs: Sequence[str]) -> str:
    """Reflects, and at every second turn names the next wish of the chain, from the surface down."""
    step = number // 2 - 1
    return needs[step] if number % 2 == 0 and step < len(needs) else heard


def presses(number: int, heard: str, needs: Sequence[str]) -> str:
    """Insists."""
    del number, heard, needs
    return "You must tell me. 快说。"


SUPPORTERS: dict[str, Says] = {
    "names nothing": names_nothing,
    "reflects only": reflects,
    "one deeper each 2nd turn": names_deeper,
    "presses": presses,
}


def supporter_chat(says: Says, needs: Sequence[str]) -> ScriptedChat:
    """A scripted supporter: counts its own turns in what it is shown, the opening left out."""

    def script(messages: list[BaseMessage], options: dict[str, Any]) -> str:
        del options
        number = sum(message.type == "ai" for message in messages)
        return says(number, str(messages[-1].content), needs)

    return ScriptedChat(script=script)


def user_chat(needs: Sequence[str], shy: str, talkative: bool) -> ScriptedChat:
    """A scripted user: says the deepest wish that its prompt holds when it is new there, else next to nothing."""
    said: set[str] = set() if talkative else {needs[0]}

    def script(messages: list[BaseMessage], options: dict[str, Any]) -> str:
        del options
        new = [need for need in needs if need in str(messages[0].content) and need not in said]
        said.update(new)
        return new[-1] if new else shy

    return ScriptedChat(script=script)


async def converse(profile: Profile, says: Says, gate: TrustGate, rounds: int, talkative: bool) -> list[Turn]:
    """One conversation's turns."""
    needs = [step.need for step in profile.chain]
    models = Models()
    speaker = models.wrap("supporter", supporter_chat(says, needs))
    user = GuardedUser(models.wrap("user", user_chat(needs, SHY[profile.language], talkative)), RuleAppraiser(), gate)
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


async def row(name: str, difficulty: Difficulty, rules: Rules, rounds: int, talkative: bool) -> str:
    """One line of the table: when the middle wish and the need opened, and how many users left."""
    profiles = [one for file in sorted(PROFILES.glob("*.jsonl")) for one in read_records(file, Profile)]
    gate = TrustGate(difficulty, rules)
    talks = [(one, await converse(one, SUPPORTERS[name], gate, rounds, talkative)) for one in profiles]
    needs = [opened_at(turns, len(profile.chain) - 1) for profile, turns in talks]
    middles = [opened_at(turns, 1) for profile, turns in talks if len(profile.chain) > 2]
    left = sum(turns[-1].role == "user" for _, turns in talks)
    return f"| {difficulty} | {name} | {cell(middles)} | {cell(needs)} | {left}/{len(talks)} |"


async def table(rules: Rules, rounds: int, talkative: bool) -> str:
    """The whole table, as Markdown."""
    head = ["| user | supporter | middle wish opens | need opens | left |", "| --- | --- | --- | --- | --- |"]
    rows = [await row(name, difficulty, rules, rounds, talkative) for difficulty in PRESETS for name in SUPPORTERS]
    return "\n".join([*head, *rows])


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description="Rounds until the guarded user's chain opens.")
    parser.add_argument("--rounds", type=int, default=12)
    parser.add_argument("--rules", choices=["neutral", "listening"], default="neutral")
    parser.add_argument("--talkative", action="store_true")
    arguments = parser.parse_args()
    print(asyncio.run(table(arguments.rules, arguments.rounds, arguments.talkative)))


if __name__ == "__main__":
    main()
