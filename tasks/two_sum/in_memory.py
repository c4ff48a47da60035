"""Answer a question about numbers that came with it."""

import hashlib

import numpy as np

from core.workbook.decimals import show
from core.workbook.header import Column, Header
from core.workbook.source import Head, SheetInfo
from tasks.two_sum.amounts import Decimals, Skips
from tasks.two_sum.answering import Target, answer, in_units, scale_of
from tasks.two_sum.contract import TwoSumParams, TwoSumResult
from tasks.two_sum.entries import SAFE
from tasks.two_sum.ledger import Ledger, Part
from tasks.two_sum.pairs import first_pair
from tasks.two_sum.reporting import result_of


def answer_from_numbers(params: TwoSumParams) -> TwoSumResult:
    numbers = params.nums or []
    plain = TwoSumParams.model_construct(nums=numbers, target=params.target)
    if params.target is not None and params == TwoSumParams.model_validate(
        plain.model_dump(include={"nums", "target"})
    ):
        return _simple(numbers, params.target)
    targets = list(params.targets) if params.target is None else [params.target]
    ledger = ledger_of(numbers)
    digest = hashlib.sha256(
        " ".join(show(in_units(each, 0), 0) if isinstance(each, int) else f"{each:f}" for each in numbers).encode()
    )
    return result_of(params, answer(params, targets, ledger), ledger, None, input_sha256=digest.hexdigest())


def _simple(numbers: list[Target], target: Target) -> TwoSumResult:
    """The contract's question needs no arrays."""
    pair = first_pair(numbers, target)
    if pair is None:
        return TwoSumResult(found=False, indices=None, numbers=None)
    return TwoSumResult(found=True, indices=list(pair), numbers=[numbers[place] for place in pair])


def ledger_of(numbers: list[Target]) -> Ledger:
    """The numbers as the only column of a table without a header."""
    scale = scale_of(TwoSumParams.model_construct(tolerance=0, min_amount=None, max_amount=None), numbers)
    units = [in_units(number, scale) for number in numbers]
    large = {place: (value, -scale) for place, value in enumerate(units) if abs(value) >= SAFE or scale > 127}  # noqa: PLR2004
    mantissas = np.array([0 if place in large else value for place, value in enumerate(units)], np.int64)
    exponents = np.full(len(units), -min(scale, 127) if len(large) < len(units) else 0, np.int8)
    column = Column(0, "nums")
    header = Header(0, [column], Head({}))
    decimals = Decimals(np.arange(1, len(units) + 1), mantissas, exponents, large)
    return Ledger([Part(SheetInfo("nums", 0), header, column, decimals, None, None, Skips())])
