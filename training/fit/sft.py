"""Supervised fine-tuning of an adapter, from configuration to card. The same call resumes after a kill."""

import gc
import hashlib
import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

from cocoon import __version__
from cocoon.agents.users.guarded import MOMENT
from cocoon.agents.users.guarded import PROMPT as USER_PROMPT
from cocoon.core.errors import CocoonError, StoppedError
from cocoon.core.jsonl import dump_line, write_whole
from cocoon.core.outside.interrupts import stop_requests
from cocoon.core.outside.profile_files import profile_path
from cocoon.core.prompts import Prompt, load_prompt, prompt_shas
from cocoon.core.records import Language
from cocoon.models.local.libraries import quiet
from cocoon.models.local.weights import Weights, model_hash
from cocoon.training.adapters.card import Card, Source, SplitSide, is_file_hash, read_card, write_card
from cocoon.training.config import TrainConfig
from cocoon.training.data.labels import Encoder
from cocoon.training.data.rows import Rows, TrainingCorpus, encode_rows, read_rows
from cocoon.training.fit.base import load_base, public_name, require_training
from cocoon.training.fit.folder import agree_on_data, find_best, hashes_of, is_main, last_checkpoint, opened_training
from cocoon.training.fit.isolation import attention_of, isolates
from cocoon.training.fit.trainer import (
    StopRequest,
    Watch,
    is_finished,
    known_warnings,
    make_trainer,
    not_saved,
    room_left,
)

_PACKAGES = ("torch", "transformers", "trl", "peft", "accelerate", "datasets")
_KEPT_FILES = ("adapter_config.json", "adapter_model.safetensors")
USER_PROMPTS = (USER_PROMPT, MOMENT)
Say = Callable[[str], None]


@dataclass
class Prepared:
    """Everything before the first step: the base, its encoder, and both sides as ids."""

    config: TrainConfig
    weights: Weights
    encoder: Encoder
    corpus: TrainingCorpus
    train: Rows
    validation: Rows
    prompt_shas: dict[str, str]


def prepare(config: TrainConfig) -> Prepared:
    """Read the dialogues, load the base and encode both sides.

    Raises CocoonError for dialogues, a base or a template that cannot be trained on, and if nothing is left on a side.
    """
    require_training()
    corpus = read_rows(config.dialogues, config.data, config.seed)
    weights = load_base(config)
    most = min(config.data.max_length, weights.context)
    encoder = Encoder(weights.template, weights.eos, thoughts=config.data.thoughts, max_length=most, name=weights.name)
    prompts: dict[Language, Prompt] = {
        language: load_prompt(f"supporter/{config.data.prompt}", language, config.prompts_folder)
        for language in _LANGUAGES
    }

    def system_of(language: Language) -> str:
        return prompts[language].render()

    role, folder = config.data.role, config.prompts_folder
    train, validation = (
        encode_rows(side, encoder, system_of, role, folder) for side in (corpus.train, corpus.validation)
    )
    for name, is_needed, side in (("training", True, train), ("validation", bool(corpus.validation), validation)):
        if is_needed and not side.rows:
            raise CocoonError(
                f"{', '.join(corpus.files)}: nothing is left on the {name} side ({_reasons(side)}); "
                f"raise data.max_length (now {most} tokens) or give more dialogues"
            )
    return Prepared(
        config,
        weights,
        encoder,
        corpus,
        train,
        validation,
        _prompt_shas(config, prompts),
    )


def _prompt_shas(config: TrainConfig, prompts: Mapping[Language, Prompt]) -> dict[str, str]:
    """Return hashes of the prompts under which replies are trained: the supporter's by language, the user's by name."""
    role = config.data.role
    supporters = {language: prompt.sha for language, prompt in prompts.items()} if role != "user" else {}
    return supporters | (prompt_shas(USER_PROMPTS, config.prompts_folder) if role != "supporter" else {})


_LANGUAGES: tuple[Language, ...] = ("zh", "en")


