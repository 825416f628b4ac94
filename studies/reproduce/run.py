"""Reproduce a table of the paper, from corpora to figures: import, train each row, talk with the same people, judge.

    corpora/ROW.jsonl   what was read, with its report      adapters/ROW/   one training per row
    held_out.jsonl      all people kept out of training     runs/LANGUAGE/  an ordinary run of all rows of a language
    profiles.jsonl      those of them who talk, paired

Every stage skips what is already done, so the same command resumes after a kill, and a stage can be left out.
"""

import json
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from cocoon.core.config import StudyConfig, differences, to_yaml
from cocoon.core.errors import CocoonError
from cocoon.core.jsonl import dump_line, parse_record, read_records, write_whole
from cocoon.core.profile_files import profile_path
from cocoon.core.records import Language, Profile
from cocoon.corpora.dialogue_loaders import read_corpus
from cocoon.running.frame import Outcome
from cocoon.studies.reproduce.config import STAGES, CorpusRow, ReproduceConfig, study_of, training_of
from cocoon.training.adapters.card import read_card
from cocoon.training.config import TrainConfig
from cocoon.training.data.held_out import HeldOut

CORPORA, ADAPTERS, RUNS = "corpora", "adapters", "runs"
HELD_OUT, PROFILES, CONFIG = "held_out.jsonl", "profiles.jsonl", "reproduce.yaml"
Say = Callable[[str], None]


@dataclass(frozen=True)
class Hands:
    """The functions that do the long work: training into a folder, and running conversations into a folder."""

    train: Callable[[TrainConfig, Path], object]
    simulate: Callable[[StudyConfig, Path], Awaitable[Outcome]]
    say: Say = print


async def reproduce(config: ReproduceConfig, out: Path, stages: Sequence[str], hands: Hands) -> int:
    """Run the stages and return the worst exit code, 0 if everything went well.

    Raises CocoonError for an unknown stage, rows or profiles that do not fit, and what a stage cannot do.
    """
    _check(config, stages)
    agree(out, config)
    held_out = held_out_profiles(config)
    people = talking_profiles(config, held_out)
    write_whole(out / HELD_OUT, map(dump_line, held_out))
    write_whole(out / PROFILES, map(dump_line, people))
    hands.say(
        f"people held out of every training, by id, chain, feeling and need: {HeldOut(held_out).number}; "
        f"talking: {len(people) // len(config.languages)}, each in {', '.join(config.languages)}"
    )
    for row in config.rows if "import" in stages else ():
        hands.say(import_row(row, out))
    for row in config.rows if "train" in stages else ():
        if row.adapter is None:
            hands.say(f"training {row.label}")
            hands.train(row_training(config, row, out), out / ADAPTERS / row.name)
            hands.say(left_out(out / ADAPTERS / row.name))
    if "simulate" not in stages:
        return 0
    return await _talk(config, out, hands)


async def _talk(config: ReproduceConfig, out: Path, hands: Hands) -> int:
    codes = [0]
    for language in config.languages:
        hands.say(f"conversations in {language}")
        adapters = {row.name: adapter_of(row, out) for row in config.rows}
        outcome = await hands.simulate(study_of(config, language, adapters, out / PROFILES), out / RUNS / language)
        codes.append(outcome.exit_code)
        if outcome.stopped_by is not None:
            hands.say(str(outcome.stopped_by))
            break
    return max(codes)


def _check(config: ReproduceConfig, stages: Sequence[str]) -> None:
    unknown = next((stage for stage in stages if stage not in STAGES), None)
    if unknown is not None:
        raise CocoonError(f"stage {unknown!r} is not known; there are {', '.join(STAGES)}")
    if not config.rows:
        raise CocoonError("no rows: name corpora and their files under `rows` (see examples/reproduce/)")
    if not config.profiles:
        raise CocoonError("no profiles: name those to evaluate on under `profiles`, such as [shipped]")


