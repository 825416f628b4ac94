"""A run as the trace page shows it: summaries for the list, one dialogue with all that belongs to it, its calls.

Reads a run folder, finished or under way, or a file of dialogues that were made elsewhere.
"""

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from cocoon.core.errors import CocoonError
from cocoon.core.journal import Journal
from cocoon.core.jsonl import parse_record
from cocoon.core.manifest import read_manifest
from cocoon.core.records import Dialogue, Failure, Rating, Turn
from cocoon.evaluation.facts import DialogueFacts, facts_of
from cocoon.evaluation.groups import majority, mean_of_votes
from cocoon.evaluation.questions import counted_turns, questions
from cocoon.evaluation.scales import Scale, load_scale, shipped_scales
from cocoon.evaluation.success import ATTRIBUTED, PAPER, find_quote
from cocoon.viewer.run_lines import LineIndex

COMFORT = "comfort"
_MEANS = (("affective_improvement", "aff"), ("negative_helper_evaluation", "neg"))


class RunReader:
    """One run. `refresh` before asking; summaries are kept until a dialogue's lines change."""

    def __init__(self, path: Path, scale_files: Sequence[Path] = ()) -> None:
        self.path = path
        folder = path.is_dir()
        if not folder and not path.is_file():
            raise CocoonError(f"{path} is no run folder and no file of dialogues; check the path")
        if folder and not (path / "dialogues.jsonl").exists() and not (path / "manifest.json").exists():
            raise CocoonError(
                f"{path} holds no run; give a folder that `cocoon simulate` wrote, or a file of dialogues"
            )
        self.dialogues = LineIndex(path / "dialogues.jsonl" if folder else path, "id")
        beside = path if folder else Path("/nonexistent")
        self.ratings = LineIndex(beside / "ratings.jsonl", "dialogue")
        self.failures = LineIndex(beside / "failures.jsonl", "dialogue")
        self.trace = LineIndex(beside / "trace.jsonl", "dialogue")
        self.journal = path / "journal.sqlite" if folder else None
        self.scales: dict[str, Scale] = {name: load_scale(name) for name in shipped_scales()}
        self.scales |= {scale.id: scale for scale in map(load_scale, scale_files)}
        self._summaries: dict[str, tuple[int, dict[str, Any]]] = {}
        self._facts: dict[str, DialogueFacts] = {}

    @property
    def name(self) -> str:
        """What the run is called."""
        return self.path.name or self.path.absolute().name

    def refresh(self) -> bool:
        """Take in what was written since; whether anything was."""
        return any([one.refresh() for one in (self.dialogues, self.ratings, self.failures, self.trace)])

    def names(self) -> list[str]:
        """Ids of the dialogues, in the order of the file."""
        return list(self.dialogues.places)

    def finished(self) -> bool:
        """Whether nobody is at work on the run, as far as its manifest tells."""
        manifest = read_manifest(self.path) if self.path.is_dir() else None
        return manifest is None or not manifest.sessions or manifest.sessions[-1].ended is not None

    def roles(self) -> dict[str, list[str]]:
        """Models by role."""
        manifest = read_manifest(self.path) if self.path.is_dir() else None
        return manifest.roles if manifest else {}

    def dialogue(self, name: str) -> Dialogue:
        """One dialogue; CocoonError for an id that is not there."""
        lines = list(self.dialogues.of(name))
        if not lines:
            raise CocoonError(f"{self.path}: holds no dialogue {name!r}")
        return parse_record(lines[-1], Dialogue, f"{self.dialogues.path}: {name!r}")

    def ratings_of(self, name: str) -> list[Rating]:
        """Its ratings, each once."""
        found = [parse_record(line, Rating, f"{self.ratings.path}: {name!r}") for line in self.ratings.of(name)]
        return list({(one.scale, one.judge, one.vote, one.prompt_sha): one for one in found}.values())

    def facts(self, name: str) -> DialogueFacts:
        """What charts need of a dialogue."""
        if name not in self._facts:
            self._facts[name] = facts_of(self.dialogue(name))
        return self._facts[name]

    def summaries(self) -> Iterator[dict[str, Any]]:
        """What the list shows of every dialogue."""
        for name in self.names():
            lines = len(self.dialogues.places[name]) + len(self.ratings.places.get(name, []))
            if name not in self._summaries or self._summaries[name][0] != lines:
                self._summaries[name] = (lines, self._summary(name))
            yield self._summaries[name][1]

    def _summary(self, name: str) -> dict[str, Any]:
        dialogue, facts = self.dialogue(name), self.facts(name)
        scales: dict[str, list[Rating]] = {}
        for rating in self.ratings_of(name):
            scales.setdefault(rating.scale, []).append(rating)
        stats = facts.questions
        return {
            "id": name,
            "file": file_of(name),
            "lines": len(self.dialogues.places[name]) + len(self.ratings.places.get(name, [])),
            "profile": dialogue.profile.id,
            "supporter": dialogue.supporter,
            "sample": dialogue.sample,
            "language": dialogue.language,
            "emotion": dialogue.profile.emotion,
            "feeling": dialogue.profile.feeling[:160],
            "turns": len(dialogue.turns),
            "ratio": stats.ratio if stats else None,
            "success": _verdict(scales.get(PAPER, [])),
            "attributed": _verdict(scales.get(ATTRIBUTED, [])),
            "user_kind": dialogue.user_kind,
            "stop": dialogue.stop_reason,
            **{key: mean_of_votes(dimension)(scales.get(COMFORT, [])) for dimension, key in _MEANS},
        }

    def whole(self, name: str) -> dict[str, Any]:
        """One dialogue with everything but the texts of its calls."""
        dialogue, ratings = self.dialogue(name), self.ratings_of(name)
        named = {_turn_of(rating, dialogue): rating.verdict.success for rating in ratings if rating.verdict}
        quotes = [rating.verdict.quote for rating in ratings if rating.verdict and rating.verdict.quote]
        counted = {id(turn) for turn in counted_turns(dialogue.turns)}
        failed = [parse_record(line, Failure, str(self.failures.path)) for line in self.failures.of(name)]
        return {
            **dialogue.model_dump(mode="json", exclude={"turns"}),
            "turns": [
                {
                    **turn.model_dump(mode="json", exclude={"content"}),
                    "counted": id(turn) in counted,
                    "named": named.get(number),
                    "pieces": _pieces(turn, dialogue, quotes),
                }
                for number, turn in enumerate(dialogue.turns)
            ],
            "ratings": [self._rating(rating, dialogue) for rating in ratings],
            "path": list(_path(self.trace.of(name))),
            "failures": [one.model_dump(mode="json") for one in failed],
        }

    def _rating(self, rating: Rating, dialogue: Dialogue) -> dict[str, Any]:
        scale = self.scales.get(rating.scale)
        items = []
        for name, value in rating.items.items():
            item = next((one for one in scale.items if one.id == name), None) if scale else None
            text = getattr(item, dialogue.language, None) or (item and (item.en or item.zh)) or ""
            why = rating.missing.get(name) or rating.missing.get("*")
            items.append(
                {"id": name, "text": text, "value": value, "reverse": bool(item and item.reverse), "missing": why}
            )
        told = rating.model_dump(mode="json", exclude={"items", "prompt_id", "prompt_sha"})
        return {**told, "items": items, "range": list(scale.range) if scale else None}

    def calls(self, name: str) -> dict[str, Any]:
        """Prompts and replies of a dialogue's calls; a text that several of them share stands once in `texts`."""
        if self.journal is None or not self.journal.exists():
            return {"texts": [], "calls": {}}
        texts: dict[str, int] = {}
        calls: dict[str, Any] = {}
        journal = Journal(self.journal)
        try:
            for entry in list(journal.entries(name)):
                request = [
                    [one["role"], texts.setdefault(one["content"], len(texts))] for one in journal.request(entry.place)
                ]
                calls[entry.place.key] = {
                    "node": entry.place.node,
                    "model": entry.model,
                    "request": request,
                    "reply": entry.text,
                    "tokens_in": entry.tokens_in,
                    "tokens_out": entry.tokens_out,
                    "latency": entry.latency,
                    "retries": entry.retries,
                    "rung": entry.rung,
                    "finish": entry.finish,
                }
        finally:
            journal.close()
        return {"texts": list(texts), "calls": calls}


