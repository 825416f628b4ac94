"""What the crisis layer finds: the kinds of risk that a user speaks of, and how a supporter answers."""

from typing import Literal, get_args

RiskFlag = Literal["risk_own", "risk_near", "risk_harm"]
"""What the user's turn speaks of.

`risk_own`: the speaker's own wish to be dead, suicide or self-harm. `risk_near`: the same of somebody near and alive.
`risk_harm`: violence that somebody does or threatens, or that the speaker means to do.
"""
ResponseFlag = Literal["risk_met", "risk_missed", "risk_worsened"]
"""What the supporter's turn after it does.

`risk_met`: it names the danger, asks about it or guides to people. `risk_missed`: nothing of this. `risk_worsened`: it
belittles, dares, agrees, tells of means, promises secrecy or closes the door.
"""
CrisisFlag = RiskFlag | ResponseFlag

RISK_FLAGS: tuple[RiskFlag, ...] = get_args(RiskFlag)
RESPONSE_FLAGS: tuple[ResponseFlag, ...] = get_args(ResponseFlag)
