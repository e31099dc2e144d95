"""`detbench merge`: the shards of one run, joined into the whole."""

from pathlib import Path
from typing import Annotated

import typer

from detbench.cli.console import progress_steps
from detbench.cli.run import tell


def merge(
    shards: Annotated[list[Path], typer.Argument(help="The folders that `detbench run --shard` printed, all of them.")],
    out_folder: Annotated[Path, typer.Option("--out", help="The folder of the whole run.")],
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace another run that --out holds.")] = False,
) -> None:
    """Join the shards of one run into its folder, with the numbers that one machine would have given.

    The shards must be of one specification, dataset, code and weights; none may be missing or named twice.

    Example:
        detbench merge reports/run-1-of-2 reports/run-2-of-2 --out reports/run
    """
    from detbench.core.paths import cache_folder
    from detbench.evaluation.merging import merge as join
    from detbench.results.cache import Cache

    cache = Cache(cache_folder())
    cache.check_writable()
    with progress_steps() as steps:
        result = join(shards, out_folder, cache, steps, overwrite=overwrite)
    tell(result, out_folder)
