"""Write dialogues, split and settings for LLaMA-Factory, which the paper trained with, and list the differences.

LLaMA-Factory expects that the user speaks first and that every user turn has an answer. So a dialogue that the
supporter opens starts with a user stub, after which the opening is a trained turn as it is here. Turns after the last
reply are left out.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from cocoon.core.errors import CocoonError
from cocoon.core.jsonl import write_whole
from cocoon.core.prompts import load_prompt
from cocoon.core.records import Dialogue
from cocoon.corpora.export.card import Exported
from cocoon.corpora.export.export import refuse_unlicensed
from cocoon.models.messages import USER_STUB, fit_to_template
from cocoon.training.adapters.new_folder import refuse_existing
from cocoon.training.config import TrainConfig
from cocoon.training.data.labels import messages_of
from cocoon.training.data.rows import read_rows
from cocoon.training.fit.base import public_name

_FROM = {"user": "human", "assistant": "gpt"}
DIFFERENCES = (
    f"A talk that the supporter opens has the user's stub {USER_STUB!r} before it: LLaMA-Factory leaves out talks in "
    "which the assistant speaks first. Here no stub is put where the template needs none.",
    "The system text and the tokens around each turn are those of LLaMA-Factory's own `template`, not the tokenizer's; "
    "the end of a turn may differ by a newline.",
    "Over-long talks: LLaMA-Factory stops at the pair of turns that does not fit and may cut inside it; here the cut "
    "stands after a whole reply. Both keep the start.",
    "`neat_packing` isolates dialogues as packing does here; without it LLaMA-Factory pads one dialogue a row.",
    "Validation loss is a mean over batches in both; the batch is the same, the padding is not.",
    "LoRA weights begin from another draw, and the order of rows is another: losses will not be equal.",
    "Near-duplicates, held-out profiles and the draw were applied before these files were written.",
)


@dataclass(frozen=True)
class HandedOver:
    """Counts of what was written: dialogues on each side, and dialogues that lost turns after the last reply."""

    folder: str
    train: int
    validation: int
    shortened: int


def hand_over(config: TrainConfig, template: str, out: Path, *, i_have_the_right: bool = False) -> HandedOver:
    """Write the dataset, dataset_info.json, train.yaml and README.md into `out`.

    `template` is LLaMA-Factory's name of it, such as llama3 or qwen. Raises CocoonError for text whose licence does not
    allow passing it on, unless `i_have_the_right`, and for a folder that already exists.
    """
    refuse_existing(out)
    if config.data.role != "supporter":
        raise CocoonError(
            f"--role {config.data.role}: only the supporter's replies are handed over, because the user's prompt "
            "changes with every turn; leave it out, or train with `cocoon train`"
        )
    corpus = read_rows(config.dialogues, config.data, config.seed)
    exported = Exported()
    for dialogue in (*corpus.train, *corpus.validation):
        exported.count(dialogue)
    if not i_have_the_right:
        refuse_unlicensed(exported, Path(config.dialogues[0]))
    sides = {"train": corpus.train, "validation": corpus.validation}
    rows = {name: [_row(dialogue, config) for dialogue in side] for name, side in sides.items() if side}
    out.mkdir(parents=True)
    for name, side_rows in rows.items():
        write_whole(out / f"{name}.json", [_json(side_rows)])
    write_whole(out / "dataset_info.json", [_json({f"cocoon_{name}": _info(f"{name}.json") for name in rows})])
    write_whole(out / "train.yaml", [yaml.safe_dump(_settings(config, template, rows), sort_keys=False).encode()])
    write_whole(out / "README.md", [_readme(template).encode()])
    shortened = sum(dialogue.turns[-1].role == "user" for side in sides.values() for dialogue in side)
    return HandedOver(str(out), len(corpus.train), len(corpus.validation), shortened)


def _row(dialogue: Dialogue, config: TrainConfig) -> dict[str, Any]:
    system = load_prompt(f"supporter/{config.data.prompt}", dialogue.language, config.prompts_folder).render()
    messages = messages_of(dialogue, system, config.data.thoughts)
    while messages[-1]["role"] != "assistant":
        messages.pop()
    fitted = fit_to_template([*messages, {"role": "user", "content": "."}], user_first=True)[1:-1]
    turns = [{"from": _FROM[message["role"]], "value": message["content"]} for message in fitted]
    return {"id": dialogue.id, "system": system, "conversations": turns}


def _json(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, indent=1).encode()


def _info(name: str) -> dict[str, Any]:
    columns = {"messages": "conversations", "system": "system"}
    tags = {"role_tag": "from", "content_tag": "value", "user_tag": "human", "assistant_tag": "gpt"}
    return {"file_name": name, "formatting": "sharegpt", "columns": columns, "tags": tags}


def _settings(config: TrainConfig, template: str, rows: Mapping[str, Sequence[Any]]) -> dict[str, Any]:
    fit, lora = config.fit, config.lora
    evaluation_rhythm = (
        {"eval_strategy": "steps", "eval_steps": fit.evaluate_every}
        if fit.evaluate_every
        else {"eval_strategy": "epoch"}
    )
    saves = {name.replace("eval", "save"): value for name, value in evaluation_rhythm.items()}
    validates = {
        "eval_dataset": "cocoon_validation",
        "per_device_eval_batch_size": fit.evaluation_batch,
        **evaluation_rhythm,
        "load_best_model_at_end": True,
        "metric_for_best_model": "eval_loss",
        "greater_is_better": False,
    }
    return {
        "model_name_or_path": public_name(config.base_name),
        "stage": "sft",
        "do_train": True,
        "finetuning_type": "lora",
        "lora_rank": lora.rank,
        "lora_alpha": lora.alpha,
        "lora_dropout": lora.dropout,
        "lora_target": "all" if lora.targets == "all-linear" else lora.targets,
        **({"quantization_bit": 4} if lora.quantise == "4bit" else {}),
        "dataset": "cocoon_train",
        "dataset_dir": ".",
        "template": template,
        "cutoff_len": config.data.max_length,
        "neat_packing": fit.packing == "auto",
        "output_dir": "saves",
        "per_device_train_batch_size": fit.batch,
        "gradient_accumulation_steps": fit.accumulate,
        "learning_rate": fit.learning_rate,
        "num_train_epochs": fit.epochs,
        **({"max_steps": fit.steps} if fit.steps else {}),
        "lr_scheduler_type": fit.scheduler,
        "warmup_ratio": fit.warmup,
        "weight_decay": fit.weight_decay,
        "max_grad_norm": fit.clip,
        "bf16": True,
        "seed": config.seed,
        "logging_steps": 1,
        "plot_loss": True,
        "save_total_limit": 2,
        **saves,
        **(validates if "validation" in rows else {}),
    }


def _readme(template: str) -> str:
    lines = [
        "# For LLaMA-Factory",
        "",
        f"`llamafactory-cli train train.yaml` in this folder (template {template}). LLaMA-Factory pins older versions "
        "of trl, peft and transformers than `cocoon train`: install it in an environment of its own.",
        "",
        "What differs from `cocoon train`:",
        *(f"- {difference}" for difference in DIFFERENCES),
        "",
        "The adapter in `saves` opens as `local:BASE+adapter=saves`. It has no card, so only its layers are checked; "
        "give its system prompt with `--supporter-prompt`.",
        "",
    ]
    return "\n".join(lines)
