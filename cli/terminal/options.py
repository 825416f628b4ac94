"""Options that several commands share, declared once."""

from pathlib import Path
from typing import Annotated

import typer

Out = Annotated[Path, typer.Option("--out", help="The run's folder; one that is there is resumed.")]
Config = Annotated[Path | None, typer.Option("--config", help="A YAML file of settings (see `cocoon config show`).")]
Options = Annotated[list[str] | None, typer.Option("-o", metavar="KEY=VALUE", help="One setting, such as -o seed=1.")]
Preset = Annotated[str | None, typer.Option(help="paper: the settings of the paper.")]
Concurrency = Annotated[int | None, typer.Option(help="Most requests at once to one endpoint.")]
Timeout = Annotated[float | None, typer.Option(help="Seconds for one call.")]
BudgetCalls = Annotated[int | None, typer.Option(help="Stop cleanly after so many calls, over all sessions.")]
BudgetTokens = Annotated[int | None, typer.Option(help="Stop cleanly after about so many tokens.")]
BudgetMoney = Annotated[float | None, typer.Option(help="Stop cleanly after about so much money (see prices).")]
Scales = Annotated[str | None, typer.Option(help="What to judge: success,basic,comfort,rac,aels or your own.")]
Votes = Annotated[int | None, typer.Option(help="Independent ratings of each dialogue (needs temperature > 0).")]
CloudTracing = Annotated[
    bool, typer.Option("--allow-cloud-tracing", help="Let LANGSMITH_TRACING send conversations to a service.")
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Only print the calls, tokens, cost and hosts to expect.")]
Json = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
