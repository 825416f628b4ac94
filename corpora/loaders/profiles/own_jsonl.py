"""Read our own profile records, one JSON object per line, strictly and without any repair."""

from cocoon.core.jsonl import parse_record
from cocoon.core.records import Profile
from cocoon.corpora.reading.dialogue_draft import Draft
from cocoon.corpora.reading.foreign_file import check_texts
from cocoon.corpora.reading.foreign_record import ForeignRecord
from cocoon.corpora.reading.repair import ReadProfile


def read_own_profile(record: ForeignRecord, draft: Draft) -> ReadProfile:
    """Return the profile of a line. Raises CocoonError naming the key that cannot be read."""
    del draft
    fields = record.whole()
    check_texts(fields, record.where)
    return ReadProfile(record.where, parse_record(fields, Profile, record.where))