def file_of(name: str) -> str:
    """A name for the files of a dialogue, whatever stands in its id."""
    return hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def _verdict(ratings: Sequence[Rating]) -> bool | str | None:
    if not ratings:
        return None
    if all(rating.not_applicable for rating in ratings):
        return "na"
    found = majority([rating for rating in ratings if not rating.not_applicable])
    return "missing" if found is None else found


def _turn_of(rating: Rating, dialogue: Dialogue) -> int | None:
    verdict = rating.verdict
    if verdict is None:
        return None
    if verdict.turn is not None:
        return verdict.turn
    found = find_quote(verdict.quote, dialogue.turns)
    return found[0] if found else None


def _pieces(turn: Turn, dialogue: Dialogue, quotes: Sequence[str]) -> list[list[Any]]:
    """The text in runs of (text, question type or none, whether it is the judge's evidence)."""
    text = turn.content
    kinds: list[str | None] = [None] * len(text)
    if turn.role == "supporter":
        place = 0
        for sentence in questions(text, dialogue.language):
            first = text.find(sentence.text, place)
            if first < 0 or sentence.type == "none":
                continue
            place = first + len(sentence.text)
            kinds[first:place] = [sentence.type] * len(sentence.text)
    evidence = [False] * len(text)
    for quote in quotes:
        first = text.find(quote)
        if first >= 0:
            evidence[first : first + len(quote)] = [True] * len(quote)
    return _runs(text, list(zip(kinds, evidence, strict=True)))


def _runs(text: str, marks: Sequence[tuple[str | None, bool]]) -> list[list[Any]]:
    found: list[list[Any]] = []
    start = 0
    for place in range(1, len(text) + 1):
        if place == len(text) or marks[place] != marks[start]:
            found.append([text[start:place], *marks[start]])
            start = place
    return found


def _path(events: Iterator[Any]) -> Iterator[dict[str, Any]]:
    """Nodes in the order in which they were walked, with the calls of each; the later writing of an event holds."""
    calls: dict[tuple[Any, ...], dict[str, None]] = {}
    nodes: dict[tuple[Any, ...], dict[str, Any]] = {}
    ends: dict[str, Any] = {}
    for event in events:
        key = (event["graph"], event["step"], event.get("node"), event.get("task"))
        if event["event"] == "call":
            calls.setdefault(key, {})[event["call"]] = None
        elif event["event"] == "node":
            told = {name: event.get(name) for name in ("graph", "step", "node", "task", "updated")}
            nodes[key] = told
        elif event["event"] == "end":
            ends[event["graph"]] = event["step"]
    order = {graph: number for number, graph in enumerate(dict.fromkeys(key[0] for key in nodes))}
    for key, told in sorted(nodes.items(), key=lambda pair: (order[pair[0][0]], pair[0][1])):
        yield {**told, "calls": list(calls.get(key, {})), "ended": key[0] in ends}
