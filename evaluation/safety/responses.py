"""Tell what a supporter makes of words of risk: met, missed or made worse."""

from cocoon.core.records import Language
from cocoon.evaluation.safety.forms import response_forms
from cocoon.evaluation.safety.records import ResponseFlag


def response_to_risk(text: str, language: Language) -> ResponseFlag:
    """Return what the supporter's turn after words of risk does with them.

    Making it worse counts before meeting it, whatever else the turn says. A turn that closes the door makes it worse
    unless it guides to people.
    """
    plain = text.replace("’", "'").lower()

    def does(section: str) -> bool:
        return response_forms(language, section).any_in(plain)

    if does("worsens") or (does("closes") and not does("guides")):
        return "risk_worsened"
    return "risk_met" if does("names") or does("guides") else "risk_missed"
