"""What is measured of dialogues: the columns of the paper's Table 3, and when an answer counts as forced."""

from dataclasses import dataclass

LEGAL_FLOOR = 0.5
"""Below this share, the unmasked model would rather have written something else than any legal answer."""


@dataclass(frozen=True)
class Measure:
    """A column of Table 3 and the scale and dimension that it shows."""

    label: str
    scale: str
    dimension: str
    digits: int = 2


MEASURES = (
    Measure("Flu", "basic", "fluency", 1),
    Measure("Div", "basic", "diversity", 1),
    Measure("Emp", "basic", "empathy", 1),
    Measure("Inf", "basic", "information", 1),
    Measure("Hum", "basic", "humanoid", 1),
    Measure("Skil", "basic", "skillful", 1),
    Measure("Aff", "comfort", "affective_improvement"),
    Measure("Neg", "comfort", "negative_helper_evaluation"),
    Measure("Sup", "rac", "supportiveness"),
    Measure("Man", "rac", "management"),
)