def _reasons(rows: Rows) -> str:
    return ", ".join(f"{number} {reason}" for reason, number in rows.dropped.items()) or "no dialogue"


def train(config: TrainConfig, out: Path, watch: Watch | None = None, say: Say = print) -> Card:
    """Train into `out`, resuming from its last complete checkpoint. At the end `out` holds the adapter and its card.

    Raises CocoonError for what cannot be trained, and NotSavedError if the disk is full. The last checkpoint stays.
    """
    try:
        if not is_main():
            return read_card(out) or _fit(prepare(config), out, None, lambda _: None)
        with opened_training(out, config):
            agree_on_data(out, hashes_of(_files(config)))
            card = read_card(out)
            if card is not None:
                say(f"{out}: was trained to the end before")
                return card
            return _fit(prepare(config), out, watch, say)
    finally:
        _release()


def _release() -> None:
    """Free the memory of network and optimiser, because trainers refer to themselves and another base may come next."""
    gc.collect()
    if "torch" in sys.modules:
        sys.modules["torch"].cuda.empty_cache()


def _files(config: TrainConfig) -> list[Path]:
    data = config.data
    profiles = [path for name in data.held_out for path in profile_path(name)]
    return [*map(Path, config.dialogues), *map(Path, data.no_larger_than), *profiles]


def _fit(ready: Prepared, out: Path, watch: Watch | None, say: Say) -> Card:
    config, weights = ready.config, ready.weights
    packing, note = _packing(ready)
    for remark in (note, _missing_thoughts(ready)):
        if remark:
            say(remark)
    if is_main():
        agree_on_data(out, {"the rows made of them": _rows_sha(ready)})
    resumed = last_checkpoint(out)
    if resumed is not None:
        say(f"going on from {resumed.name}")
        if is_main():
            find_best(resumed)
    base_hash = model_hash(weights.network)
    stop = StopRequest()
    trainer = make_trainer(
        config,
        weights,
        ready.train.rows,
        ready.validation.rows,
        out,
        packing=packing,
        watch=watch,
        stop=stop,
    )
    # Of several processes each would stop after a step of its own, and the others would wait for it for ever.
    requests = stop_requests(stop.ask) if trainer.args.world_size == 1 else nullcontext()
    with quiet(), known_warnings(), requests:
        if resumed is None or not is_finished(trainer, resumed):
            trainer.train(resume_from_checkpoint=str(resumed) if resumed else None)
    if stop.number is not None and trainer.state.global_step < trainer.state.max_steps:
        step = trainer.state.global_step
        raise StoppedError(f"{out}: stopped; the same command goes on after step {step}, which is saved", stop.number)
    sha = _save(trainer, weights, out)
    card = _card(ready, trainer, base_hash, sha, packing, note)
    if is_main():
        # A checkpoint sorts the keys, so that what was resumed would differ from what was not.
        history = [
            dict(sorted(entry.items())) for entry in trainer.state.log_history if {"loss", "eval_loss"} & entry.keys()
        ]
        write_whole(out / "losses.jsonl", map(dump_line, history))
        write_card(out, card)
    return card


def _missing_thoughts(ready: Prepared) -> str:
    """Return a remark if thoughts should be trained but no dialogue has any."""
    data = ready.config.data
    if data.thoughts == "none" or data.role == "user" or ready.train.thinking:
        return ""
    return "no dialogue has a thought, so none is trained (data.thoughts: inline)"


def _rows_sha(ready: Prepared) -> str:
    """Return the SHA-256 of all ids and labels, which depends on dialogues, prompts, template and tokenizer."""
    digest = hashlib.sha256()
    for side in (ready.train, ready.validation):
        for row in side.rows:
            digest.update(repr((row.input_ids, row.labels)).encode())
    return digest.hexdigest()


def _packing(ready: Prepared) -> tuple[bool, str]:
    """Return whether to pack, and a remark if not."""
    if ready.config.fit.packing == "none":
        return False, ""
    if not isolates(ready.weights.network):
        attention = attention_of(ready.weights.network)
        return False, f"not packed: under the attention {attention!r} dialogues in one row would see each other"
    return True, ""


