"""`detbench card`: a model's card, brought up to date from runs, and as Hugging Face reads it."""

from pathlib import Path
from typing import Annotated

import typer

from detbench.cli.console import stdout_loss
from detbench.errors import DataError, UsageError, did_you_mean


def card(
    model: Annotated[str, typer.Argument(help="A model's name, its folder, or its weights with card.toml beside.")],
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

    folder = model_folder(model)
    content = read_card(folder)
    _check_weights(Path(model), content)
    for run in add or []:
        content = with_measured(content, read_result(run / "result.json"), str(run))
    if add:
        write_card(folder / "weights.safetensors", content)
    index = model_index(folder.resolve().name, content)
    typer.echo(yaml.safe_dump(index, sort_keys=False, allow_unicode=True), nl=False)
    if stdout_loss():  # it is all that the command makes
        raise typer.Exit(2)


def model_folder(word: str) -> Path:
    """The folder that a word means: a name of what ships, a folder, or the folder of a file of weights.

    A name wins over a folder that is called the same; `./name` is always the folder. Raises UsageError, with the
    nearest name, where there is no such model.
    """
    from detbench.core.paths import CARD_NAME, shipped
    from detbench.plugins.builtin import DEBLURRERS, DETECTORS

    models = shipped("models")
    folders = {path.parent.name: path.parent for path in sorted(models.glob(f"*/{CARD_NAME}"))}
    built_in = (*DEBLURRERS.built_in, *DETECTORS.built_in)
    named = folders | {entry.name: models / entry.weights for entry in built_in if entry.weights}
    if word in named:
        return named[word]
    if any(entry.name == word for entry in built_in):
        raise UsageError(f"{word} has no weights, so it has no card. Those that have: {', '.join(sorted(named))}")
    path = Path(word)
    if path.is_dir() or path.is_file():
        return path if path.is_dir() else path.parent
    raise UsageError(
        f"no model named {word!r}, and no such folder or file.{did_you_mean(word, named)} "
        f"There are: {', '.join(sorted(named))}"
    )


def _check_weights(path: Path, content: dict[str, object]) -> None:
    """Raise DataError where a file of weights is another than the card beside it describes."""
    from detbench.core.fingerprints import file_sha256
    from detbench.core.paths import CARD_NAME

    if path.is_file() and path.name != CARD_NAME and content.get("sha256") not in (None, file_sha256(path)):
        raise DataError(
            f"{path}: {CARD_NAME} beside it is that of other weights; name the folder of these weights' card"
        )
