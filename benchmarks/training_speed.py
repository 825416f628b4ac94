"""Speed and memory of `cocoon train` beside a bare TRL script with the same rows and settings; the gain of packing.

    python -m cocoon.benchmarks.training_speed [--sample SMILE.jsonl] [--base smollm2] [--rounds 3] [--steps 6]

Every arm is a process of its own, and arms take turns in a rotating order. Without `--base` the base is a Llama of
random weights with a small vocabulary (`--width`, `--layers`). Tokens are those of rows, padding not counted. `cpu` is
CPU time between the first and the last optimiser step; `whole` is that of the whole process, imports, encoding,
validation and saving too. A ratio is speed over the speed of the bare script in the same round, median over rounds.
"""

import argparse
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
OURS, BARE, APART = "cocoon train", "bare TRL", "cocoon train, not packed"
ACCUMULATE, VALIDATION = 2, 0.1


@dataclass(frozen=True)
class Size:
    """What a round does: optimiser steps of `ACCUMULATE` packs of `length` tokens over a base of that `dtype`."""

    base: str
    steps: int
    length: int
    dtype: str


def random_llama(folder: Path, texts: list[str], width: int, layers: int) -> Path:
    """A Llama of random weights with a byte-level tokenizer of 2,000 tokens, learnt on `texts`."""
    import torch
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    core = Tokenizer(models.BPE())
    core.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    core.decoder = decoders.ByteLevel()
    special = ["<pad>", "<|im_start|>", "<|im_end|>"]
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    core.train_from_iterator(
        texts,
        trainers.BpeTrainer(vocab_size=2000, special_tokens=special, initial_alphabet=alphabet, show_progress=False),
    )
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=core, eos_token="<|im_end|>", pad_token="<pad>")
    tokenizer.chat_template = (
        "{% for m in messages %}<|im_start|>{{ m['role'] }}\n{{ m['content'] }}<|im_end|>\n{% endfor %}"
        "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
    )
    tokenizer.save_pretrained(folder)
    torch.manual_seed(0)
    shape = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=width,
        intermediate_size=width * 3,
        num_hidden_layers=layers,
        num_attention_heads=width // 32,
        num_key_value_heads=max(1, width // 128),
        max_position_embeddings=4096,
        eos_token_id=core.token_to_id("<|im_end|>"),
        pad_token_id=core.token_to_id("<pad>"),
    )
    LlamaForCausalLM(shape).save_pretrained(folder)
    return folder


def settings(size: Size, folder: Path, *, packed: bool, batch: int) -> Any:
    """The settings of our arms; the bare script has the same."""
    from cocoon.training.config import TrainConfig

    fit = {"steps": size.steps, "evaluate_every": size.steps, "accumulate": ACCUMULATE, "batch": 1 if packed else batch}
    return TrainConfig.model_validate(
        {
            "base": f"local:{size.base}",
            "dialogues": [str(folder / "dialogues.jsonl")],
            "data": {"max_length": size.length, "validation": VALIDATION, "near_duplicate": None, "thoughts": "none"},
            "fit": {**fit, "packing": "auto" if packed else "none", "dtype": size.dtype},
        }
    )


def ours(size: Size, folder: Path, *, packed: bool, batch: int) -> dict[str, Any]:
    """Our arm: CPU time at each logged step, and tokens by then."""
    from cocoon.training.fit.sft import train
    from cocoon.training.fit.trainer import TrainingStep

    at: dict[int, float] = {}
    out = folder / "out"
    config = settings(size, folder, packed=packed, batch=batch)

    def clock(step: TrainingStep) -> None:
        at.setdefault(step.step, time.process_time())

    train(config, out, clock)
    lines = [json.loads(line) for line in (out / "losses.jsonl").read_text("utf-8").splitlines()]
    return _told(at, {line["step"]: line["num_tokens"] for line in lines if "loss" in line}, lines)


