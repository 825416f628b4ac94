"""What was odd about the replies of a run, by role and model, from its journal."""

from collections import defaultdict
from pathlib import Path

from cocoon.evaluation.replies import CallCounts
from cocoon.models.journal.reader import opened_journal
from cocoon.models.reply import BYTES_PER_TOKEN, LEAST_BYTES, finish_of

# A thought in tags stands in the text. Only the usual closing tag is looked for here.
_QUERY = f"""
with told as (
    select substr(node || ':', 1, instr(node || ':', ':') - 1) as step, model,
        json_extract(reply, '$.finish') as finish,
        coalesce(json_extract(reply, '$.refusal'), '') != '' as refused,
        coalesce(json_extract(reply, '$.thought'), '') != ''
            or instr(json_extract(reply, '$.text'), '</think>') as thinks,
        coalesce(json_extract(reply, '$.bytes_in'), 0) as bytes_in, json_extract(reply, '$.tokens_in') as tokens_in,
        coalesce(json_extract(reply, '$.tokens_reasoning'), 0) as reasoning,
        coalesce(json_extract(reply, '$.tokens_cached'), 0) as cached
    from calls where not coalesce(json_extract(reply, '$.shared'), 0))
select step, model, finish, count(*), sum(refused), sum(thinks or reasoning > 0),
    sum(bytes_in >= {LEAST_BYTES} and bytes_in > {BYTES_PER_TOKEN} * tokens_in), sum(reasoning), sum(cached)
from told group by 1, 2, 3
"""


def call_counts(path: Path) -> list[CallCounts]:
    """Return the counts of a journal's calls, by role and model. A step's further calls count with the step.

    Replies that were asked for at another place are left out.
    """
    with opened_journal(path) as journal:
        rows = journal.select(_QUERY) if journal else []
    counts: dict[tuple[str, str], list[int]] = defaultdict(lambda: [0] * 7)
    for node, model, finish, calls, refused, thoughts, short, reasoning, cached in rows:
        is_cut = finish_of(finish) in ("length", "filtered")
        values = (calls, calls * is_cut, refused, thoughts, short or 0, reasoning, cached)
        key = (str(node).partition(".")[0], model)
        counts[key] = [sum(pair) for pair in zip(counts[key], values, strict=True)]
    names = ("calls", "cut", "refused", "thoughts", "short_prompts", "tokens_reasoning", "tokens_cached")
    return [
        CallCounts(role=role, model=model, **dict(zip(names, values, strict=True)))
        for (role, model), values in sorted(counts.items())
    ]
