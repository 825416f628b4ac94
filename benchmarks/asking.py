"""Whether the study of asking finds a known effect, at the number of people that the power calculation says.

Run with `python -m cocoon.benchmarks.asking [--studies N]`. Supporter and writer of the moves are the benchmark
endpoint, over HTTP. The simulated user is scripted: after a turn that asks, trust rises less and a layer opens less
often than after one that says the same, by known amounts, and people and turns differ by chance. A pilot of 20 people
gives the spread and noise from which the number of people is planned, for a power of 0.8 at the true effect. Then each
study has so many people of its own. Printed: how often the sign is right, how often the interval holds the true effect,
and how often the test finds it.

The true effects on what opens are computed for every fork from the number of layers that are still closed.
"""

import argparse
import asyncio
import random
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from math import comb
from pathlib import Path
from statistics import fmean

import cocoon
from cocoon.agents.protocols import Memory, UserView, Utterance
from cocoon.benchmarks.credit import people_of
from cocoon.benchmarks.endpoint.server import serve
from cocoon.benchmarks.endpoint.settings import Settings
from cocoon.core.records import AgentFacts, Dialogue, Failure, Profile, UserState
from cocoon.evaluation.questions.detection import asks
from cocoon.evaluation.statistics.power import people_within_talks
from cocoon.models.client import JournaledClient
from cocoon.running.folder import read_run
from cocoon.studies.asking.effects import AskingEffect, asking_effects
from cocoon.studies.branches.run import read_futures

ROUNDS, TURNS, FUTURES, PILOT = 4, 2, 2, 20
TRUST, SPREAD, NOISE = {True: 0.6, False: 1.0}, 0.2, 0.5
OPENS = {True: 0.1, False: 0.35}
"""After a turn that asks, and after one that does not: the mean rise of trust, and the chance that a layer opens."""
Effects = Mapping[str, tuple[AskingEffect, float]]
"""What a study found of each outcome, and the truth."""


class KnownUser:
    """Opens up by chance, less after a question."""

    def first_memory(self, profile: Profile) -> Memory:
        """Return no trust, and the first layer open."""
        del profile
        return {"trust": 0.0, "opened": 1}

    async def respond(self, client: JournaledClient, view: UserView, memory: Memory) -> tuple[Utterance, Memory]:
        """Return the next answer, drawn by the place of the call."""
        asked, draw, layers = asks(view.last, view.language), random.Random(f"{client.place}"), len(view.profile.chain)
        own = random.Random(view.profile.id).gauss(0.0, SPREAD) if asked else 0.0
        before = memory or self.first_memory(view.profile) or {}
        trust = float(str(before["trust"])) + TRUST[asked] + own + draw.gauss(0.0, NOISE)
        first = int(str(before["opened"]))
        opened = first + (first < layers and draw.random() < OPENS[asked])
        nodes = list(range(opened))
        state = UserState(trust=trust, unlocked=nodes, newly=nodes[first:], memories=[])
        words = {"en": "It was like that, {}.", "zh": "就是那样，{}。"}[view.language]
        return Utterance(content=words.format(draw.randrange(10_000)), state=state), {"trust": trust, "opened": opened}

    def facts(self) -> AgentFacts:
        """Return its name."""
        return AgentFacts(name="known", kind="known")


@dataclass
class Tally:
    """What came of some studies in one outcome."""

    studies: int = 0
    right: int = 0
    held: int = 0
    found: int = 0

    def add(self, effect: AskingEffect, truth: float) -> None:
        """Count a study."""
        difference = effect.difference
        self.studies += 1
        self.right += difference.value is not None and difference.value * truth > 0
        self.held += difference.low is not None and difference.high is not None
        self.held -= difference.low is not None and not difference.low <= truth <= (difference.high or 0.0)
        self.found += effect.p is not None and effect.p < 0.05


