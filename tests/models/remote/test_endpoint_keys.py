"""Which key an endpoint is sent: OpenAI's own goes to no host that it was not meant for."""

import pytest

from cocoon.models.remote.endpoint import open_endpoint

OPENAI, OTHER = "sk-of-openai", "key-of-the-other-host"


@pytest.mark.parametrize(
    ("url", "base", "key"),
    [
        ("https://api.openai.com/v1", None, OPENAI),
        ("http://127.0.0.1:8000/v1", None, OPENAI),
        ("http://localhost:8000/v1", None, OPENAI),
        ("http://[::1]:8000/v1", None, OPENAI),
        ("https://models.example.org/v1", None, OTHER),
        ("https://models.example.org/v1", "https://models.example.org/v1", OPENAI),
        ("https://api.openai.com.example.org/v1", None, OTHER),
        ("https://127.0.0.1.example.org/v1", None, OTHER),
    ],
)
def test_a_key_goes_only_where_it_was_meant_to(
    monkeypatch: pytest.MonkeyPatch, url: str, base: str | None, key: str
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", OPENAI)
    monkeypatch.setenv("COCOON_API_KEY", OTHER)
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    if base:
        monkeypatch.setenv("OPENAI_BASE_URL", base)
    sent = open_endpoint("m", url).openai_api_key
    assert sent is not None and not callable(sent)
    assert sent.get_secret_value() == key


def test_the_key_of_a_server_of_ours_goes_to_this_machine_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", OPENAI)
    monkeypatch.setenv("COCOON_SERVER_KEY", "key-of-our-server")
    for url, key in (("http://127.0.0.1:8000/v1", "key-of-our-server"), ("https://api.openai.com/v1", OPENAI)):
        sent = open_endpoint("m", url).openai_api_key
        assert sent is not None and not callable(sent)
        assert sent.get_secret_value() == key
