"""One folder holds one training: nothing is overwritten, and what is resumed is what was begun."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from detbench.errors import UsageError


def check_new_or_resumable(
    out: Path, checkpoint: Path, written: Path, settings: Mapping[str, Any], resume: bool
) -> None:
    """Raise UsageError unless `out` is free, or, to `resume`, holds a checkpoint and was begun with `settings`.

    `written` is where the settings of the training that was begun were put, as JSON.
    """
    if not resume:
        if checkpoint.exists():
            raise UsageError(f"{out} holds a training already: go on with --resume, or choose another --out")
        return
    if not checkpoint.exists() or not written.exists():
        raise UsageError(f"{out} holds no training to resume: start one without --resume")
    before = json.loads(written.read_text(encoding="utf-8"))
    changed = [f"{key} {before.get(key)}" for key, value in settings.items() if before.get(key) != value]
    if changed:
        raise UsageError(f"{out} was begun with {', '.join(changed)}; resume it with the same")
