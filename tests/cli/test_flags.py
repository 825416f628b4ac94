"""The flags of every command: those of earlier releases stay, and what is given is honoured or refused."""

from typing import Any

import pytest
import typer

from cocoon.cli.main import app

# Every command's options as they were when settings began to be declared once. A name that is lost breaks a script.
OPTIONS = {
    "": "--version",
    "ablate": (
        "--out --judge --profiles -n --limit --conditions --every-pair --compare-only --votes --rounds "
        "--supporter --user --user-kind --appraiser --seed --concurrency --timeout --budget-calls --config -o "
        "--allow-cloud-tracing --json"
    ),
    "asking": (
        "--out --talks --turns --rules --sweep --writer --meaning --rounds --supporter --supporter-prompt --user "
        "--difficulty --appraiser --samples --judge --scales --votes --seed --concurrency --timeout --budget-calls "
        "--config -o --allow-cloud-tracing --dry-run --json"
    ),
    "branch": (
        "--out --turn --move --writer --meaning --enough --outcome "
        "--rounds --supporter --supporter-prompt --user --difficulty --rules --appraiser --samples "
        "--judge --scales --votes --seed --concurrency --timeout --budget-calls --budget-tokens --budget-money "
        "--shard --engine --replicas --config -o --allow-cloud-tracing --dry-run --json"
    ),
    "chat": (
        "--as --profile --language --supporter --supporter-prompt --user --user-kind --difficulty --rules "
        "--appraiser --out --timeout --config --preset -o --allow-cloud-tracing"
    ),
    "compare": (
        "--supporter --baseline --judge --prompt --allow-different-judges --no-allow-different-judges "
        "--scale-file --out --json"
    ),
    "config show": "--config --preset -o --json",
    "corpus export": "-o --out --format --thoughts --i-have-the-right --force --json",
    "corpus identify": "--json",
    "corpus import": "-o --out -n --limit --force --json --map --roles --skip-unreadable",
    "corpus list": "--json",
    "corpus stats": "-n --limit --like --json --map --roles --skip-unreadable",
    "demo": "--recorded --out -n --limit --rounds --language --no-open",
    "doctor": "--model --judge --language -n --out --verbose --timeout --json",
    "export": "--to -o --out --endpoint --content --format --thoughts --i-have-the-right --scale --force",
    "fidelity": "--against --out --json",
    "graph": "--out -o --json",
    "human export": "--out --csv --potato --chats",
    "human import": "--out",
    "human rated": "--map --scale-file",
    "human report": "--out --run --ablation --json",
    "human serve": "--out --port",
    "judge": (
        "--judge --judges --scales --votes --permute --show-need --no-show-need --scale-file --out --sample --seed "
        "--concurrency --timeout --budget-calls --budget-tokens --budget-money --shard --engine --replicas --config -o "
        "--allow-cloud-tracing --dry-run --json"
    ),
    "merge": "--out --json",
    "new": "--folder",
    "panel": (
        "--out --profiles -n --limit --language --rounds --samples --supporter --supporter-prompt --user --rules "
        "--difficulty --appraiser --judge --scales --votes --permute --scale-file --seed --concurrency --timeout "
        "--budget-calls --budget-tokens --budget-money --config -o --allow-cloud-tracing --dry-run --json"
    ),
    "plan": "--machines --people --like --seconds --endpoint-calls --cpu-ms -o --json",
    "power": (
        "--difference --spread --rates --discordant --noise --turns --futures --run --profiles --power --level --json"
    ),
    "profiles build": (
        "--out -n --limit --language --writer --rater --taxonomy --seed --concurrency --timeout "
        "--budget-calls --budget-tokens --budget-money --shard --engine --replicas --config -o "
        "--allow-cloud-tracing --dry-run --json"
    ),
    "profiles import": "-o --out -n --limit --force --json --skip-unreadable",
    "profiles judge": (
        "--judge --planted --language --out -n --limit --concurrency --timeout --budget-calls --budget-tokens "
        "--budget-money --config -o --allow-cloud-tracing --dry-run --json"
    ),
    "profiles show": "--json",
    "profiles stats": "--like --figure --text --sample --seed --language --json",
    "profiles translate": (
        "--to --out --model -n --limit --concurrency --timeout --budget-calls --config -o --allow-cloud-tracing --json"
    ),
    "questions": "--role --language --sentences --json --skip-unreadable",
    "report": "--scale-file --like --language --trace --no-trace --json",
    "reproduce": (
        "--out --config --stages -n --talking --judge --served --concurrency --budget-calls -o --allow-cloud-tracing "
        "--json"
    ),
    "script": (
        "--out --profiles -n --limit --language --writer --rater --rewrite --threshold --seed --concurrency "
        "--writer-rules --timeout --budget-calls --budget-tokens --budget-money --shard --engine --replicas --config "
        "-o --allow-cloud-tracing --dry-run --json"
    ),
    "serve": "--model --port --max-tokens --allow-host --api-key-env",
    "serve-plan": "--port --directions --length --out -o --json",
    "simulate": (
        "--out --profiles -n --limit --rounds --supporter --supporter-prompt --user --user-kind --difficulty "
        "--rules --appraiser --samples --language --judge --scales --votes --seed --concurrency --timeout "
        "--budget-calls --budget-tokens --budget-money --preset --shard --engine --replicas --config -o "
        "--allow-cloud-tracing --dry-run --json"
    ),
    "steer calibrate": (
        "--model --direction --ratio --prompt --prompts --talks --situations -n --limit --check --samples "
        "--max-tokens --temperature --top-p --seed --allow-overlap --mode --tokens --at --coherence "
        "--labels -o --out --json"
    ),
    "steer export": "--direction -o --out --model-type",
    "steer extract": (
        "--model -o --out --pairs -n --limit --kind --position --method --layers --band --choose --replies --at "
        "--preset --max-tokens --seed --json"
    ),
    "steer fold": "--model -o --out",
    "steer import": "--model -o --out --kind --at",
    "steer pairs": (
        "--out --model -n --limit --each --concurrency --timeout --budget-calls --config -o "
        "--allow-cloud-tracing --json"
    ),
    "steer sweep": (
        "--direction --coefficient --ratio --talks --moments --labels --coherence --out --model --profiles -n --limit "
        "--rounds --samples --users --user --rules --appraiser --judge --scales --placebo --no-placebo --random "
        "--repeng --tokens --at --served --allow-overlap --concurrency --timeout --budget-calls --shard --engine "
        "--replicas --config -o --allow-cloud-tracing --dry-run --json"
    ),
    "train": (
        "--out --base --dialogues --role --thoughts --prompt --max-length --max-steps --epochs --evaluate-every "
        "--patience --held-out --no-larger-than --seed --preset --config -o --preview --json"
    ),
    "train llama-factory": "--out --dialogues --template --preset --config -o --i-have-the-right --json",
    "train merge": "--out --base --dtype --json",
    "train pack": "--out --dtype --json",
    "view": "--export --with --language --scale --port",
    "wait-for": "--seconds",
}


def options_of(name: str) -> set[str]:
    """Every name of an option that a command has."""
    command: Any = typer.main.get_command(app)
    for part in name.split():
        command = command.get_command(typer.Context(command), part)
    return {option for one in command.params for option in (*one.opts, *one.secondary_opts) if option.startswith("-")}


@pytest.mark.parametrize("name", OPTIONS)
def test_every_flag_of_earlier_releases_is_there(name: str) -> None:
    assert set(OPTIONS[name].split()) - options_of(name) == set()
