"""Whether the credit curve of a talk finds the reply that mattered: a planted one, among replies that do nothing.

Run with `python -m cocoon.benchmarks.credit [--profiles N]`. Real graphs, journal and branches, the rule appraiser, a
scripted user, no model. In each talk the supporter listens, and in one round, another one in each talk, it does what is
planted: names the need, or presses. The futures are made by a supporter that by chance names the last wish but one,
and then the need, so that what comes of them varies. (One that names the need at once never opens a person of two
wishes under `attuned`: all futures are alike then, and nothing is to be found.) Found: the planted round has the
greatest credit of the talk, in the sense of the plant. Talks of which all futures come out alike are counted too.

Covered: futures with a known difference of means, as shares of a chain of four, and how often Welch's interval of their
contrast holds it.
"""

import argparse
import json
import random
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

import cocoon
from cocoon.agents.protocols import SupporterView, Utterance
from cocoon.core.config import TrustRules
from cocoon.core.jsonl import read_records
from cocoon.core.outside.profile_files import profile_path
from cocoon.core.records import AgentFacts, Profile
from cocoon.models.client import JournaledClient
from cocoon.studies.branches.credit import credit_curve, mean_contrast
from cocoon.studies.branches.run import read_futures

Plant = Literal["names the need", "presses"]
ROUNDS = 8
LISTENS = {"en": "I am listening, {}.", "zh": "我在听，{}。"}
PRESSES = {"en": "Come on, just tell me, you have to be honest.", "zh": "你必须老实说清楚，赶紧快说。"}
CASES: Sequence[tuple[Plant, TrustRules, int, float]] = (
    ("names the need", "naming", 16, 0.1),
    ("presses", "naming", 24, 0.3),
    ("presses", "attuned", 24, 0.3),
)
"""What is planted, under which trust rules, how many futures each round has, and how often these name a layer."""


@dataclass(frozen=True)
class Planted:
    """Listens, and in one round of each talk does what is planted."""

    plant: Plant
    people: Mapping[str, Profile]
    name: str = "planted"

    async def speak(self, client: JournaledClient, view: SupporterView) -> Utterance:
        """Return the reply of this round."""
        profile = person_of(client, self.people)
        if view.round != planted_round(profile.id):
            return Utterance(content=LISTENS[view.language].format(view.round))
        return Utterance(content=(profile.need or "") if self.plant == "names the need" else PRESSES[view.language])

    def facts(self) -> AgentFacts:
        """Return its name."""
        return AgentFacts(name=self.name, kind="planted", settings={"plant": self.plant})


@dataclass(frozen=True)
class Wanders:
    """Names the last wish but one in some rounds, by chance, then the need, and listens in the others."""

    people: Mapping[str, Profile]
    share: float
    name: str = "wanders"

    async def speak(self, client: JournaledClient, view: SupporterView) -> Utterance:
        """Return the reply of this round, drawn by the place of the call."""
        draw, profile = random.Random(f"{client.place}"), person_of(client, self.people)
        if draw.random() < self.share:
            needs = [step.need for step in profile.chain]
            named = sum(turn.content in needs for turn in view.turns if turn.role == "supporter")
            return Utterance(content=needs[min(max(0, len(needs) - 2) + named, len(needs) - 1)])
        return Utterance(content=LISTENS[view.language].format(view.round))

    def facts(self) -> AgentFacts:
        """Return its name."""
        return AgentFacts(name=self.name, kind="wanders", settings={"share": str(self.share)})


def person_of(client: JournaledClient, people: Mapping[str, Profile]) -> Profile:
    """Return the person of the dialogue that is being made."""
    return people[client.place.dialogue.partition(".")[0]]


def planted_round(profile: str) -> int:
    """Return the round of the plant in a person's talk, 2 to 4."""
    return 2 + random.Random(profile).randrange(3)


def people_of(count: int) -> dict[str, Profile]:
    """Return the shipped profiles, and again under other ids where more are wanted."""
    shipped = [profile for path in profile_path("shipped") for profile in read_records(path, Profile)]
    chosen = [shipped[number % len(shipped)] for number in range(count)]
    people = [profile.model_copy(update={"id": f"p{number}"}) for number, profile in enumerate(chosen)]
    return {profile.id: profile for profile in people}


def talks_found(
    folder: Path, plant: Plant, rules: TrustRules, profiles: int, samples: int, share: float
) -> tuple[int, int]:
    """Return in how many talks the planted round has the greatest credit, and of how many all futures are alike."""
    people = people_of(profiles)
    (folder / "user.jsonl").write_text("\n".join(map(json.dumps, ["Hm. It was a long day.", "I do not know."])) + "\n")
    run = cocoon.simulate(
        profiles=list(people.values()),
        supporter={"planted": Planted(plant, people)},
        user=f"scripted:{folder / 'user.jsonl'}",
        rounds=ROUNDS,
        out=folder / "talks",
        progress=False,
        appraiser="rule",
        difficulty="easy",
        rules=rules,
        options={"form_pairs": 0},
    )
    wanders = {"wanders": Wanders(people, share)}
    cocoon.branch(run, turn="every", supporter=wanders, samples=samples, out=folder / "futures", progress=False)
    futures, _ = read_futures(folder / "futures", folder / "talks")
    sign = 1.0 if plant == "names the need" else -1.0
    found = alike = 0
    for talk in {future.parent for future in futures}:
        curve = credit_curve(futures, talk, "wanders", "Disclosed")
        alike += not any(estimate.value for estimate in curve.values())
        best = max(curve, key=lambda number: sign * (curve[number].value or 0.0))
        found += best == planted_round(talk.partition(".")[0])
    return found, alike


def share_covered(samples: int, draws: int = 4_000) -> float:
    """Return how often the interval of a contrast of futures holds the known difference of their means."""
    rng, held = np.random.default_rng(21), 0
    first, second = np.array([0.1, 0.2, 0.3, 0.4]), np.array([0.3, 0.3, 0.2, 0.2])
    layers = np.array([0.25, 0.5, 0.75, 1.0])
    truth = float(first @ layers - second @ layers)
    for _ in range(draws):
        sides = [rng.choice(layers, samples, p=chances).tolist() for chances in (first, second)]
        estimate = mean_contrast(*sides)
        held += estimate.low is not None and estimate.high is not None and estimate.low <= truth <= estimate.high
    return held / draws


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--profiles", type=int, default=40)
    options = parser.parse_args()
    for plant, rules, samples, share in CASES:
        with tempfile.TemporaryDirectory() as folder:
            found, alike = talks_found(Path(folder), plant, rules, options.profiles, samples, share)
        kept = f"{samples} futures a round, {alike} talks alike"
        print(f"{plant}, rules {rules}: found in {found} of {options.profiles} talks ({kept})", flush=True)
    for samples in (4, 8, 16):
        print(f"Welch's interval, {samples} futures a side: holds the difference in {share_covered(samples):.3f}")


if __name__ == "__main__":
    main()
