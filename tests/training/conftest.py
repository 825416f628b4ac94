"""What the tests of training share: a tiny base model and dialogues."""

import gc
from pathlib import Path

import pytest

from cocoon.tests.models.local.tiny_models import tiny_folder
from cocoon.tests.training.training_cases import talk, write_talks


@pytest.fixture(scope="session")
def loaded_once() -> None:
    """Load what trains, and set it aside: each training collects garbage several times, and would walk through it."""
    from trl.trainer.sft_trainer import SFTTrainer

    assert SFTTrainer
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def base(loaded_once: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_folder(tmp_path_factory.mktemp("base"), context=1024)


@pytest.fixture(scope="session")
def dialogues(tmp_path_factory: pytest.TempPathFactory) -> Path:
    talks = [talk(number, 7, thoughts=True, language="zh" if number % 4 == 0 else "en") for number in range(40)]
    return write_talks(tmp_path_factory.mktemp("data") / "dialogues.jsonl", talks)
