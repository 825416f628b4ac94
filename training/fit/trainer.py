"""Build TRL's trainer from the configuration, so that it never leaves an incomplete checkpoint."""

import math
import shutil
import signal
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cocoon.core.errors import CocoonError, NotSavedError
from cocoon.models.local.libraries import first_line, quiet
from cocoon.models.local.weights import Weights
from cocoon.training.config import TrainConfig
from cocoon.training.data.labels import Encoded
from cocoon.training.fit.folder import CHECKPOINTS, STATE, last_checkpoint


@dataclass(frozen=True)
class TrainingStep:
    """Progress of a training. Losses are per trained token, in nats, and None if this step has none."""

    step: int
    steps: int
    epoch: float
    loss: float | None = None
    validation_loss: float | None = None
    best_step: int | None = None


Watch = Callable[[TrainingStep], None]


@dataclass
class StopRequest:
    """Whether a signal has asked to stop the training, and which."""

    number: int | None = None

    def ask(self, number: int) -> None:
        """Ask for a checkpoint after this step, and for the end. A second Ctrl-C ends at once, without a checkpoint."""
        if self.number is not None and number == signal.SIGINT:
            raise KeyboardInterrupt
        self.number = number


def make_trainer(
    config: TrainConfig,
    weights: Weights,
    train: Sequence[Encoded],
    validation: Sequence[Encoded],
    out: Path,
    *,
    packing: bool,
    watch: Watch | None = None,
    stop: StopRequest | None = None,
) -> Any:
    """Return an SFTTrainer over a new adapter, ready to train. The base's own weights do not change."""
    from datasets import Dataset, disable_progress_bars
    from peft import LoraConfig

    disable_progress_bars()
    lora = config.lora
    adapter = LoraConfig(
        r=lora.rank,
        lora_alpha=lora.alpha,
        lora_dropout=lora.dropout,
        target_modules=lora.targets,
        task_type="CAUSAL_LM",
        base_model_name_or_path=weights.name,
    )
    sides = [Dataset.from_dict(_columns(rows)) if rows else None for rows in (train, validation)]
    with quiet(), known_warnings():
        trainer = _trainer_class()(
            model=weights.network,
            args=arguments(config, weights, out, bool(validation), packing=packing),
            train_dataset=sides[0],
            eval_dataset=sides[1],
            processing_class=weights.tokenizer,
            peft_config=adapter,
            callbacks=_callbacks(config, bool(validation), watch, stop or StopRequest(), out),
        )
    _remove_printers(trainer)
    return trainer


def _columns(rows: Sequence[Encoded]) -> dict[str, list[list[int]]]:
    return {"input_ids": [row.input_ids for row in rows], "labels": [row.labels for row in rows]}


def arguments(config: TrainConfig, weights: Weights, out: Path, validates: bool, *, packing: bool) -> Any:
    """Return TRL's arguments, setting every one whose default would surprise."""
    import torch
    from trl.trainer.sft_config import SFTConfig

    fit = config.fit
    evaluation_steps = fit.evaluate_every and min(fit.evaluate_every, fit.steps or fit.evaluate_every)
    rhythm = "steps" if evaluation_steps else "epoch"
    return SFTConfig(
        output_dir=str(out.resolve() / CHECKPOINTS),
        seed=config.seed,
        data_seed=config.seed,
        num_train_epochs=fit.epochs,
        max_steps=fit.steps or -1,
        learning_rate=fit.learning_rate,
        lr_scheduler_type=fit.scheduler,
        warmup_steps=fit.warmup,
        weight_decay=fit.weight_decay,
        max_grad_norm=fit.clip,
        per_device_train_batch_size=fit.batch,
        gradient_accumulation_steps=fit.accumulate,
        per_device_eval_batch_size=fit.evaluation_batch,
        max_length=config.data.max_length,
        packing=packing,
        packing_strategy="bfd",
        eval_packing=False,
        eval_strategy=rhythm if validates else "no",
        eval_steps=evaluation_steps,
        eval_on_start=validates and last_checkpoint(out) is None,
        save_strategy=rhythm,
        save_steps=evaluation_steps or 500,
        save_total_limit=2,
        load_best_model_at_end=validates,
        metric_for_best_model="eval_loss" if validates else None,
        greater_is_better=False if validates else None,
        bf16=weights.dtype in ("bfloat16", "4bit"),
        fp16=weights.dtype == "float16",
        use_cpu=not torch.cuda.is_available(),
        gradient_checkpointing=fit.checkpointing,
        gradient_checkpointing_kwargs={"use_reentrant": False} if fit.checkpointing else None,
        dataloader_pin_memory=torch.cuda.is_available(),
        ddp_find_unused_parameters=False,
        # Otherwise a resumed run forgets how many validations in a row brought no improvement.
        restore_callback_states_from_checkpoint=True,
        # Otherwise a loss that is not a number is logged as the mean of the losses before it.
        logging_nan_inf_filter=False,
        logging_steps=1,
        disable_tqdm=True,
        report_to="none",
        log_level="error",
    )


