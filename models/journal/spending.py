"""What a journal says was spent: calls and tokens by model."""

import sqlite3

from cocoon.models.ledger import Usage

_CALLS = """select model, count(*), sum(tokens_in), sum(tokens_out), sum(tokens_cached), batched from (
select model, json_extract(reply, '$.tokens_in') as tokens_in, json_extract(reply, '$.tokens_out') as tokens_out,
json_extract(reply, '$.tokens_cached') as tokens_cached, json_extract(reply, '$.batch') is not null as batched
from calls where not coalesce(json_extract(reply, '$.shared'), 0)"""
_OWN_CALLS = """ union all
select json_extract(own.value, '$.model'), json_extract(own.value, '$.tokens_in'),
json_extract(own.value, '$.tokens_out'), null, 0 from utterances,
json_each(coalesce(json_extract(utterance, '$.own_calls'), json_extract(utterance, '$.utterance.own_calls'), '[]'))
as own"""


def spent_calls(connection: sqlite3.Connection) -> list[Usage]:
    """Return what the answered calls took, by model and whether they went out in a batch.

    Shared replies are left out. Calls that agents of the user's own made by themselves count as far as they reported
    them.
    """
    has_utterances = connection.execute("select 1 from sqlite_master where name = 'utterances'").fetchone()
    query = f"{_CALLS}{_OWN_CALLS if has_utterances else ''}) group by model, batched order by model, batched"
    return [Usage(*row[:-1], batched=bool(row[-1])) for row in connection.execute(query)]
