"""The figures of a blind reading of steered replies."""

from pathlib import Path

import pytest

from cocoon.benchmarks.steering.coherence import agreement, read_labels, shares
from cocoon.steering.calibration.behaviour import SampledReply


def reply(label: str) -> SampledReply:
    return SampledReply(
        situation="s",
        coefficient=0.0,
        sample=0,
        replies=1,
        text="I see.",
        tokens=3,
        sentences=1,
        asking=0,
        marks=0,
        pasted=0,
        openings=[],
        nats=1.0,
        broken=None,
        label=label,
    )


def test_shares_are_those_of_each_arm_and_what_was_not_read_is_missing(tmp_path: Path) -> None:
    (tmp_path / "labels.tsv").write_text("1\t1\t1\t1\n2\t0\t1\t1\n\n3\t1\t0\t1\n", "utf-8")
    labels = read_labels(tmp_path / "labels.tsv")
    found = shares([reply("plain"), reply("plain"), reply("asking"), reply("asking")], labels)
    assert {name: one.value for name, one in found["plain"].items()} == {"fits": 0.5, "role": 1, "sense": 1, "all": 0.5}
    assert (found["asking"]["role"].value, found["asking"]["all"].value) == (0, 0)
    assert (found["asking"]["fits"].n, found["asking"]["fits"].missing) == (1, 1)
    assert agreement(labels, labels) == {"fits": 1.0, "role": 1.0, "sense": None}


@pytest.mark.parametrize("values", [[1, 0], [1, 2, 0], []])
def test_a_line_that_is_no_three_labels_is_told(values: list[int]) -> None:
    with pytest.raises(ValueError, match="reply 1: 3 labels of 0 or 1"):
        shares([reply("plain")], {1: values})
