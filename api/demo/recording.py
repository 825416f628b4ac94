"""Makes the recorded demonstration: scripted models speak hand-written lines in the real graphs.

`python -m cocoon.api.demo.recording` writes examples/recorded/run.zip, which `cocoon demo --recorded` shows.
"""

import io
import json
import tempfile
import zipfile
from pathlib import Path
from typing import Any, TypeVar

import yaml
from langchain_core.messages import BaseMessage

from cocoon.agents.protocols import supporter_view
from cocoon.agents.supporters.supporter import plain_opening
from cocoon.api.blocking import wait_for
from cocoon.api.demo.recorded import ARCHIVE, recorded_files
from cocoon.core.config import JudgeConfig, StudyConfig, SupporterConfig, UserConfig
from cocoon.core.jsonl import parse_record
from cocoon.core.outside.profile_files import SHIPPED, find_profile
from cocoon.core.records import Appraisal, Profile, Record, Thought
from cocoon.core.strategy_tags import with_thought
from cocoon.evaluation.success.verdicts import ATTRIBUTED, PAPER, NamedAnswer, VerdictAnswer
from cocoon.models.scripted import Script, ScriptedChat
from cocoon.running import session
from cocoon.running.manifest import read_manifest, write_manifest
from cocoon.running.study import Study, open_models

LABEL = "Recorded: every line was written by hand. No model spoke here and none judged, so nothing follows from it."
SUPPORTERS = {"reflects": "listen", "asks": "more-questions"}
"""The recorded supporters and the prompt that each one was written after."""
JUDGES = ("a", "b")
AnswerT = TypeVar("AnswerT")


class RecordedExchange(Record):
    """What the supporter thinks and says, how the user takes it and answers. The last one has no answer."""

    analysis: str
    strategy: str
    supporter: str
    appraisal: Appraisal | None = None
    user: str | None = None

    @property
    def reply(self) -> str:
        """The supporter's reply as its model writes it, with the thought before the words."""
        return with_thought(self.supporter, Thought(analysis=self.analysis, strategy=self.strategy))


class RecordedAnswers(Record):
    """What one judge answers about a dialogue: two success modes, and the items of two scales in their order."""

    attributed: VerdictAnswer
    paper: NamedAnswer
    comfort: list[int | None]
    basic: list[int | None]

    def reply_to(self, name: str) -> str:
        """Return the answer on a scale or success mode as its model writes it."""
        verdict = {ATTRIBUTED: self.attributed, PAPER: self.paper}.get(name)
        if verdict is not None:
            return verdict.model_dump_json()
        values: list[int | None] = getattr(self, name)
        return json.dumps({"items": {str(number): value for number, value in enumerate(values, 1)}})


class RecordedDialogue(Record):
    """One dialogue as it was written."""

    profile: str
    supporter: str
    exchanges: list[RecordedExchange]
    judges: dict[str, RecordedAnswers]


class RecordedProfile(Record):
    """What a user answers to the fixed opening."""

    first: str


class RecordedLines(Record):
    """The hand-written lines of the demonstration."""

    profiles: dict[str, RecordedProfile]
    dialogues: list[RecordedDialogue]

    def people(self) -> list[Profile]:
        """Return the profiles, in the order of the file."""
        return [find_profile(SHIPPED, name) for name in self.profiles]


def read_lines_to_record() -> RecordedLines:
    """Return the lines that ship."""
    file = recorded_files() / "dialogues.yaml"
    return parse_record(yaml.safe_load(file.read_text("utf-8")), RecordedLines, str(file))


def record_run(out: Path, lines: RecordedLines) -> None:
    """Have scripted models speak the lines in the real graphs, rate what was said, and leave the run in `out`."""
    for judge in JUDGES:
        study = _study(lines, judge)
        if judge == JUDGES[0]:
            wait_for(session.simulate(study, lines.people(), out))
        else:
            wait_for(session.assess(study, out))
    manifest = read_manifest(out)
    if manifest is not None:
        manifest.recorded = LABEL
        write_manifest(out, manifest)


def _study(lines: RecordedLines, judge: str) -> Study:
    config = StudyConfig(
        profiles=[SHIPPED],
        rounds=max(len(dialogue.exchanges) for dialogue in lines.dialogues),
        supporters=[
            SupporterConfig(name=name, model=f"recorded:{name}", prompt=prompt) for name, prompt in SUPPORTERS.items()
        ],
        user=UserConfig(model="recorded:user", appraiser="recorded:appraiser", rules="naming"),
        judge=JudgeConfig(model=f"recorded:judge-{judge}", scales=["success", "comfort", "basic"]),
        form_pairs=0,
    )
    models = open_models(config)
    for name, script in _scripts(lines, judge).items():
        models.wrap(f"recorded:{name}", ScriptedChat(script=script))
    return Study(config, models)


def _scripts(lines: RecordedLines, judge: str) -> dict[str, Script]:
    answers = {plain_opening(supporter_view(person, [])): lines.profiles[person.id].first for person in lines.people()}
    replies: dict[str, dict[str, str]] = {name: {} for name in SUPPORTERS}
    taken: dict[str, str] = {}
    for dialogue in lines.dialogues:
        before = lines.profiles[dialogue.profile].first
        for exchange in dialogue.exchanges:
            replies[dialogue.supporter][before] = exchange.reply
            if exchange.user is not None and exchange.appraisal is not None:
                before = answers[exchange.supporter] = exchange.user
                taken[exchange.supporter] = exchange.appraisal.model_dump_json()
    verdicts = {dialogue.exchanges[-1].supporter: dialogue.judges[judge] for dialogue in lines.dialogues}
    return {
        "user": _after(answers),
        "appraiser": lambda messages, _: _on_the_last(taken, messages),
        f"judge-{judge}": lambda messages, asked: _holding(verdicts, messages).reply_to(
            asked["response_format"]["json_schema"]["name"]
        ),
        **{name: _after(spoken) for name, spoken in replies.items()},
    }


def _after(replies: dict[str, str]) -> Script:
    """Return a script that answers each line with the one written after it. A note may stand below the line."""

    def reply(messages: list[BaseMessage], _: dict[str, Any]) -> str:
        said = str(messages[-1].content)
        return replies[max((line for line in replies if said.startswith(line)), key=len)]

    return reply


def _on_the_last(answers: dict[str, AnswerT], messages: list[BaseMessage]) -> AnswerT:
    """Return the answer whose key stands nearest to the end of a model's prompt."""
    prompt = "\n".join(str(message.content) for message in messages)
    return answers[max(answers, key=prompt.rfind)]


def _holding(answers: dict[str, AnswerT], messages: list[BaseMessage]) -> AnswerT:
    """Return the answer whose key stands in the first prompt of a model."""
    prompt = "\n".join(str(message.content) for message in messages)
    return next(answer for key, answer in answers.items() if key in prompt)


def pack(run: Path) -> bytes:
    """Return a run folder as a compressed archive whose bytes depend on nothing but the files."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted(run.rglob("[!.]*")):
            if file.is_file():
                # A fixed date, the earliest that the format knows.
                name = file.relative_to(run).as_posix()
                archive.writestr(zipfile.ZipInfo(name), file.read_bytes(), zipfile.ZIP_DEFLATED)
    return packed.getvalue()


def main() -> None:
    """Make the recording again and put it where it ships."""
    with tempfile.TemporaryDirectory() as folder:
        run = Path(folder) / "recorded"
        record_run(run, read_lines_to_record())
        (recorded_files() / ARCHIVE).write_bytes(pack(run))


if __name__ == "__main__":
    main()
