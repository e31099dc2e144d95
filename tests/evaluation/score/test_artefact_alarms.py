"""detbench.evaluation.score.artefact_alarms: which pictures an alarm counts and names."""

from collections.abc import Callable

from detbench.evaluation.measure.measured import Measurements
from detbench.evaluation.score.artefact_alarms import alarms_of
from detbench.results.schema import Alarm

MakeMeasured = Callable[..., Measurements]


def alarms(make_measured: MakeMeasured, **ringing: tuple[float, float]) -> tuple[Alarm, ...]:
    """The alarms where each arm rings so much in the pictures 9 and 4."""
    quality = {arm: [{"ringing": value} for value in values] for arm, values in ringing.items()}
    return alarms_of(make_measured(dict.fromkeys(("blurred", *ringing), ()), quality=quality).rows)


def test_an_alarm_counts_pictures_and_names_the_worst_first(make_measured: MakeMeasured) -> None:
    """Both pictures are over the limit of 3 levels, and the second more so."""
    (alarm,) = alarms(make_measured, wiener=(3.5, 7.25))
    assert alarm == Alarm("wiener", "ringing", 2, 2, (4, 9), ("4.png", "9.png"), 7.25)


def test_below_the_limit_there_is_no_alarm(make_measured: MakeMeasured) -> None:
    """One picture at 3 counts, one just below does not; the blurred arm has no alarms."""
    assert [alarm.worst_ids for alarm in alarms(make_measured, wiener=(2.99, 3.0))] == [(4,)]
    assert alarms(make_measured, wiener=(2.99, 0.0), blurred=(9.0, 9.0)) == ()


def test_what_the_sharp_picture_has_is_no_artefact(make_measured: MakeMeasured) -> None:
    """A deblurrer that rings no more than its sharp picture does raises none there."""
    (alarm,) = alarms(make_measured, sharp=(8.0, 1.0), wiener=(5.0, 5.0))
    assert alarm.worst_names == ("4.png",)
