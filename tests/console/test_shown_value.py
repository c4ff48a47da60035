"""Results as people read them: in the schema's order, with units, counts as plots."""

from decimal import Decimal

from pydantic import BaseModel, Field

from api.console.shown_value import Counts, Facts, Table, counts_of, shown


class Spot(BaseModel):
    sheet: str | None
    cell: str
    value: Decimal


class Pair(BaseModel):
    first: Spot
    second: Spot
    target: Decimal


class Found(BaseModel):
    pairs: list[Spot] = Field(description="What fits.")
    reasons: dict[str, int]
    seconds: float
    peak_memory_bytes: int
    found: list[Pair] = []


SCHEMA = Found.model_json_schema()
ONLY = "table"


def blocks(**value):
    found = shown({"seconds": 75, "peak_memory_bytes": 3 * 1024**2, **value}, SCHEMA)
    assert isinstance(found, Facts)
    return {block.label: block.value for block in found.blocks}, {fact.label: fact.value for fact in found.facts}


def test_columns_stand_in_the_order_of_the_schema_whatever_order_the_database_gives():
    tables, _ = blocks(pairs=[{"value": Decimal("1.50"), "cell": "B2", "sheet": "March"}])
    assert isinstance(tables["Pairs"], Table)
    assert tables["Pairs"].columns == ("Sheet", "Cell", "Value")
    assert [cell.text for cell in tables["Pairs"].rows[0]] == ["March", "B2", "1.50"]


def test_a_sheet_that_has_no_name_of_its_own_is_not_shown():
    tables, _ = blocks(pairs=[{"value": 1, "cell": "B2", "sheet": ONLY}])
    assert tables["Pairs"].columns == ("Cell", "Value")
    tables, _ = blocks(pairs=[{"value": 1, "cell": "B2", "sheet": ONLY}, {"value": 1, "cell": "B2", "sheet": "March"}])
    assert tables["Pairs"].columns == ("Sheet", "Cell", "Value")
    assert "Sheet" not in {fact.label for fact in shown({"sheet": ONLY, "other": 1}).facts}


def test_a_pair_is_two_addresses_with_their_amounts():
    first = {"row": 2, "cell": "B2", "sheet": "March", "value": 7, "position": 0}
    second = {"row": 9, "cell": "B9", "sheet": ONLY, "value": 2, "position": 7}
    tables, _ = blocks(found=[{"target": 9, "second": second, "first": first}])
    assert tables["Found"].columns == ("First · Cell", "First · Value", "Second · Cell", "Second · Value", "Target")
    assert [cell.text for cell in tables["Found"].rows[0]] == ["March!B2", "7", "B9", "2", "9"]


def test_counts_by_name_are_a_plot_the_highest_first():
    plots, _ = blocks(reasons={"id_missing": 1, "amount_invalid": 4})
    assert plots["Reasons"] == counts_of({"id_missing": 1, "amount_invalid": 4})
    assert [(each.label, each.count, each.share) for each in plots["Reasons"].counts] == [
        ("Amount invalid", 4, 1000),
        ("Id missing", 1, 250),
    ]
    assert counts_of({}) == Counts(())


def test_numbers_have_the_unit_that_their_name_says():
    _, facts = blocks()
    assert facts["Seconds"].text == "1 min 15 s"
    assert facts["Peak memory bytes"].text == "3.0 MB"
