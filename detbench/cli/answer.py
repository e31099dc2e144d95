"""A finished run's answer on stdout: the verdict, the arms' table, the differences, the report; or all that as JSON."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from detbench.cli.console import print_path, print_sentence, print_table

if TYPE_CHECKING:
    from detbench.results.schema import ArmResult, Difference, RunResult
    from detbench.types import MetricSpec

WIDEST_NAME = 18
"""Letters of an arm's name in a table: with so many it fits 80 columns."""


def print_answer(result: "RunResult", page: Path) -> None:
    """Print what a run says, its verdict first; `page` is the report's file."""
    from detbench.report.alarms import alarm_words
    from detbench.report.consistency_table import NO_TRUTH
    from detbench.report.verdict import leader, verdicts

    first = verdicts(result)[0]
    print_sentence(f"{first.decision}.")
    if first.answer != "unknown":
        print_sentence(f"{first.words}.")
    if result.consistency:
        print_sentence(NO_TRUTH)
    else:
        print_sentence(f"mAP {first.numbers}" if first.arm not in result.failed else first.numbers)
    if leading := leader(result):
        print_sentence(f"{leading}.")
    for each in result.selective:
        if each.deblurrer == first.arm:
            from detbench.report.when_to_deblur import selective_verdict  # it draws, too, and few runs have this

            print_sentence(selective_verdict(each))
    print_sentence("")
    if result.consistency:
        _print_consistency(result)
    else:
        _print_arms(result)
        _print_differences(result)
    for alarm in result.alarms:
        print_sentence(f"Artefact: {alarm_words(alarm)}.")
    print_path(f"Report: {page}")


def print_json(result: "RunResult", folder: Path, page: Path) -> None:
    """Print one JSON object: the answer (yes, no or unknown), the verdicts, the arms' metrics and the differences as in
    `result.json`, and the paths.
    """
    from detbench.report.verdict import leader, verdicts
    from detbench.results.schema import result_to_json

    document = result_to_json(result)
    every = verdicts(result)
    answer = {
        "answer": every[0].answer,
        "verdict": every[0].decision,
        "verdicts": {verdict.arm: verdict.sentence for verdict in every},
        "leader": leader(result) or None,
        "metrics": {arm["name"]: arm["metrics"] for arm in document["arms"]},
        "differences": document["differences"],
        "failed": document["failed"],
        "alarms": document["alarms"],
        "consistency": document["consistency"],
        "folder": str(folder),
        "report": str(page),
    }
    print_path(json.dumps(answer, ensure_ascii=False, allow_nan=False))


def _print_arms(result: "RunResult") -> None:
    """Floor and ceiling, then the deblurrers with the best first, those that failed last."""
    from detbench.report.verdict import verdicts

    specs = _terminal_specs(result)
    titles = [spec.terminal_title.replace(" ", "\n") for spec in specs]
    order = ("blurred", "sharp", *(verdict.arm for verdict in verdicts(result)))
    arms = [arm for arm in map(result.arm, order) if arm is not None]
    rows = [[_arm_name(arm), *_numbers(result, arm, specs)] for arm in arms]
    rows += [[shortened(name), "failed", *([""] * len(titles))] for name in result.failed]
    print_table(["arm", titles[0], "gain", *titles[1:]], rows, numbers=True)


def _print_consistency(result: "RunResult") -> None:
    """What each arm finds and shares with the others, where there is no truth."""
    from detbench.report.consistency_table import consistency_table

    table = consistency_table(result)
    heads = ["arm", *(column.text.replace(" ", "\n") for column in table.columns)]
    rows = [[shortened(row.heading.text), *(cell.text for cell in row.cells)] for row in table.rows]
    print_table(heads, rows, numbers=True)


def _arm_name(arm: "ArmResult") -> str:
    from detbench.report.tables import TRAINED_WITH

    return f"{shortened(arm.name)} {TRAINED_WITH}" if arm.trained_with_detector else shortened(arm.name)


def _terminal_specs(result: "RunResult") -> "list[MetricSpec]":
    """The metrics that have a column; that of a benchmark only where the dataset is its."""
    from detbench.metrics.image_metrics import metric_specs

    shown = [spec for spec in metric_specs().values() if spec.terminal_title]
    return [spec for spec in shown if not spec.of_benchmark or any(spec.key in arm.metrics for arm in result.arms)]


def _numbers(result: "RunResult", arm: "ArmResult", specs: "list[MetricSpec]") -> Iterator[str]:
    """One arm's cells as the report writes them; its gain in mAP over the blurred arm stands behind its mAP."""
    from detbench.report.tables import value_cell

    for spec in specs:
        yield value_cell(spec, arm.metrics.get(spec.key)).text
        if spec.key == "map":
            change = result.change(arm.name, "blurred")
            yield "" if change is None else _signed(change)


def _print_differences(result: "RunResult") -> None:
    """Intervals and p-values of mAP; nothing where there are none, for the gains stand in the arms' table."""
    changes = [each for each in result.differences if each.metric == "map" and each.difference.low is not None]
    if not changes:
        return
    adjusted = ["adjusted\np"] if any(difference.p_holm is not None for difference in changes) else []
    rows = [list(_change(difference, bool(adjusted))) for difference in changes]
    print_table(["mAP difference", "", "interval", "p", *adjusted, "may be\nchance"], rows, numbers=True)


def _change(difference: "Difference", is_adjusted: bool) -> Iterator[str]:
    """One row: who against whom, by how much, between which bounds, how often chance does as much, and whether this may
    be chance.
    """
    from detbench.metrics.specs import METRICS
    from detbench.pages.text import UNDEFINED, interval, share

    yield f"{shortened(difference.arm)} − {shortened(difference.against)}"
    yield _signed(difference)
    yield interval(METRICS["map"], difference.difference, is_difference=True)
    p_values = (difference.p_value, difference.p_holm) if is_adjusted else (difference.p_value,)
    yield from (UNDEFINED if p_value is None else share(p_value) for p_value in p_values)
    yield "" if difference.is_shown or not difference.difference.value else "yes"


def _signed(difference: "Difference") -> str:
    from detbench.metrics.specs import METRICS
    from detbench.pages.text import UNDEFINED, signed

    value = difference.difference.value
    return UNDEFINED if value is None else signed(METRICS[difference.metric], value)


def shortened(name: str) -> str:
    """A name of at most WIDEST_NAME letters: both ends of a longer one, for the last often tell names apart."""
    kept = WIDEST_NAME - 1
    return name if len(name) <= WIDEST_NAME else f"{name[: kept - kept // 2]}…{name[-(kept // 2) :]}"