def is_finished(trainer: Any, checkpoint: Path) -> bool:
    """Return whether a checkpoint is that of the last step. If so, give the trainer its state and the best adapter.

    Resuming from it would train one step more than requested.
    """
    from transformers import TrainerState

    state: Any = TrainerState.load_from_json(str(checkpoint / STATE))
    early_stopping = state.stateful_callbacks.get("EarlyStoppingCallback")
    patience = early_stopping and early_stopping["args"]["early_stopping_patience"]
    stopped = patience and early_stopping["attributes"]["early_stopping_patience_counter"] >= patience
    if not stopped and state.global_step < state.max_steps:
        return False
    trainer.state = state
    trainer.model.load_adapter(state.best_model_checkpoint or str(checkpoint), "default")
    return True


@contextmanager
def known_warnings() -> Iterator[None]:
    """Hide the warnings that TRL and transformers raise for each other, about which a user can do nothing."""
    with warnings.catch_warnings():
        for kind, text in (
            (FutureWarning, ".*activation_checkpointing.*"),
            (UserWarning, ".*lr_scheduler.step.*"),
            (UserWarning, ".*use_reentrant.*"),
            (UserWarning, ".*pin_memory.*"),
            (DeprecationWarning, ".*"),
        ):
            warnings.filterwarnings("ignore", text, kind)
        yield


def _trainer_class() -> type:
    from safetensors import SafetensorError
    from trl.trainer.sft_trainer import SFTTrainer

    class WholeCheckpoints(SFTTrainer):
        """Leaves no incomplete checkpoint behind, and writes no model card of its own."""

        def create_model_card(self, *given: Any, **named: Any) -> None:
            """Do nothing, because our own card is written at the end."""

        def _save_checkpoint(self, model: Any, trial: Any) -> None:
            folder = Path(self._get_output_dir(trial=trial)) / f"checkpoint-{self.state.global_step}"
            try:
                super()._save_checkpoint(model, trial)
            except (OSError, RuntimeError, SafetensorError) as error:
                room = room_left(folder.parent)
                shutil.rmtree(folder, ignore_errors=True)
                what = f"the checkpoint of step {self.state.global_step}"
                raise not_saved(folder.parent.parent, what, error, room) from None

    return WholeCheckpoints


def room_left(folder: Path) -> str:
    """Return how much disk space was free when a save failed, because torch's error does not mention a full disk."""
    return f"{shutil.disk_usage(folder).free / 1e6:.1f} MB were free"


def not_saved(out: Path, what: str, error: Exception, room: str) -> NotSavedError:
    """Return the error of a failed save, which names the checkpoint that is still complete."""
    last = last_checkpoint(out)
    state = f"{last} is whole" if last else "none was saved before"
    return NotSavedError(
        f"{out}: {what} cannot be saved ({room}; {first_line(error)}); {state}; make room and give the same command to "
        "go on"
    )


def _callbacks(config: TrainConfig, validates: bool, watch: Watch | None, stop: StopRequest, out: Path) -> list[Any]:
    from transformers import EarlyStoppingCallback, TrainerCallback

    class Watcher(TrainerCallback):
        """Reports every logged step to the watcher, and stops if a loss is not a number."""

        def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **named: Any) -> None:
            del args, control, named
            losses = [logs[name] for name in ("loss", "eval_loss") if name in logs]
            if not all(map(math.isfinite, losses)):
                raise diverged(out, state.global_step)
            if watch is not None and losses and state.is_world_process_zero:
                watch(_step(state, logs))

    class Stopper(TrainerCallback):
        """Saves a checkpoint and ends the training, once that is asked for."""

        def on_step_end(self, args: Any, state: Any, control: Any, **named: Any) -> None:
            del args, state, named
            control.should_save = control.should_save or stop.number is not None

        def on_save(self, args: Any, state: Any, control: Any, **named: Any) -> None:
            # Only now: a checkpoint with this set would end the training that resumes from it.
            del args, state, named
            control.should_training_stop = control.should_training_stop or stop.number is not None

    callbacks: list[Any] = [Watcher(), Stopper()]
    if config.fit.patience is not None and validates:
        callbacks.append(EarlyStoppingCallback(config.fit.patience))
    return callbacks


def _step(state: Any, logs: Mapping[str, Any]) -> TrainingStep:
    return TrainingStep(
        step=state.global_step,
        steps=state.max_steps,
        epoch=float(state.epoch or 0.0),
        loss=logs.get("loss"),
        validation_loss=logs.get("eval_loss"),
        best_step=state.best_global_step,
    )


def diverged(out: Path, step: int) -> CocoonError:
    """Return the error of a loss that is not a number, which names the checkpoint that is still complete."""
    last = last_checkpoint(out)
    return CocoonError(
        f"{out}: the loss of step {step} is not a number; {f'{last} is whole' if last else 'nothing was saved'}; lower "
        "fit.learning_rate or give -o fit.dtype=float32, with another --out"
    )


def _remove_printers(trainer: Any) -> None:
    """Remove the callback that prints dictionaries to stdout."""
    from transformers.trainer_callback import PrinterCallback

    trainer.remove_callback(PrinterCallback)
