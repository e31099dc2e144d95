from detbench.core.progress import Progress, unheard, unwatched


def test_what_nobody_watches_takes_every_step() -> None:
    """With and without the name of what is next, nothing is shown and nothing is returned."""
    watched: Progress = unwatched
    assert (watched("work", 0, 2), watched("work", 1, 2, "net"), unheard("a line")) == (None, None, None)