def truths_of(futures: Iterable[Dialogue]) -> dict[str, float]:
    """Return the true mean differences over the forks of each person, by outcome."""
    forks: dict[str, dict[str, tuple[float, float, float]]] = defaultdict(dict)
    for future in futures:
        at, layers = future.branched_at or 0, len(future.profile.chain)
        state = future.turns[at - 1].state
        closed = layers - (len(state.unlocked) if state else 1)
        later = sum(turn.role == "user" for turn in future.turns[at + 2 :])
        gain = [_expected_layers(closed, OPENS[asked], later) for asked in (True, False)]
        now = OPENS[True] - OPENS[False] if closed else 0.0
        forks[future.profile.id][f"{future.parent}@{at}"] = (
            TRUST[True] - TRUST[False],
            now,
            (gain[0] - gain[1]) / layers,
        )
    people = [[fmean(column) for column in zip(*of_person.values(), strict=True)] for of_person in forks.values()]
    means = [fmean(column) for column in zip(*people, strict=True)]
    return dict(zip(("Next trust", "Next opened", "Disclosed"), means, strict=True))


def _expected_layers(closed: int, chance: float, later: int) -> float:
    """Return how many of the closed layers open by one turn with this chance and `later` turns that say."""
    usual, expected = OPENS[False], 0.0
    for number in range(later + 1):
        share = comb(later, number) * usual**number * (1 - usual) ** (later - number)
        expected += share * (chance * min(closed, number + 1) + (1 - chance) * min(closed, number))
    return expected


def people_named(prefix: str, count: int) -> dict[str, Profile]:
    """Return people whose ids begin with a prefix, so that each study draws its own."""
    people = {f"{prefix}{name}": profile for name, profile in people_of(count).items()}
    return {name: profile.model_copy(update={"id": name}) for name, profile in people.items()}


async def make_study(url: str, people: Mapping[str, Profile], ends: Counter[str]) -> Effects:
    """Make one study, and return its effects beside the truth. `ends` counts how its branches ended."""
    model = f"{url}#bench"
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        run = await cocoon.simulate_async(
            profiles=list(people.values()),
            supporter={"endpoint": model},
            user=KnownUser(),
            rounds=ROUNDS,
            out=folder / "talks",
            progress=False,
        )
        agents = {"supporter": {"endpoint": model}, "user": KnownUser(), "writer": model}
        await cocoon.asking_async(run, out=folder / "asking", turns=TURNS, samples=FUTURES, progress=False, **agents)
        out = folder / "asking" / "rules" / "as-it-is"
        futures = list(read_run(out, "dialogues.jsonl", Dialogue))
        ends.update(["made"] * len(futures) + ["missing"] * sum(1 for _ in read_run(out, "failures.jsonl", Failure)))
        found = {effect.outcome: effect for effect in asking_effects(read_futures(out, folder / "talks")[1])}
    return {outcome: (found[outcome], truth) for outcome, truth in truths_of(futures).items()}


def people_needed(pilot: Effects) -> dict[str, int]:
    """Return the people that a power of 0.8 needs at the true effect, with the spread and noise of a pilot."""
    designs = {
        name: replace(effect.design, difference=truth) for name, (effect, truth) in pilot.items() if effect.design
    }
    return {name: people_within_talks(design) or 0 for name, design in designs.items()}


async def run_studies(studies: int) -> None:
    """Print the table."""
    tallies: dict[str, Tally] = defaultdict(Tally)
    ends: Counter[str] = Counter()
    async with serve(Settings(answer_bytes=120)) as endpoint:
        needed = people_needed(await make_study(endpoint.url, people_named("pilot", PILOT), ends))
        print(f"people for a power of 0.8, after a pilot of {PILOT}: {needed}", flush=True)
        for number in range(studies):
            for name, count in needed.items():
                people = people_named(f"{name.replace(' ', '')}{number}x", count)
                effect, truth = (await make_study(endpoint.url, people, ends))[name]
                tallies[name].add(effect, truth)
                print(f"{number} {name}: {effect.difference.value or 0:+.3f} (true {truth:+.3f})", flush=True)
    for name, tally in tallies.items():
        print(
            f"{name}, {needed[name]} people: sign right in {tally.right} of {tally.studies}, "
            f"interval holds the truth in {tally.held}, found at 5 % in {tally.found}"
        )
    print(f"branches: {dict(ends)}")


def main() -> None:
    """Make the studies."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--studies", type=int, default=20)
    asyncio.run(run_studies(parser.parse_args().studies))


if __name__ == "__main__":
    main()
