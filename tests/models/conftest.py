"""Virtual time for the tests of pools: minutes pass in a moment."""

from typing import Any

import pytest

import cocoon.models.limiter as limiter_module
import cocoon.models.pool as pool_module
from cocoon.tests.models.virtual_loop import VirtualLoop


@pytest.fixture
def virtual(monkeypatch: pytest.MonkeyPatch) -> Any:
    loop = VirtualLoop()
    for module in (limiter_module, pool_module):
        monkeypatch.setattr(module, "time", loop)
    yield loop
    loop.close()
