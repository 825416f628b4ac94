"""What is given on the command line is honoured or refused: nothing is lost, and nothing empty is guessed at."""

from pathlib import Path

import pytest

import cocoon as library
from cocoon.core.config import StudyConfig
from cocoon.core.errors import CocoonError
from cocoon.core.jsonl import dump_line
from cocoon.core.records import Rating
from cocoon.core.verb_settings import SIMULATE, Given
from cocoon.running.folder import read_config, read_run
from cocoon.tests.commands import cocoon, endpoint
from cocoon.tests.reports.report_cases import dialogue

ALLIANCE = Path(__file__).parents[2] / "examples" / "scales" / "alliance.yaml"


@pytest.fixture
def dialogues(tmp_path: Path) -> Path:
    """Two dialogues in a plain file."""
    file = tmp_path / "dialogues.jsonl"
    file.write_bytes(b"".join(dump_line(dialogue(f"p{number}")) for number in range(2)))
    return file


@pytest.fixture
def run(dialogues: Path, tmp_path: Path) -> Path:
    """A run folder of two dialogues."""
    folder = tmp_path / "run"
    folder.mkdir()
    dialogues.rename(folder / "dialogues.jsonl")
    return folder


def simulated(out: Path, *arguments: str) -> StudyConfig:
    """Return the settings that `cocoon simulate` stored for one dialogue of an opening alone."""
    given = ["--profiles", "shipped:en", "-n", "1", "--rounds", "0", "--form-pairs", "0", "--appraiser", "rule"]
    with endpoint() as spec:
        done = cocoon("simulate", *given, "--user", spec, "--supporter", spec, *arguments, "--out", str(out))
    assert done.code == 0, done.err
    config = read_config(out)
    assert config is not None
    return config


def test_an_option_of_one_supporter_is_honoured_beside_the_flag_that_names_it(tmp_path: Path) -> None:
    config = simulated(tmp_path / "run", "-o", "supporters.0.temperature=1", "--supporter-prompt", "plain")
    assert [(one.temperature, one.prompt) for one in config.supporters] == [(1.0, "plain")]


def test_a_prompt_goes_to_every_supporter_of_a_file(tmp_path: Path) -> None:
    file = tmp_path / "study.yaml"
    file.write_text("supporters: [{name: a, model: 'local:x'}, {name: b, model: 'local:y'}]\n", "utf-8")
    supporters = Given(SIMULATE, {"supporter_prompt": "plain"}, config=file).resolve().config.supporters
    assert [(one.name, one.prompt) for one in supporters] == [("a", "plain"), ("b", "plain")]


def test_a_scale_file_alone_is_what_is_rated(dialogues: Path, tmp_path: Path) -> None:
    out = tmp_path / "rated"
    with endpoint() as spec:
        done = cocoon("judge", str(dialogues), "--judge", spec, "--scale-file", str(ALLIANCE), "--out", str(out))
        assert done.code == 0, done.err
        assert {rating.scale for rating in read_run(out, "ratings.jsonl", Rating)} == {"alliance"}
        more = ["--scale-file", str(ALLIANCE), "--scales", "alliance,basic"]
        assert cocoon("judge", str(out), "--judge", spec, *more).code == 0
        assert {rating.scale for rating in read_run(out, "ratings.jsonl", Rating)} == {"alliance", "basic"}
        lost = cocoon("judge", str(out), "--judge", spec, "--scale-file", str(ALLIANCE), "--scales", "basic")
    assert lost.code == 2 and "holds the scale 'alliance'. Name it among --scales" in lost.err


@pytest.mark.parametrize("out", [["--out", ""], ["--out="], ["--out", " "]])
def test_an_empty_path_is_refused(out: list[str]) -> None:
    done = cocoon("simulate", "--profiles", "shipped:en", *out)
    assert done.code == 2 and done.err.startswith("cocoon: --out is empty.") and done.err.count("\n") == 1


def test_an_empty_argument_is_refused() -> None:
    done = cocoon("report", "")
    assert done.code == 2 and "argument 2 is empty" in done.err


