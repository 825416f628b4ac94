"""A supporter that is a function: python examples/own/supporter_function.py"""

import cocoon


def mirror(messages: list[cocoon.Message]) -> str:
    return f"I heard you say: {messages[-1]['content']} I have time for you."


if __name__ == "__main__":
    run = cocoon.simulate(profiles="shipped:en", limit=2, supporter=mirror, user="local:smollm2", out="runs/mirror")
    run.judge("local:smollm2", scales=["success", "comfort"])
    print(run.table())