def bare(size: Size, folder: Path) -> dict[str, Any]:
    """The peer: what its documentation shows, with rows that are labelled already."""
    from datasets import Dataset
    from peft import LoraConfig
    from transformers import AutoModelForCausalLM, AutoTokenizer, TrainerCallback
    from trl.trainer.sft_config import SFTConfig
    from trl.trainer.sft_trainer import SFTTrainer

    at: dict[int, float] = {}

    class Clock(TrainerCallback):
        """Notes the CPU time of each logged step."""

        def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **named: Any) -> None:
            del args, control, named, logs
            at.setdefault(state.global_step, time.process_time())

    rows = json.loads((folder / "rows.json").read_text("utf-8"))
    given = SFTConfig(
        output_dir=str(folder / "out"),
        seed=42,
        data_seed=42,
        max_steps=size.steps,
        learning_rate=2e-4,
        lr_scheduler_type="cosine",
        warmup_steps=0.03,
        weight_decay=0.0,
        per_device_train_batch_size=1,
        gradient_accumulation_steps=ACCUMULATE,
        per_device_eval_batch_size=4,
        max_length=size.length,
        packing=True,
        eval_packing=False,
        eval_strategy="steps",
        eval_steps=size.steps,
        eval_on_start=True,
        save_strategy="steps",
        save_steps=size.steps,
        load_best_model_at_end=True,
        metric_for_best_model="eval_loss",
        greater_is_better=False,
        bf16=size.dtype == "bfloat16",
        use_cpu=True,
        gradient_checkpointing=True,
        gradient_checkpointing_kwargs={"use_reentrant": False},
        logging_steps=1,
        disable_tqdm=True,
        report_to="none",
    )
    trainer = SFTTrainer(
        model=AutoModelForCausalLM.from_pretrained(size.base, dtype=size.dtype),
        args=given,
        train_dataset=Dataset.from_list(rows["train"]),
        eval_dataset=Dataset.from_list(rows["validation"]),
        processing_class=AutoTokenizer.from_pretrained(size.base),
        peft_config=LoraConfig(r=32, lora_alpha=16, target_modules="all-linear", task_type="CAUSAL_LM"),
        callbacks=[Clock()],
    )
    trainer.train()
    trainer.save_model(str(folder / "out"))
    history: list[Any] = trainer.state.log_history
    return _told(at, {one["step"]: one["num_tokens"] for one in history if "loss" in one}, history)


def _told(at: dict[int, float], tokens: dict[int, float], history: list[Any]) -> dict[str, Any]:
    first, last = min(tokens), max(tokens)
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return {
        "tokens": tokens[last] - tokens[first],
        "cpu": at[last] - at[first],
        "whole": usage.ru_utime + usage.ru_stime,
        "peak_mb": usage.ru_maxrss / 1024,
        "losses": [round(one["loss"], 5) for one in history if "loss" in one],
        "validation": [round(one["eval_loss"], 5) for one in history if "eval_loss" in one],
    }


def prepare_rows(size: Size, folder: Path) -> int:
    """Write the rows for the bare script, from our encoder; how many dialogues go into a pack."""
    from cocoon.training.fit.sft import prepare

    ready = prepare(settings(size, folder, packed=True, batch=1))
    sides = {"train": ready.train.rows, "validation": ready.validation.rows}
    plain = {name: [{"input_ids": r.input_ids, "labels": r.labels} for r in rows] for name, rows in sides.items()}
    (folder / "rows.json").write_text(json.dumps(plain), "utf-8")
    return max(1, round(size.length * len(ready.train.rows) / ready.train.tokens))


def import_sample(sample: Path, folder: Path, number: int) -> list[str]:
    """Write the dialogues of a SMILE file, repeated where it has fewer than `number`; what is said in them."""
    from cocoon.core.jsonl import dump_line
    from cocoon.corpora.dialogue_loaders import read_corpus

    read = list(read_corpus("smile", sample, number).dialogues)
    with (folder / "dialogues.jsonl").open("wb") as file:
        for place in range(number):
            one = read[place % len(read)]
            named = {"id": f"d{place}", "profile": one.profile.model_copy(update={"id": f"p{place}"})}
            file.write(dump_line(one.model_copy(update=named)))
    return [turn.content for one in read for turn in one.turns]


