"""Reproduce a table of the paper, from corpora to figures: import, train each row, talk with the same people, judge.

    corpora/ROW.jsonl   what was read, with its report      adapters/ROW/   one training per row
    held_out.jsonl      all people kept out of training     runs/LANGUAGE/  an ordinary run of all rows of a language
    profiles.jsonl      those of them who talk, paired

Every stage skips what is already done, so the same command resumes after a kill, and a stage can be left out.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from cocoon.core.config import StudyConfig, differences, to_yaml
from cocoon.core.errors import CocoonError
from cocoon.core.jsonl import dump_line, parse_record, write_whole
from cocoon.core.outside.yaml_text import read_yaml
from cocoon.reports.charts.losses import write_losses
from cocoon.reports.paper.tables import load_paper_table
from cocoon.reports.tables.records import Report
from cocoon.running.frame import Outcome
from cocoon.running.local_parts import local_parts
from cocoon.running.session import simulate
from cocoon.running.study import Study, open_models, read_profiles
from cocoon.studies.listener import Listener
from cocoon.studies.reproduce.config import STAGES, ReproduceConfig, study_of
from cocoon.studies.reproduce.people import held_out_profiles, talking_profiles
from cocoon.studies.reproduce.report import write_table
from cocoon.studies.reproduce.rows import (
    HELD_OUT,
    PROFILES,
    RUNS,
    Training,
    adapter_of,
    import_row,
    left_out,
    row_training,
)
from cocoon.studies.result import StudyResult
from cocoon.training.data.held_out import HeldOut
from cocoon.training.fit.sft import train

CONFIG = "reproduce.yaml"


Trainer = Callable[[Sequence[Training], Listener], None]


def train_in_turn(trainings: Sequence[Training], listener: Listener) -> None:
    """Train in this process, one row after the other."""
    for training in trainings:
        listener.say(f"training {training.label}")
        with listener.training() as watch:
            train(training.config, training.folder, watch, listener.say)


@dataclass
class Reproduction:
    """A reproduction that is ready to start, in three steps: `prepare`, `talk` and `finish`.

    Every step does those of the `stages` that belong to it. What is done already is passed over. `trainer` trains the
    rows, in this process where there is none.
    """

    config: ReproduceConfig
    out: Path
    stages: Sequence[str]
    trainer: Trainer | None = None

    def prepare(self, listener: Listener) -> None:
        """Choose the people, import the corpora, and train a supporter on each.

        Raises CocoonError for an unknown stage, rows or profiles that do not fit, and what a stage cannot do.
        """
        config, out = self.config, self.out
        _check(config, self.stages)
        agree(out, config)
        held_out = held_out_profiles(config)
        people = talking_profiles(config, held_out)
        write_whole(out / HELD_OUT, map(dump_line, held_out))
        write_whole(out / PROFILES, map(dump_line, people))
        listener.say(
            f"people held out of every training, by id, chain, feeling and need: {HeldOut(held_out).number}; "
            f"talking: {len(people) // len(config.languages)}, each in {', '.join(config.languages)}"
        )
        for row in config.rows if "import" in self.stages else ():
            listener.say(import_row(row, out))
        if "train" in self.stages:
            trainings = [row_training(config, row, out) for row in config.rows if row.adapter is None]
            (self.trainer or train_in_turn)(trainings, listener)
            for training in trainings:
                write_losses(training.folder)
                listener.say(left_out(training.folder))

    async def talk(self, listener: Listener) -> list[Outcome]:
        """Have the supporters of every language talk with its people, and stop after a run that was stopped."""
        outcomes: list[Outcome] = []
        for language in self.config.languages if "simulate" in self.stages else ():
            listener.say(f"conversations in {language}")
            rows = () if self.config.served else self.config.rows
            adapters = {row.name: adapter_of(row, self.out) for row in rows}
            config = study_of(self.config, language, adapters, self.out / PROFILES)
            outcomes.append(await self._simulate(config, self.out / RUNS / language, listener))
            if outcomes[-1].stopped_by is not None:
                listener.say(str(outcomes[-1].stopped_by))
                break
        return outcomes

    async def _simulate(self, config: StudyConfig, folder: Path, listener: Listener) -> Outcome:
        study = Study(config, open_models(config, local_parts()))
        profiles = read_profiles(config)
        for opened in (study.user, study.judges, study.supporters):
            opened()
        listener.hosts(study.models)
        return await simulate(study, profiles, folder, listener.watch())

    def finish(self, outcomes: Sequence[Outcome], listener: Listener) -> StudyResult:
        """Write the table, if that is among the stages and made of a judge's ratings."""
        report = self._report(listener) if "report" in self.stages else None
        code = max((outcome.exit_code for outcome in outcomes), default=0)
        return StudyResult(self.out, report, code, outcomes[-1].stopped_by if outcomes else None)

    def _report(self, listener: Listener) -> Report | None:
        paper = load_paper_table(self.config.table)
        if paper.data == "people":
            runs = ", ".join(str(self.out / RUNS / language) for language in self.config.languages)
            listener.say(
                f"{paper.id} is made of people's ratings: name {runs} in a study of `cocoon human serve`, "
                "then its report"
            )
            return None
        return write_table(self.config, self.out)


def _check(config: ReproduceConfig, stages: Sequence[str]) -> None:
    unknown = next((stage for stage in stages if stage not in STAGES), None)
    if unknown is not None:
        raise CocoonError(f"stage {unknown!r} is not known; there are {', '.join(STAGES)}")
    if not config.rows:
        raise CocoonError("no rows: name corpora and their files under `rows` (see examples/reproduce/)")
    if not config.profiles:
        raise CocoonError("no profiles: name those to evaluate on under `profiles`, such as [shipped]")


def agree(out: Path, config: ReproduceConfig) -> None:
    """Store the settings. Raises CocoonError if the folder was started with others and has more than these."""
    out.mkdir(parents=True, exist_ok=True)
    file = out / CONFIG
    if file.is_file() and any(path.is_file() and path != file for path in out.rglob("*")):
        stored = parse_record(read_yaml(file), ReproduceConfig, str(file))
        if differing := differences(stored, config):
            raise CocoonError(
                f"{out}: was begun with other settings ({', '.join(differing)}; see {CONFIG}); "
                "give the same command to go on, or use another --out"
            )
    write_whole(file, [to_yaml(config).encode()])
