"""A supporter that is a function: python examples/own/supporter_function.py"""

import cocoon

MODEL = "local:smollm2"


def mirror(messages: list[cocoon.Message]) -> str:
    return f"I heard you say: {messages[-1]['content']} I have time for you."


if __name__ == "__main__":
    run = cocoon.simulate(
        profiles="shipped:en", limit=2, rounds=2, supporter=mirror, user=MODEL, appraiser="rule", out="runs/mirror"
    )
    run.judge(MODEL, scales=["success", "comfort"])
    print(run.table())
