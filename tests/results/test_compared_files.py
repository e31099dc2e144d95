from detbench.results.compared_files import ComparedTruth, FilesCompared, Flips, compared_to_json
from detbench.results.schema import Difference
from detbench.types import Estimate


def test_a_difference_is_found_by_its_pair_and_metric() -> None:
    """Pairs stand as the later file against the earlier one; the JSON has the adjusted p-value beside the plain one."""
    difference = Difference("b", "a", "map", Estimate(0.1, 50, 0.05, 0.2), 0.01, 0.03)
    compared = FilesCompared(
        ComparedTruth("t", "0" * 64, 5, 9), 100, (), (difference,), (Flips("b", "a", 3, 1),), {}, ()
    )
    assert compared.pairs() == (("b", "a"),)
    assert compared.difference("b", "a", "map") is difference
    document = compared_to_json(compared)
    assert (document["truth"]["images"], document["resamples"], document["flips"][0]["gained"]) == (5, 100, 3)
    written = document["differences"][0]
    assert (written["p_value"], written["p_holm"], written["is_shown"]) == (0.01, 0.03, True)
    assert written["difference"] == {"value": 0.1, "n": 50, "low": 0.05, "high": 0.2}