def agree(out: Path, config: ReproduceConfig) -> None:
    """Store the settings. Raises CocoonError if the folder was started with others."""
    out.mkdir(parents=True, exist_ok=True)
    file = out / CONFIG
    if file.is_file():
        import yaml

        stored = parse_record(yaml.safe_load(file.read_text("utf-8")), ReproduceConfig, str(file))
        if differing := differences(stored, config):
            raise CocoonError(
                f"{out}: was begun with other settings ({', '.join(differing)}; see {CONFIG}); "
                "give the same command to go on, or use another --out"
            )
    write_whole(file, [to_yaml(config).encode()])


def held_out_profiles(config: ReproduceConfig) -> list[Profile]:
    """Return the first `limit` people who exist in every language of the rows, with all their versions.

    Raises CocoonError if there is nobody.
    """
    people: dict[str, dict[Language, Profile]] = {}
    for path in (path for name in config.profiles for path in profile_path(name)):
        for profile in read_records(path, Profile):
            people.setdefault(profile.translation_of or profile.id, {})[profile.language] = profile
    languages = config.languages
    complete = [versions for versions in people.values() if all(language in versions for language in languages)]
    if not complete:
        raise CocoonError(
            f"{', '.join(config.profiles)}: nobody stands in all of {', '.join(languages)}; translate them with "
            "`cocoon profiles translate`, or keep to rows of one language"
        )
    return [profile for versions in complete[: config.limit] for profile in versions.values()]


def talking_profiles(config: ReproduceConfig, held: Sequence[Profile]) -> list[Profile]:
    """Return the held-out profiles that talk, language by language, with the same people in each."""
    in_each = {language: [profile for profile in held if profile.language == language] for language in config.languages}
    return [profile for speakers in in_each.values() for profile in speakers[: config.talking]]


def import_row(row: CorpusRow, out: Path) -> str:
    """Read a row's corpus, unless this was done before, and return one line about it."""
    target = out / CORPORA / f"{row.name}.jsonl"
    report = target.with_suffix(".report.json")
    if target.is_file() and report.is_file():
        return f"{row.label}: imported before"
    reading = read_corpus(row.corpus, Path(row.file).expanduser(), row.limit)
    target.parent.mkdir(parents=True, exist_ok=True)
    write_whole(target, (dump_line(dialogue) for dialogue in reading.dialogues if dialogue.language == row.language))
    notes = {
        "row": row.label,
        "read": reading.report.read,
        "kept": reading.report.kept,
        "repairs": reading.report.counts,
    }
    write_whole(report, [json.dumps(notes, ensure_ascii=False).encode()])
    if not target.stat().st_size:
        target.unlink()
        raise CocoonError(
            f"{row.file}: holds no dialogue in {row.language!r} for row {row.label!r}; check its language"
        )
    return f"{row.label}: {reading.report.summary()}"


def row_training(config: ReproduceConfig, row: CorpusRow, out: Path) -> TrainConfig:
    """Return the training of a row on its imported dialogues. Raises CocoonError if they were not imported."""
    imported = out / CORPORA / f"{row.name}.jsonl"
    if not imported.is_file():
        raise CocoonError(f"{imported} does not exist; run the stage `import` first")
    others = [
        out / CORPORA / f"{other_row.name}.jsonl"
        for other_row in config.rows
        if other_row is not row and not other_row.subset
    ]
    return training_of(config, row, imported, others, out / HELD_OUT)


def left_out(adapter: Path) -> str:
    """Return how many dialogues of a row were left out of its training because they are of held-out people."""
    card = read_card(adapter)
    if card is None:
        return f"{adapter}: has no card"
    return f"{card.name}: {card.dropped.get('evaluation_profile', 0)} of {card.read} dialogues are of people held out"


def adapter_of(row: CorpusRow, out: Path) -> Path:
    """Return the folder of a row's adapter. Raises CocoonError if it has none."""
    folder = Path(row.adapter).expanduser() if row.adapter else out / ADAPTERS / row.name
    if not (folder / "adapter_config.json").is_file():
        raise CocoonError(f"{folder}: holds no adapter for row {row.label!r}; run the stage `train` first")
    return folder