def arm(name: str, size: Size, folder: Path, batch: int) -> dict[str, Any]:
    """Run one arm in a process of its own, in a folder of its own."""
    with tempfile.TemporaryDirectory(dir=folder) as place:
        for file in ("dialogues.jsonl", "rows.json"):
            (Path(place) / file).symlink_to(folder / file)
        given = ["--arm", name, "--folder", place, "--batch", str(batch)]
        given += [part for key, value in asdict(size).items() for part in (f"--{key}", str(value))]
        command = [sys.executable, "-m", "cocoon.benchmarks.training_speed", *given]
        done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{name}: {done.stderr.strip().splitlines()[-1]}")
    return json.loads(done.stdout.strip().splitlines()[-1])


def work(options: argparse.Namespace) -> dict[str, Any]:
    """What the process of an arm does."""
    size = Size(options.base, options.steps, options.length, options.dtype)
    if options.arm == BARE:
        return bare(size, options.folder)
    return ours(size, options.folder, packed=options.arm == OURS, batch=options.batch)


def table(rounds: list[dict[str, dict[str, Any]]]) -> list[str]:
    """A line for each arm."""
    lines = ["| arm | tokens per CPU second | ratio to bare TRL | whole process, CPU s | peak MB | ratio |"]
    lines.append("| --- | --- | --- | --- | --- | --- |")
    for name in rounds[0]:
        speed = [one[name]["tokens"] / one[name]["cpu"] for one in rounds]
        ratios = [mine / (one[BARE]["tokens"] / one[BARE]["cpu"]) for mine, one in zip(speed, rounds, strict=True)]
        whole, peak = (statistics.median(one[name][key] for one in rounds) for key in ("whole", "peak_mb"))
        memory = statistics.median(one[name]["peak_mb"] / one[BARE]["peak_mb"] for one in rounds)
        spread = f"{statistics.median(ratios):.3f} ({min(ratios):.3f} to {max(ratios):.3f})"
        lines.append(
            f"| {name} | {statistics.median(speed):.0f} | {spread} | {whole:.1f} | {peak:.0f} | {memory:.3f} |"
        )
    return lines


def main() -> None:
    """Prepare, let the arms take turns, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sample", type=Path, default=ROOT / "examples" / "corpora" / "smile_sample.jsonl")
    parser.add_argument("--dialogues", type=int, default=100)
    parser.add_argument("--base", help="a folder, smollm2, or none for a Llama of random weights")
    parser.add_argument("--width", type=int, default=256)
    parser.add_argument("--layers", type=int, default=4)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=6)
    parser.add_argument("--length", type=int, default=2048)
    parser.add_argument("--dtype", default="float32")
    parser.add_argument("--arm", choices=(OURS, BARE, APART), help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--batch", type=int, default=1, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.arm:
        print(json.dumps(work(options)))
        return
    from cocoon.models.local.weights import model_folder

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        texts = import_sample(options.sample, folder, options.dialogues)
        if options.base:
            base = str(model_folder(options.base)[0])
        else:
            base = str(random_llama(folder / "base", texts, options.width, options.layers))
        size = Size(base, options.steps, options.length, options.dtype)
        batch = prepare_rows(size, folder)
        arms, rounds = (OURS, BARE, APART), []
        for number in range(options.rounds):
            order = arms[number % 3 :] + arms[: number % 3]
            made = {one: arm(one, size, folder, batch) for one in order}
            rounds.append({one: made[one] for one in arms})
            same = made[OURS]["losses"] == made[BARE]["losses"] and made[OURS]["validation"] == made[BARE]["validation"]
            print(f"round {number + 1}: losses of ours and of the bare script are {'equal' if same else 'NOT equal'}")
    shape = f"{ACCUMULATE} packs of {size.length} tokens; not packed: {ACCUMULATE} x {batch} dialogues"
    print(f"\n{options.steps} steps of {shape}")
    print("\n".join(table(rounds)))


if __name__ == "__main__":
    main()
