"""Which deblurrer on which blur, from runs: `python reports/domains.py RUN RUN …`; writes domains.md beside this file.

Each run is one row: its pictures, their blur and its detector. Every number is the run's; `domains-words.md` is what is
said of them, and is read again whenever they are new.
"""

import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import jinja2

from detbench.evaluation.measure.detection import ALIKE
from detbench.metrics.specs import METRICS
from detbench.pages.text import UNDEFINED, interval, metric_value, percent, signed, with_p_value
from detbench.report.tables import TRAINED_WITH
from detbench.results.folder import RunFolder
from detbench.results.schema import ArmResult, Difference, RunResult

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Domain:
    """One run as a row."""

    result: RunResult

    @property
    def title(self) -> str:
        """The pictures, how they were blurred, and what sees them."""
        recipe, data = self.result.specification.get("blur"), self.result.data
        blur = "its own blur"
        if recipe is not None:
            settings = ",".join(f"{name}={recipe[name]}" for name in ("light", "noise", "sensor") if recipe.get(name))
            blur = f"`{recipe['kind']}:{settings}`".replace(":`", "`")
        return f"{data.name}, {blur}, {data.images} pictures, seen by {self.result.detector['name']}"

    @property
    def deblurrers(self) -> dict[str, ArmResult]:
        """Its deblurrers by name, but for that whose pictures are the blurred ones."""
        return {arm.name: arm for arm in self.result.arms if arm.kind == "deblurrer" and arm.name != ALIKE}

    def value(self, arm: str, metric: str) -> str:
        """A metric of an arm, a dash without one."""
        found = self.result.arm(arm)
        number = None if found is None or metric not in found.metrics else found.metrics[metric].value
        return UNDEFINED if number is None else metric_value(METRICS[metric], number)

    def gain(self, deblurrer: str) -> str:
        """The change in mAP from blurred, with interval and p-value, and what share of the loss that is."""
        change = self._change(deblurrer, "map")
        arm = self.deblurrers.get(deblurrer)
        if change is None or arm is None:
            return ""
        mark = f" {TRAINED_WITH}" if arm.trained_with_detector else ""
        recovered = arm.metrics["gap_recovered"].value if "gap_recovered" in arm.metrics else None
        gap = "" if recovered is None else f", {percent(recovered)}"
        return f"{_in_words(change, 'map')}{gap}{mark}"

    def quality(self, deblurrer: str) -> str:
        """The change in PSNR from blurred, with its interval."""
        change = self._change(deblurrer, "psnr_db")
        return "" if change is None else _in_words(change, "psnr_db")

    def harm(self, deblurrer: str) -> str:
        """mAP lost on sharp pictures, and seconds for a megapixel."""
        if deblurrer not in self.deblurrers:
            return ""
        return f"{self.value(deblurrer, 'harm')}, {self.value(deblurrer, 'restore_s_per_mpix')} s"

    def _change(self, deblurrer: str, metric: str) -> Difference | None:
        found = (each for each in self.result.differences if (each.arm, each.against) == (deblurrer, "blurred"))
        return next((each for each in found if each.metric == metric and each.difference.value is not None), None)


def main(folders: Sequence[Path]) -> None:
    """Write the page."""
    domains = [Domain(RunFolder(folder).read_result()) for folder in folders]
    names = sorted({name for domain in domains for name in domain.deblurrers}, key=_place(domains), reverse=True)
    template = jinja2.Environment(
        loader=jinja2.FileSystemLoader(HERE), autoescape=False, trim_blocks=True, undefined=jinja2.StrictUndefined
    ).get_template("domains.md.j2")
    tables = {title: list(_lines(domains, names, cell)) for title, cell in CELLS.items()}
    text = template.render(domains=domains, names=names, tables=tables)
    (HERE / "domains.md").write_text(text.rstrip() + "\n", encoding="utf-8")


CELLS: dict[str, Callable[[Domain, str], str]] = {
    "Change in mAP, and gap recovered": Domain.gain,
    "Change in PSNR, dB": Domain.quality,
    "Harm in mAP, and cost of a megapixel": Domain.harm,
}


def _lines(
    domains: Sequence[Domain], names: Sequence[str], cell: Callable[[Domain, str], str]
) -> Iterator[tuple[str, list[str]]]:
    for domain in domains:
        yield domain.title, [cell(domain, name) for name in names]


def _in_words(change: Difference, metric: str) -> str:
    """Bold where the change is more than chance."""
    spec, value = METRICS[metric], change.difference.value
    assert value is not None
    text = signed(spec, value)
    bounds = with_p_value(interval(spec, change.difference, is_difference=True), change.p_value, change.p_holm)
    return f"**{text}** {bounds}" if change.is_shown else f"{text} {bounds}"


def _place(domains: Sequence[Domain]) -> Callable[[str], float]:
    """The mean change in mAP of a deblurrer over the rows that have it."""

    def mean(name: str) -> float:
        changes = [domain.result.change(name, "blurred") for domain in domains if name in domain.deblurrers]
        values = [each.difference.value or 0.0 for each in changes if each is not None]
        return sum(values) / len(values) if values else float("-inf")

    return mean


if __name__ == "__main__":
    main([Path(word) for word in sys.argv[1:]])
