import csv
import io

from detbench.pages.parts import Cell, Heading, Row, Table
from detbench.pages.table_files import csv_of, latex_of

TABLE = Table(
    "Arm",
    (Heading("mAP", "↑"), Heading("Harm & 50_%")),
    (
        Row(Heading("blurred"), (Cell(".262", "[.240,\N{NO-BREAK SPACE}.284]"), Cell("–"))),
        Row(
            Heading("my_net 50%", "†"),
            (Cell("−.018", "[−.030,\N{NO-BREAK SPACE}−.006] p\N{NO-BREAK SPACE}.002", tone="worse"), Cell("1,204")),
        ),
    ),
)


def test_csv_has_numbers_and_intervals_in_columns_of_their_own() -> None:
    """A spreadsheet reads each number as a number; a column without intervals stays one."""
    assert list(csv.reader(io.StringIO(csv_of(TABLE)))) == [
        ["Arm", "mAP ↑", "mAP ↑: interval", "Harm & 50_%"],
        ["blurred", ".262", "[.240, .284]", "–"],
        ["my_net 50% †", "-.018", "[-.030, -.006] p .002", "1,204"],
    ]


def test_latex_is_a_booktabs_table() -> None:
    """Names with `_`, `%` and `&` are escaped, a bracket that LaTeX would take for an option is held in braces, and
    what has a colour on the page is bold.
    """
    assert latex_of(TABLE).splitlines() == [
        r"% Needs \usepackage{booktabs}. Bold: more than chance.",
        r"\begin{tabular}{lrr}",
        r"\toprule",
        r"Arm & mAP {\footnotesize $\uparrow$} & Harm \& 50\_\% \\",
        r"\midrule",
        r"blurred & .262 {\footnotesize {[}.240,~.284{]}} & -- \\",
        r"my\_net 50\% {\footnotesize \textdagger{}} & \textbf{$-$.018} {\footnotesize {[}$-$.030,~$-$.006{]} p~.002}"
        r" & 1,204 \\",
        r"\bottomrule",
        r"\end{tabular}",
    ]


def test_no_name_runs_as_latex() -> None:
    """A class named like a command is shown as it is written; a line end is a blank, other control characters go."""
    table = Table("Class", (Heading("n"),), (Row(Heading("\\input{x}~^\n[\x07"), (Cell("1"),)),))
    assert r"\textbackslash{}input\{x\}\textasciitilde{}\textasciicircum{} {[} & 1 \\" in latex_of(table)
