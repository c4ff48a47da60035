"""What a two-sum job takes and gives."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any, Literal, Self
from uuid import UUID

from pydantic import BeforeValidator, Field, model_validator

from tasks.contract import JobKind, Params, Queue, Result

MOST_PAIRS = 1_000_000
INLINE_PAIRS = 20
CREDIT_SIGNS = ("-", "c", "cr", "credit", "h", "haben")
DEBIT_SIGNS = ("+", "d", "dr", "debit", "s", "soll")


class TextNumbers(StrEnum):
    """How texts may be read as numbers."""

    OFF = "off"
    AUTO = "auto"
    POINT = "1,234.56"
    COMMA = "1.234,56"


def _a_number(value: Any) -> Any:
    """Only what JSON calls a number: no text, no truth values."""
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        raise ValueError("must be a number")  # noqa: TRY004  # pydantic turns ValueError into a named field
    if isinstance(value, float):
        value = Decimal(repr(value))
    if isinstance(value, Decimal) and not value.is_finite():
        raise ValueError("must be a finite number")
    if isinstance(value, Decimal) and abs(value.adjusted()) > 400:  # noqa: PLR2004 - beyond any double
        raise ValueError("must be a number that a workbook can hold")
    return value


def _a_file(value: Any) -> Any:
    """JSON has no UUIDs: the id goes through as text."""
    return str(value) if isinstance(value, UUID) else value


Number = Annotated[int | Decimal, BeforeValidator(_a_number)]
FileId = Annotated[str, BeforeValidator(_a_file), Field(pattern=r"^[0-9a-fA-F-]{36}$")]
ColumnName = Annotated[str, Field(min_length=1, max_length=500)]


class Mode(StrEnum):
    """What to look for."""

    FIRST = "first"
    ALL = "all"
    COUNT = "count"
    BEST = "best"


class Where(Params):
    """Only rows whose column holds one of these values, compared without case and surplus spaces."""

    column: ColumnName
    equals: list[str] = Field(min_length=1, max_length=1000)


class Table(Params):
    """A table in a file: which file, which sheet, where the amounts and their companions are."""

    file: FileId | None = Field(None, description="The id of an uploaded file.")
    filepath: str | None = Field(None, max_length=1000, description="A path inside the server's data root.")
    sheet: str | int | None = Field(None, description="Name, index from 0, or `*` for all; the first by default.")
    column: ColumnName | None = Field(None, description="The amounts: a header name or a letter; found out by default.")
    header_row: int | None = Field(None, ge=0, description="The row of names, 0 for none; found out by default.")
    debit_column: ColumnName | None = Field(None, description="With `credit_column`: amount = debit - credit.")
    credit_column: ColumnName | None = None
    sign_column: ColumnName | None = Field(None, description="A column that says which amounts are negative.")
    negative_signs: list[str] = Field(
        list(CREDIT_SIGNS), description="What the sign column, or a word beside a typed amount, says for negative ones."
    )
    positive_signs: list[str] = Field(
        list(DEBIT_SIGNS), description="What it says for positive ones, beside nothing; other signs are not guessed."
    )
    text_numbers: TextNumbers = Field(
        TextNumbers.OFF,
        description="Read numbers that were typed as text: `1.234,56`, `(12.50)`, `EUR 5-`, `100.00 CR`."
        " `auto` takes the style that the column proves.",
    )
    equal_by: list[ColumnName] = Field([], max_length=8, description="Partners must agree in these columns.")
    date_column: ColumnName | None = Field(None, description="The dates for `max_days`, `date_from`, `date_to`.")
    where: list[Where] = Field([], max_length=8, description="Only rows that hold these values.")

    @property
    def is_file(self) -> bool:
        return self.file is not None or self.filepath is not None

    @model_validator(mode="after")
    def _one_way_to_say_it(self) -> Self:
        if self.file is not None and self.filepath is not None:
            raise ValueError("give `file` or `filepath`, not both")
        if (self.debit_column is None) != (self.credit_column is None):
            raise ValueError("`debit_column` and `credit_column` go together")
        if self.debit_column is not None and (self.column is not None or self.sign_column is not None):
            raise ValueError("amounts come from `column` (with `sign_column`) or from debit and credit, not from both")
        return self


class Against(Table):
    """The second table of a comparison; what is left out is as in the first."""

    operation: Literal["sum", "difference"] = Field(
        "difference", description="`difference`: first - second = target; `sum`: first + second = target."
    )


class TargetTable(Params):
    """Where a column of targets stands: payments are seldom on the sheet of the open items."""

    file: FileId | None = Field(None, description="The id of an uploaded file; the file of the amounts by default.")
    filepath: str | None = Field(None, max_length=1000, description="A path inside the server's data root.")
    sheet: str | int | None = Field(None, description="Name, index from 0, or `*` for all; the first by default.")
    header_row: int | None = Field(None, ge=0, description="The row of names, 0 for none; found out by default.")
    text_numbers: TextNumbers = Field(TextNumbers.OFF, description="Read numbers that were typed as text.")
    where: list[Where] = Field([], max_length=8, description="Only rows that hold these values.")


class TwoSumParams(Table):
    nums: list[Number] | None = Field(None, min_length=2, description="The numbers to look through, without a file.")
    target: Number | None = Field(None, description="The sum that two of them should make; decimals are fine.")
    targets: list[Number] = Field([], max_length=10_000, description="Several targets, each answered.")
    target_column: ColumnName | None = Field(None, description="A column that holds the targets.")
    target_table: TargetTable | None = Field(
        None, description="The sheet or file of `target_column`, if it is not that of the amounts."
    )
    mode: Mode = Field(Mode.FIRST, description="`first` pair, `all` pairs, their `count`, or the `best` (nearest).")
    tolerance: Number = Field(0, ge=0, description="How far from the target a sum may be.")
    tolerance_percent: Number | None = Field(
        None, gt=0, lt=100, description="The same in per cent of the target; of the larger amount if the target is 0."
    )
    one_to_one: bool = Field(default=False, description="Each row is used once; otherwise every pair is given.")
    max_days: int | None = Field(None, ge=0, le=100_000, description="Most days between the two dates.")
    date_order: Literal["any", "forward", "backward"] = Field(
        "any", description="`forward`: the second row is not older than the first; `backward`: not younger."
    )
    date_from: date | None = None
    date_to: date | None = None
    min_amount: Number | None = None
    max_amount: Number | None = None
    against: Against | None = Field(None, description="A second table: its rows are the partners.")
    max_pairs: int = Field(100_000, ge=1, le=MOST_PAIRS, description="Pairs that are listed; more are counted.")
    working_paper: bool = Field(default=True, description="With mode `all`: also make the Excel working paper.")

    @model_validator(mode="after")
    def _a_question(self) -> Self:
        if (self.nums is None) != self.is_file:
            raise ValueError("give `nums`, or a file by `file` or `filepath`")
        given = (self.target is not None) + bool(self.targets) + (self.target_column is not None)
        if given != 1:
            raise ValueError("give one of `target`, `targets`, `target_column`")
        if self.target_table is not None and self.target_column is None:
            raise ValueError("`target_table` needs `target_column`")
        if self.tolerance and self.tolerance_percent is not None:
            raise ValueError("give `tolerance` or `tolerance_percent`, not both")
        if self.mode is Mode.BEST and (self.tolerance or self.tolerance_percent is not None or self.one_to_one):
            raise ValueError("mode `best` finds the nearest pair: it takes neither a tolerance nor `one_to_one`")
        if self.date_column is None and (self.max_days is not None or self.date_from or self.date_to):
            raise ValueError("`max_days`, `date_from` and `date_to` need `date_column`")
        if self.date_order != "any" and self.max_days is None:
            raise ValueError("`date_order` needs `max_days`")
        return self._fitting_nums()

    def _fitting_nums(self) -> Self:
        if self.nums is not None:
            # A stored job carries its defaults too, so only what differs from them was asked for.
            named = Table.model_fields.keys() | {"target_column", "target_table", "against"}
            fields = type(self).model_fields
            asked = sorted(
                name for name in named if getattr(self, name) != fields[name].get_default(call_default_factory=True)
            )
            if asked:
                raise ValueError(f"`{asked[0]}` needs a file; `nums` has no columns")
        if self.against is not None and len(self.against.equal_by) not in {0, len(self.equal_by)}:
            raise ValueError("`against.equal_by` must name as many columns as `equal_by`")
        return self


def filled(params: TwoSumParams) -> Against:
    """The second table with what it leaves out taken from the first."""
    against = params.against
    if against is None:
        raise ValueError("there is no second table")
    given = against.model_fields_set
    taken: dict[str, object] = {}
    names = ["equal_by", "date_column", "text_numbers"]
    if not against.is_file:
        taken |= {"file": params.file, "filepath": params.filepath}
        names.append("sheet")
    if not given & {"column", "debit_column", "credit_column"}:
        names += ["column", "debit_column", "credit_column", "sign_column", "negative_signs", "positive_signs"]
    taken |= {name: getattr(params, name) for name in names if name not in given}
    return against.model_copy(update=taken)


def table_of_targets(params: TwoSumParams) -> Table:
    """The table whose column holds the targets: beside the amounts, or where `target_table` says."""
    own = params.target_table
    if own is None:
        names = ["file", "filepath", "sheet", "header_row", "text_numbers", "where"]
        return Table(column=params.target_column, **{name: getattr(params, name) for name in names})
    asked = own.model_dump()
    if own.file is None and own.filepath is None:
        asked |= {"file": params.file, "filepath": params.filepath}
    return Table(column=params.target_column, **asked)


def tables_of(params: TwoSumParams) -> list[Table]:
    """Every table that the question reads."""
    if not params.is_file:
        return []
    tables: list[Table] = [params]
    if params.against is not None:
        tables.append(filled(params))
    if params.target_column is not None:
        tables.append(table_of_targets(params))
    return tables


class Spot(Result):
    """One row of a pair, as the sheet itself calls it."""

    sheet: str | None = None
    cell: str | None = Field(None, description="The amount's own address, such as `B12`.")
    row: int | None = Field(None, description="The sheet's row number.")
    position: int = Field(description="0-based data row, the header not counted.")
    value: int | Decimal


class Pair(Result):
    first: Spot
    second: Spot
    target: int | Decimal
    deviation: int | Decimal = Field(description="Sum (or difference) minus target.")


class SkippedCell(Result):
    sheet: str
    cell: str
    reason: str
    shown: str


class TargetAnswer(Result):
    """The counts of one target of several."""

    target: int | Decimal
    pairs: int
    sheet: str | None = Field(None, description="Where a column of targets has it.")
    cell: str | None = None


class ScanReport(Result):
    """What was read, what was found, and how much of it chance would give."""

    input_sha256: str
    against_sha256: str | None = None
    rows_read: int = Field(description="Rows whose amount took part.")
    rows_against: int | None = None
    skipped: dict[str, int] = Field(description="Cells that took no part, by reason.")
    skipped_cells: list[SkippedCell] = Field(description="The first of them.")
    pairs: int | None = Field(description="Exact number of pairs; with mode `first` not counted.")
    listed: int = Field(description="Pairs in the artifacts.")
    truncated: bool = Field(description="Whether there are more pairs than listed.")
    rows_used: int | None = None
    rows_ambiguous: int | None = Field(None, description="Rows with more than one possible partner.")
    rows_unmatched: int | None = None
    sum_first: int | Decimal | None = Field(None, description="Sum of the first amounts of the listed pairs.")
    sum_second: int | Decimal | None = None
    chance_pairs: float | None = Field(None, description="Pairs that chance alone would give for this question.")
    advice: str | None = Field(
        None, description="What would make the result clearer: when chance is high, or texts are numbers."
    )
    first_pairs: list[Pair]
    by_target: list[TargetAnswer] = Field([])
    column: str | None = Field(None, description="The column that was read.")
    header_row: int | None = None
    read_seconds: float = 0.0
    scan_seconds: float = 0.0
    from_cache: bool = Field(default=False, description="Whether the answer was remembered, or the file's columns.")
    working_paper: str | None = Field(None, description="Why there is no working paper, where it would be too large.")


class TwoSumResult(Result):
    found: bool = Field(description="Whether any two numbers fit the question.")
    indices: list[int] | None = Field(description="0-based positions of the first pair.")
    numbers: list[int | Decimal] | None = Field(description="The numbers at these positions.")
    report: ScanReport | None = Field(None, description="For files: everything else that is known.")


def queue_of(params: dict[str, Any]) -> Queue:
    """An array is looked through at once; a file goes where nobody's small job waits behind it."""
    return Queue.QUICK if params.get("nums") is not None else Queue.HEAVY


TWO_SUM = JobKind(
    name="two_sum",
    title="Two-sum scan",
    description="Find the two numbers that add up to a target: the pair that is complete first, reading left to"
    " right, every pair, their count or the nearest. Reads arrays, workbooks, CSV and Parquet exactly, with"
    " tolerance, equal-by columns, date windows, one-to-one matching and a second table to match against.",
    params=TwoSumParams,
    result=TwoSumResult,
    body="tasks.two_sum.task",
    queue_of=queue_of,
    check="tasks.two_sum.checking:check",
    estimate="tasks.two_sum.estimating:estimate",
    time_limit=timedelta(minutes=30),
)
