"""What `cocoon script` makes: one dialogue a profile, and which of them the rating of their listening lets pass."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from langgraph.graph.state import CompiledStateGraph

from cocoon.agents.judges.judges import JudgeSettings, ScaleJudge
from cocoon.agents.writers.scripts import READINGS, RULED, ScriptWriter, WriterRules
from cocoon.core.errors import CocoonError
from cocoon.core.extras import install_line
from cocoon.core.prompts import prompt_shas
from cocoon.core.records import Dialogue, Profile, Rating, Record
from cocoon.evaluation.scales.scoring import Scale, load_scale
from cocoon.evaluation.screen.screen import ScreenRules
from cocoon.evaluation.text.static_embedding import available
from cocoon.graphs.script.graph import build_script
from cocoon.graphs.script.state import ScriptContext, dialogue_of
from cocoon.models.by_name import Models
from cocoon.models.calls import Caller
from cocoon.running.building.config import ScriptConfig
from cocoon.running.building.generation import Generator, Item
from cocoon.running.building.profiles import askers

LOW = "low_aels"
AELS = "aels"
PROMPTS = [f"script/{name}" for name in ("check", "restate", "fault", *READINGS, "annotate")]


@dataclass(frozen=True)
class Cut:
    """A threshold on the mean of the AELS subscales (1 to 7), and how many dialogues lie below it."""

    below: float
    dropped: int


@dataclass
class ScriptGenerator(Generator):
    """Writes a dialogue for every profile that has a need. `aels` is the scale on which its listening is rated."""

    config: ScriptConfig
    models: Models
    profiles: Sequence[Profile]
    aels: Scale = field(default_factory=lambda: load_scale(AELS))
    stage = "script"
    kept = "dialogues.jsonl"
    kind = Dialogue
    late = frozenset({LOW})

    def __post_init__(self) -> None:
        lacking = next((profile for profile in self.profiles if profile.need is None), None)
        if lacking is not None:
            raise CocoonError(f"profile {lacking.id!r} has no need: a script is written towards one; leave it out")
        if self.config.semantic == "static" and not available():
            raise CocoonError(f"-o semantic=static needs word vectors; install them with `{install_line('screen')}`")

    @property
    def recursion_limit(self) -> int:
        """Steps that one dialogue can take, with room to spare."""
        return 4 * self.config.pieces + 20

    @property
    def semantic(self) -> bool:
        """Whether the screen compares meanings too: where the word vectors are installed, unless told otherwise."""
        return self.config.semantic != "none" and available()

    def items(self) -> list[Item]:
        """One item a profile, in their order."""
        return [
            Item(name, {"item": name, "profile": profile.model_dump(mode="json"), "turns": []})
            for profile in self.profiles
            for name in [f"{profile.id}.script.0"]
        ]

    def graph(self) -> CompiledStateGraph[Any, Any, Any, Any]:
        """Return the script graph."""
        return build_script()

    def context(self, caller: Caller) -> ScriptContext:
        """Writer, rater, judge and rules."""
        config = self.config
        writer, rater = askers(config, self.models)
        shared = JudgeSettings(rater.model, rater.settings, rater.floor, rater.folder)
        rules = ScreenRules(
            minimum_rounds=config.minimum_rounds,
            minimum_turns=config.minimum_turns,
            rewrite=config.rewrite,
            semantic=self.semantic,
            doubtful=config.semantic != "none",
            prompts=writer.folder,
        )
        judge = ScaleJudge(shared, self.aels)
        agent = ScriptWriter(writer, rater, config.writer_rules)
        return ScriptContext(
            caller,
            agent,
            judge,
            rules,
            exchanges=config.exchanges,
            pieces=config.pieces,
            suggestions=config.suggestions,
            screen_pieces=config.screen_pieces,
        )

    def made(self, item: Item, state: Mapping[str, Any]) -> Record:
        """Return the dialogue with its ratings, analysis and the screen's remarks as facts."""
        rating = Rating.model_validate(state["rating"])
        facts: dict[str, Any] = {f"{AELS}_{name}": value for name, value in rating.dimensions.items()}
        facts[AELS] = _mean(rating)
        facts["screen"] = "lexical, semantic" if self.semantic else "lexical"
        facts["writer_rules"] = self.config.writer_rules
        remarks = sorted({finding["kind"] for finding in state.get("findings", [])})
        facts |= {"remarks": ", ".join(remarks)} if remarks else {}
        facts |= {"analysis": steps} if (steps := _steps(state.get("analysis", {}))) else {}
        dialogue = dialogue_of({**state, "item": item.id})
        bare = sum(turn.role == "supporter" and turn.thought is None for turn in dialogue.turns[1:])
        facts |= {"not_annotated": bare} if bare else {}
        return dialogue.model_copy(update={"facts": facts})

    def cuts(self, records: Sequence[Dialogue]) -> dict[str, Cut]:
        """Return both thresholds on these dialogues, whichever of them is applied."""
        scores = sorted(float(record.facts[AELS] or 0.0) for record in records)
        cut_index = int(self.config.aels_share * len(scores))
        share = scores[cut_index] if scores else 0.0
        below = {"share": share, "mean": self.config.aels_mean}
        return {name: Cut(value, sum(score < value for score in scores)) for name, value in below.items()}

    def sieve(self, records: Sequence[Dialogue], folder: Path) -> dict[str, tuple[str, str]]:
        """Return the dialogues whose listening was rated below the threshold. Equal scores at the edge are kept."""
        del folder
        below = self.cuts(records)[self.config.threshold].below
        return {
            record.id: (LOW, f"mean of the AELS subscales {record.facts[AELS]:.3f}, threshold {below:.3f}")
            for record in records
            if float(record.facts[AELS] or 0.0) < below
        }

    def notes(self, records: Sequence[Dialogue]) -> list[str]:
        """Return both thresholds in one line."""
        cuts = self.cuts(records)
        thresholds = [
            f"{name} {cut.below:.3f} drops {cut.dropped}{' (applied)' if name == self.config.threshold else ''}"
            for name, cut in cuts.items()
        ]
        notes = [f"AELS thresholds over {len(records)} rated dialogues: {', '.join(thresholds)}"] if records else []
        unannotated = [int(record.facts.get("not_annotated") or 0) for record in records]
        missing = (
            f"{sum(unannotated)} turns in {sum(map(bool, unannotated))} dialogues have no annotation: "
            "their replies were unreadable"
        )
        return [*notes, missing] if any(unannotated) else notes

    def shas(self) -> dict[str, str]:
        """Return the hashes of the prompts, and of the scale."""
        folder = self.config.prompt_folder
        names = [*ruled_prompts(self.config.writer_rules), *PROMPTS, "supporter/opening", "judge/scale", "judge/repair"]
        return {**prompt_shas(names, folder), f"scales/{AELS}": self.aels.sha}

    def roles(self) -> dict[str, list[str]]:
        """Writer and rater."""
        return {"writer": [self.config.writer.model], "rater": [self.config.rater_model]}


def ruled_prompts(rules: WriterRules) -> list[str]:
    """Return the names of the prompts that state the writer's rules."""
    return [f"script/{name}{RULED[rules]}" for name in ("listen", "analyse", "suggest")]


def _steps(analysis: Mapping[str, Any]) -> str:
    """Return the three steps before the suggestions as one text, as the paper's layout has them."""
    return " ".join(str(text) for text in analysis.values() if text)


def _mean(rating: Rating) -> float | None:
    known = [value for value in rating.dimensions.values() if value is not None]
    return sum(known) / len(known) if len(known) == len(rating.dimensions) else None