def test_an_empty_folder_is_refused_in_python_too() -> None:
    with pytest.raises(CocoonError, match="out is empty"):
        library.simulate(out="", profiles="shipped:en", progress=False)
    with pytest.raises(CocoonError, match="out is empty"):
        library.build_profiles(out="", progress=False)


TALK = ("simulate", "--profiles", "shipped:en", "--out", "OUT")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ((*TALK, "--difficulty", "brutal"), "'brutal' is not one of 'easy', 'normal', 'hard'"),
        ((*TALK, "--scales", "basic"), "nobody judges. Name a judge"),
        ((*TALK, "-o", "judge.votes=3"), "-o judge.votes: nobody judges"),
        ((*TALK, "--scale-file", str(ALLIANCE)), "nobody judges. Name a judge"),
        ((*TALK, "--user-kind", "prompted", "--rules", "listening"), "a prompted user has no trust gate"),
        ((*TALK, "--preset", "paper", "--difficulty", "hard"), "a prompted user has no trust gate"),
        ((*TALK, "-o", "supporters.2.temperature=1"), "there is no supporters.2"),
        (("judge", "RUN", "--judge", "x:y", "--out", "OUT"), "is a run folder, and its ratings go into it"),
        (("judge", "RUN", "--judge", "x:y", "--seed", "3"), "seed 3 chooses a sample"),
        (("judge", "RUN", "--judge", "x:y", "-o", "rounds=3"), "-o rounds: `cocoon judge` has no use for it"),
        (("script", "--profiles", "shipped:en", "--out", "OUT", "-o", "aels_mean=5"), "the threshold is 'share'"),
        (("ablate", "--out", "OUT", "--judge", "x:y", "--compare-only", "--rounds", "3"), "simulates nothing"),
        (("report", "RUN", "--like", "table3", "--language", "zh"), "has no figures and no other scales"),
        (("view", "RUN", "--export", "OUT", "--port", "0"), "--port has no use with --export"),
        (("export", "RUN", "--to", "tables", "-o", "OUT", "--thoughts", "inline"), "--thoughts has no use with --to"),
        (("export", "RUN", "--to", "inspect", "-o", "OUT", "--format", "csv"), "--format has no use with --to"),
        (("power", "--rates", "0.6,0.7", "--spread", "1"), "--spread has no use with --rates"),
        (("power", "--difference", "1", "--spread", "1", "--discordant", "0.2"), "--discordant has no use"),
        (("profiles", "stats", "shipped:en", "--language", "zh"), "--language has no use without --figure"),
        (("profiles", "stats", "shipped:en", "--seed", "3"), "--seed has no use where nothing is drawn"),
        (("doctor", "--timeout", "3"), "--timeout has no use without --model or --judge"),
        (("train", "--preview", "--out", "OUT"), "--preview trains nothing and writes nothing"),
        (("train", "--seed", "3", "launch", "ddp"), "--seed before 'launch' would be lost"),
        (
            ("steer", "extract", "--model", "local:x", "--out", "OUT", "--band", "1-2", "--choose", "f"),
            "--choose has no",
        ),
        (("serve", "--model", ""), "--model is empty"),
    ],
)
def test_what_would_be_lost_is_refused(arguments: tuple[str, ...], told: str, run: Path, tmp_path: Path) -> None:
    paths = {"RUN": str(run), "OUT": str(tmp_path / "out")}
    done = cocoon(*(paths.get(argument, argument) for argument in arguments))
    assert done.code == 2 and told in " ".join(done.err.split())
    assert not (tmp_path / "out").exists() and not (run / "ratings.jsonl").exists()


def test_votes_of_a_configuration_are_honoured_by_an_ablation(tmp_path: Path) -> None:
    file = tmp_path / "study.yaml"
    file.write_text("judge: {votes: 3}\n", "utf-8")
    done = cocoon("ablate", "--judge", "x:y", "--config", str(file), "--compare-only", "--out", str(tmp_path / "out"))
    # Three votes at temperature 0 are refused, which shows that they were seen.
    assert done.code == 2 and "votes at temperature 0 are copies of one" in done.err
