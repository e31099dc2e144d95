"""What was claimed of published networks, beside what a run measured of them on the same public set."""

from collections.abc import Iterator

from detbench.metrics.image_metrics import metric_specs
from detbench.pages.parts import Cell, Heading, Row, Table
from detbench.pages.text import UNDEFINED, interval, metric_value
from detbench.results.published_networks import PUBLIC_SETS, Claim, PublishedNetwork, public_set_of, published_networks
from detbench.results.schema import ArmResult, RunResult

COLUMNS = (
    Heading("PSNR claimed", "dB"),
    Heading("PSNR measured", "dB"),
    Heading("SSIM claimed"),
    Heading("SSIM measured"),
    Heading("Weights"),
    Heading("Claimed by", "and how"),
)


def claims_table(result: RunResult) -> Table | None:
    """Deblurrers × claimed and measured; None where the run is over no public set, or over no network with a claim."""
    name = public_set_of(result)
    if name is None:
        return None
    rows = tuple(
        _row(result, name, arm, network, claim)
        for arm in result.arms
        if arm.kind == "deblurrer"
        for network, claim in _claims(arm, name)
    )
    return Table("Network", COLUMNS, rows) if rows else None


def claims_note(result: RunResult) -> str:
    """How much of its public set a run is over, and what the numbers are; empty for a run over none."""
    name = public_set_of(result)
    if name is None:
        return ""
    public = PUBLIC_SETS[name]
    partly = "" if result.data.images == public.pictures else ", so the means are over other pictures than the claims"
    return (
        f"{public.title}: {result.data.images:,} of {public.pictures:,} pictures{partly}. "
        f"PSNR measured: {metric_specs()[public.metric].definition}."
    )


def _claims(arm: ArmResult, name: str) -> Iterator[tuple[PublishedNetwork, Claim]]:
    for network in published_networks().values():
        if network.is_of(arm):
            yield from ((network, claim) for claim in network.claims if claim.data == name)


def _row(result: RunResult, name: str, arm: ArmResult, network: PublishedNetwork, claim: Claim) -> Row:
    weights = "the authors’" if network.has_weights_of(arm) else "not known to be the authors’"
    ssim, metric = claim.ssim, PUBLIC_SETS[name].metric
    # SSIM against one picture as it lies is no number of a set whose papers align first.
    measured_ssim = _measured(arm, "ssim") if metric == "psnr_db" else Cell(UNDEFINED)
    cells = (
        Cell(f"{claim.psnr_db:.2f}"),
        _measured(arm, metric),
        Cell(UNDEFINED if ssim is None else metric_value(metric_specs()["ssim"], ssim)),
        measured_ssim,
        Cell(weights),
        Cell(claim.source, claim.protocol),
    )
    return Row(Heading(arm.name, f"{network.title}, over {result.data.images:,}"), cells)


def _measured(arm: ArmResult, key: str) -> Cell:
    """The arm's mean with its interval."""
    estimate = arm.metrics.get(key)
    if estimate is None or estimate.value is None:
        return Cell(UNDEFINED)
    spec = metric_specs()[key]
    return Cell(metric_value(spec, estimate.value), interval(spec, estimate, is_difference=False))
