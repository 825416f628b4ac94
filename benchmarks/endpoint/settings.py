"""Settings of the benchmark endpoint and their command line flags."""

import argparse
from typing import Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

Fault = Literal["429", "500", "hang", "cut", "malformed", "schema_break"]
Refusable = Literal["json_schema", "json_object"]


class Settings(BaseModel):
    """How the endpoint behaves; POST /settings changes any of it while it runs.

    `latency` is the mean in seconds, `cv` its coefficient of variation (0: fixed, else lognormal). At most
    `cap` calls run at once; more wait (`queue`) or are turned away (`429`, with `retry_after` seconds).
    `faults` are probabilities per call, at most one fault a call; malformed and schema_break touch only calls
    that ask for JSON; hang holds no place under the cap. `answer_bytes` is the least length of prose.
    """

    model_config = ConfigDict(extra="forbid")

    latency: float = Field(default=0.0, ge=0)
    cv: float = Field(default=0.0, ge=0)
    cap: int | None = Field(default=None, ge=1)
    mode: Literal["queue", "429"] = "queue"
    retry_after: float = Field(default=1.0, ge=0)
    faults: dict[Fault, float] = {}
    refuse_response_format: list[Refusable] = []
    ignore_schema: bool = False
    answer_bytes: int = Field(default=280, ge=1)
    model: str = "bench"
    seed: int = 0

    @model_validator(mode="after")
    def _shares_fit(self) -> "Settings":
        shares = self.faults.values()
        if any(share < 0 for share in shares) or sum(shares) > 1:
            raise ValueError(f"faults must be probabilities that sum to at most 1, got {self.faults!r}")
        return self


def arguments(parser: argparse.ArgumentParser) -> tuple[Settings, argparse.Namespace]:
    """Add the flags of all settings, parse the command line, and exit with a message when they do not fit."""
    parser.add_argument("--latency", type=float, default=0.2, help="mean seconds of an answer")
    parser.add_argument("--cv", type=float, default=0.0, help="coefficient of variation; 0 is a fixed latency")
    parser.add_argument("--cap", type=int, help="calls that may run at once")
    parser.add_argument("--mode", choices=["queue", "429"], default="queue", help="what happens above the cap")
    parser.add_argument("--retry-after", type=float, default=1.0, help="seconds told with every 429")
    parser.add_argument("--fault", action="append", default=[], metavar="KIND=P", help=f"{get_args(Fault)} or all")
    parser.add_argument("--refuse-response-format", action="append", default=[], choices=get_args(Refusable))
    parser.add_argument("--ignore-schema", action="store_true", help="answer prose whatever format was asked for")
    parser.add_argument("--answer-bytes", type=int, default=280, help="least length of prose in UTF-8 bytes")
    parser.add_argument("--model", default="bench", help="the name that GET /v1/models tells")
    parser.add_argument("--seed", type=int, default=0, help="seed of the fault draws")
    options = parser.parse_args()
    chosen = {name: value for name, value in vars(options).items() if name in Settings.model_fields}
    try:
        return Settings.model_validate(chosen | {"faults": _faults(options.fault)}), options
    except (ValidationError, ValueError) as error:
        parser.error(str(error))


def _faults(flags: list[str]) -> dict[str, float]:
    """`["500=0.1"]` as a mapping; `all=0.05` stands for every kind."""
    faults: dict[str, float] = {}
    for flag in flags:
        kind, mark, share = flag.partition("=")
        if not mark:
            raise ValueError(f"--fault {flag!r} has no probability, write for example 500=0.05")
        faults |= dict.fromkeys(get_args(Fault) if kind == "all" else [kind], float(share))
    return faults
