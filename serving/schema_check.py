"""Let a schema into the server once it was compiled elsewhere, within limits of time and memory.

docs/decisions/constrained-decoding.md says what can be expensive about a schema.
"""

import asyncio
import hashlib
import sys
from typing import Any

import orjson

from cocoon.models.local.base import LocalBase
from cocoon.models.local.constraint import cannot_enforce, grammar_of
from cocoon.models.local.schema import Schema, requested_schema
from cocoon.models.request_errors import RefusedError

LARGEST_SCHEMA = 64 * 1024
"""Characters of a `response_format` as JSON."""
_REMEMBERED = 1_000


class SchemaCheck:
    """Checks the schemas of requests, each new one in a process of its own, one process at a time.

    `seconds` is the limit for a process, its start included.
    """

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._good: set[bytes] = set()
        self._turn = asyncio.Lock()

    async def check(self, base: LocalBase, response_format: dict[str, Any] | None) -> None:
        """Compile what a request asks for, so that the model has it ready.

        Raises RefusedError (400) for a schema that is too large or costs too much.
        """
        if response_format is None:
            return
        if len(orjson.dumps(response_format)) > LARGEST_SCHEMA:
            raise RefusedError(400, f"this schema has more than {LARGEST_SCHEMA:,} characters; make it smaller")
        schema = requested_schema(response_format)
        if schema is not None:
            await self._try_once(schema)
            await asyncio.to_thread(lambda: base.grammars.hold(response_format))

    async def _try_once(self, schema: Schema) -> None:
        grammar = grammar_of(schema).encode()
        digest = hashlib.sha256(grammar).digest()
        async with self._turn:
            if digest in self._good:
                return
            await self._try(grammar)
            if len(self._good) >= _REMEMBERED:
                self._good.clear()
            self._good.add(digest)

    async def _try(self, grammar: bytes) -> None:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "cocoon.serving.compile_schema"),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
        )
        try:
            async with asyncio.timeout(self.seconds):
                reason, _ = await process.communicate(grammar)
        except TimeoutError:
            raise _too_costly() from None
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        if process.returncode:
            raise _too_costly()
        if reason.strip():
            raise cannot_enforce(reason.decode("utf-8", "replace"))


def _too_costly() -> RefusedError:
    return RefusedError(400, "this schema takes too much time or memory to compile; use simpler patterns and numbers")
