from detbench.pages.parts import Cell, Heading, Row, Table


def test_a_transposed_table_keeps_every_cell_with_its_headings() -> None:
    """Rows become columns: the cell of row r and column c is that of row c and column r; twice is the same table."""
    cells = [[Cell(f"{row}{column}") for column in "xyz"] for row in "ab"]
    rows = tuple(Row(Heading(name), tuple(line)) for name, line in zip("ab", cells, strict=True))
    table = Table("Arm", tuple(map(Heading, "xyz")), rows)
    swapped = table.transposed("Metric")
    assert (swapped.corner, [column.text for column in swapped.columns]) == ("Metric", ["a", "b"])
    assert [[row.heading.text, *(cell.text for cell in row.cells)] for row in swapped.rows] == [
        ["x", "ax", "bx"],
        ["y", "ay", "by"],
        ["z", "az", "bz"],
    ]
    assert swapped.transposed("Arm") == table
