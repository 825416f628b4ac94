"""A judge put to the test: the labelled cases judged as the dialogues of any run are, then measured."""

import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from cocoon.agents.judges.ratings import is_current
from cocoon.core.config import JudgeConfig, StudyConfig
from cocoon.core.errors import CocoonError
from cocoon.core.jsonl import dump_line, write_whole
from cocoon.core.records import Dialogue, Failure, Language, Rating
from cocoon.evaluation.success.judge_test import measure_judge
from cocoon.evaluation.success.judge_test_records import JudgeTest
from cocoon.evaluation.success.labelled_cases import JudgeCase, all_cases
from cocoon.models.local.control import Parts
from cocoon.running.folder import read_run
from cocoon.running.frame import forbid_cloud_tracing
from cocoon.running.local_parts import local_parts
from cocoon.running.session import Watch, assess
from cocoon.running.study import Study, open_models


def judge_study(spec: str, timeout: float = 60.0, parts: Parts | None = None) -> Study:
    """Return a study of a judge alone, in both success modes and with the default settings of a run's judge."""
    config = StudyConfig(judge=JudgeConfig(model=spec, scales=["success"]), timeout=timeout)
    return Study(config, open_models(config, parts))


async def examine_named_judge(
    spec: str,
    language: Language | None,
    limit: int | None,
    out: Path | None,
    timeout: float,
    say: Callable[[str], None],
    watch: Watch | None = None,
) -> JudgeTest:
    """Open a judge by its spec and test it on the shipped cases, all of them or `limit`.

    `timeout` is in seconds for each call, and `say` gets a line about where text goes. `out` keeps the replies, and
    without it they are deleted at the end.
    """
    forbid_cloud_tracing()
    with tempfile.TemporaryDirectory(prefix="cocoon-judge-") as temporary:
        study = judge_study(spec, timeout, local_parts())
        study.judges()
        hosts = study.models.routes
        say(f"text goes to: {', '.join(hosts)}" if hosts else "text stays on this machine")
        return await examine_judge(study, all_cases(language, limit), out or Path(temporary), watch)


async def examine_judge(study: Study, cases: Sequence[JudgeCase], out: Path, watch: Watch | None = None) -> JudgeTest:
    """Have the study's judge rate all cases, and measure it. The same call again asks only what is missing.

    `out` becomes a run folder (journal, ratings, trace) that may have several judges. Raises CocoonError where it has
    other dialogues, and raises what stopped the session where it did not come to its end.
    """
    _put_cases(cases, out)
    judges = {judge.name: judge for judge in study.judges()}
    outcome = await assess(study, out, watch)
    if outcome.stopped_by is not None:
        raise outcome.stopped_by
    label = str(study.config.judge.model)
    ratings = [
        rating
        for rating in read_run(out, "ratings.jsonl", Rating)
        if rating.scale in judges and is_current(judges[rating.scale], rating)
    ]
    return measure_judge(label, cases, ratings, read_run(out, "failures.jsonl", Failure))


def _put_cases(cases: Sequence[JudgeCase], out: Path) -> None:
    """Write the cases' dialogues beside those that are there. Raises CocoonError where these are not such cases."""
    held = {dialogue.id: dialogue for dialogue in read_run(out, "dialogues.jsonl", Dialogue)}
    expected = {case.id: case.dialogue() for case in cases}
    for name, dialogue in held.items():
        if expected.get(name, dialogue) != dialogue or dialogue.supporter != "labelled":
            raise CocoonError(f"{out}: has another dialogue {name!r} than the labelled case; use another --out")
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CocoonError(f"{out}: cannot hold a run ({error.strerror}); use another --out") from None
    write_whole(out / "dialogues.jsonl", map(dump_line, (held | expected).values()))