def _save(trainer: Any, weights: Weights, out: Path) -> str:
    """Put the adapter into `out`, each file by one rename, and return its SHA-256."""
    from safetensors import SafetensorError

    part = out / ".part"
    adapter_config = trainer.model.peft_config["default"]
    adapter_config.base_model_name_or_path = public_name(weights.name)
    # Others read it as a commit of the hub, which the hash of a GGUF file is not.
    adapter_config.revision = None if is_file_hash(weights.revision) else weights.revision
    try:
        with quiet():
            trainer.save_model(str(part))
        if not is_main():
            return ""
        sha = hashlib.sha256((part / _KEPT_FILES[1]).read_bytes()).hexdigest()
        for name in _KEPT_FILES:
            (part / name).chmod(0o644)
            (part / name).replace(out / name)
    except (OSError, RuntimeError, SafetensorError) as error:
        raise not_saved(out, "the adapter", error, room_left(out)) from None
    finally:
        if is_main():
            shutil.rmtree(part, ignore_errors=True)
    return sha


def _card(ready: Prepared, trainer: Any, base_hash: str | None, sha: str, packing: bool, note: str) -> Card:
    config, corpus, state = ready.config, ready.corpus, trainer.state
    losses = [entry for entry in state.log_history if "eval_loss" in entry]
    before = next((entry["eval_loss"] for entry in losses if entry["step"] == 0), None)
    trained = [entry["loss"] for entry in state.log_history if "loss" in entry]
    return Card(
        cocoon=__version__,
        name=config.name or Path(config.dialogues[0]).stem,
        base=public_name(ready.weights.name),
        revision=ready.weights.revision,
        base_hash=base_hash,
        weights_sha256=sha,
        role=config.data.role,
        thoughts="none" if config.data.role == "user" else config.data.thoughts,
        prompt=config.data.prompt,
        prompt_shas=ready.prompt_shas,
        sources=[
            Source(source=source, licence=licence, language=_language(language), dialogues=number)
            for (source, licence, language), number in sorted(corpus.sources.items())
        ],
        read=corpus.read,
        dropped=dict(corpus.dropped + ready.train.dropped + ready.validation.dropped),
        left_out=dict(ready.train.left_out + ready.validation.left_out),
        drawn=corpus.drawn,
        train=_side(ready.train),
        validation=_side(ready.validation) if ready.validation.rows else None,
        split_sha256=split_sha(corpus),
        packing=packing,
        packing_note=note,
        attention=attention_of(ready.weights.network),
        dtype=ready.weights.dtype,
        device=trainer.args.device.type,
        processes=trainer.args.world_size,
        parameters=sum(parameter.numel() for parameter in trainer.model.parameters() if parameter.requires_grad),
        steps=state.global_step,
        best_step=state.best_global_step if losses else None,
        loss_before=before,
        best_loss=state.best_metric if losses else None,
        last_train_loss=trained[-1] if trained else None,
        settings=config.model_dump(mode="json"),
        packages={name: metadata.version(name) for name in _PACKAGES},
    )


def _language(name: str) -> Language:
    return "zh" if name == "zh" else "en"


def _side(rows: Rows) -> SplitSide:
    return SplitSide(
        dialogues=rows.dialogues,
        profiles=len(rows.people),
        thinking=rows.thinking,
        turns=rows.turns,
        tokens=rows.tokens,
        trained=rows.trained,
        cut=rows.cut,
        turns_cut=rows.turns_cut,
    )


def split_sha(corpus: TrainingCorpus) -> str:
    """Return the SHA-256 over the ids of both sides, which identifies trainings on the same split."""
    sides: Sequence[Sequence[str]] = [[dialogue.id for dialogue in side] for side in (corpus.train, corpus.validation)]
    return hashlib.sha256(repr(sides).encode()).hexdigest()
