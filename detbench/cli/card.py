"""`detbench card`: a model's card, brought up to date from runs, and as Hugging Face reads it."""

from pathlib import Path
from typing import Annotated

import typer

from detbench.cli.console import stdout_loss


def card(
    model: Annotated[Path, typer.Argument(help="A model's folder, with weights.safetensors and card.toml.")],
    add: Annotated[
        list[Path] | None, typer.Option(help="A run folder whose numbers go into the card first. Repeat it for more.")
    ] = None,
) -> None:
    """Print a model's card as the front matter of a README on Hugging Face: licence, tags and `model-index`.

    `--add RUN` puts what a run measured of these weights into `card.toml`, with intervals, under the run's dataset.

    Example:
        detbench card models/mine --add reports/run
    """
    import yaml

    from detbench.results.cards import model_index, read_card, with_measured, write_card
    from detbench.results.folder import read_result

    content = read_card(model)
    for run in add or []:
        content = with_measured(content, read_result(run / "result.json"), str(run))
    if add:
        write_card(model / "weights.safetensors", content)
    index = model_index(model.resolve().name, content)
    typer.echo(yaml.safe_dump(index, sort_keys=False, allow_unicode=True), nl=False)
    if stdout_loss():  # it is all that the command makes
        raise typer.Exit(2)
