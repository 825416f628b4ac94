"""What a journal says was spent: calls and tokens by model."""

import sqlite3

_SPENT = """select model, count(*), coalesce(sum(tokens_in), 0), coalesce(sum(tokens_out), 0) from (
select model, json_extract(reply, '$.tokens_in') as tokens_in, json_extract(reply, '$.tokens_out') as tokens_out
from calls"""
_SPENT_BY_OWN = """ union all
select json_extract(own.value, '$.model'), json_extract(own.value, '$.tokens_in'),
json_extract(own.value, '$.tokens_out') from utterances,
json_each(coalesce(json_extract(utterance, '$.own_calls'), json_extract(utterance, '$.utterance.own_calls'), '[]'))
as own"""


def spent_calls(connection: sqlite3.Connection) -> dict[str, tuple[int, int, int]]:
    """Return calls answered, tokens in and tokens out, by model label.

    Calls that agents of the user's own made by themselves count as far as they reported them.
    """
    has_utterances = connection.execute("select 1 from sqlite_master where name = 'utterances'").fetchone()
    rows = connection.execute(f"{_SPENT}{_SPENT_BY_OWN if has_utterances else ''}) group by model")
    return {row[0]: (row[1], row[2], row[3]) for row in rows}
