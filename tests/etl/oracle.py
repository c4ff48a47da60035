"""The rules of the ledger once more: slow, obvious, one row after the other, and sharing no code with the real ones."""

# One long function a rule is what makes it obvious.
# ruff: noqa: C901, PLR0911, PLR0912, PLW2901, SIM108, DTZ007, DTZ001

import re
from collections import Counter
from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_UP, Context, Decimal

STATUSES = {
    "paid",
    "refunded",
    "pending_payment",
    "voided",
    "charged_back",
    "expired",
    "pre_authorized",
    "partially_refunded",
}
NOTHING = {"", "null", "none", "nan", "n/a", "\\n"}
DATE_FORMS = ["%Y-%m-%d", "%Y/%m/%d", "%Y.%m.%d", "%Y%m%d", "%d %b %Y", "%d %B %Y", "%b %d, %Y", "%d-%b-%Y"]
TIME_FORMS = ["", "T%H:%M:%S", " %H:%M:%S", "T%H:%M", " %H:%M", "T%H:%M:%SZ", "T%H:%M:%S.%f", "T%H:%M:%S%z"]


def bare(text):
    text = (text or "").strip(" \t\r\n\v\f\u00a0\ufeff")
    return "" if text.lower() in NOTHING else text


def masked(text):
    return "*" in text or all(letter in "#xX?•._-" for letter in text)


def amount_of(text):
    text = bare(text)
    if not text:
        return None, ["amount_missing"]
    if not re.fullmatch(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?", text):
        return None, ["amount_invalid"]
    mantissa, _, exponent = text.lower().partition("e")
    if int(exponent or 0) > 10_000:  # Decimal keeps to sizes it can hold
        zero = not Decimal(mantissa)
        negative = mantissa.startswith("-")
        return None, ["amount_not_positive" if zero or negative else "amount_too_large"]
    if int(exponent or 0) < -10_000:
        return None, ["amount_not_positive"]
    exact = Decimal(text)
    if exact <= 0:
        return None, ["amount_not_positive"]
    if exact >= Decimal(10) ** 15:
        return None, ["amount_too_large"]
    money = exact.quantize(Decimal("0.01"), ROUND_HALF_UP, Context(prec=2000))
    if money == 0:
        return None, ["amount_not_positive"]
    if money >= Decimal(10) ** 14:
        return None, ["amount_too_large"]
    return money, []


def date_of(text):
    """The moment, whether it is only a day, and how the reading went."""
    text = bare(text)
    if not text:
        return None, False, "missing"
    for date_form in DATE_FORMS:
        for time_form in TIME_FORMS:
            try:
                moment = datetime.strptime(text, date_form + time_form)
            except ValueError:
                continue
            if date_form == "%Y%m%d" and not re.match(r"[0-9]{8}(?![0-9])", text):
                continue
            if re.match(r"[0-9]{4}[^0-9]|[0-9]{8}", text) is None and date_form.startswith("%Y"):
                continue
            if moment.tzinfo:
                try:
                    moment = moment.astimezone(UTC).replace(tzinfo=None)
                except OverflowError:
                    return None, False, "invalid"
            return moment, not time_form, "ok"
    match = re.fullmatch(r"([0-9]{1,2})/([0-9]{1,2})/([0-9]{4})", text)
    if match:
        first, second, year = map(int, match.groups())
        readings = set()
        for month, day in ((first, second), (second, first)):
            try:
                readings.add(datetime(year, month, day))
            except ValueError:
                if month <= 12:
                    # A day that does not exist in that month: the other reading may not take its place
                    # unless it alone is a month at all.
                    readings.add(None)
        if first <= 12 and second <= 12 and first != second:
            return None, False, "ambiguous"
        if len(readings) == 1 and None not in readings:
            return readings.pop(), True, "ok"
    return None, False, "invalid"


class Oracle:
    """Judges the rows of one file; each row is (line, seven fields)."""

    def __init__(self, rows, *, repair=True):
        self.rows = [(line, *fields) for line, fields in rows]
        self.repair = repair
        self.names = {}
        self.first = {}
        self.rows_of = Counter()
        for line, _, name, company_id, *_ in self.rows:
            company_id, name = bare(company_id), bare(name)
            if company_id and not masked(company_id):
                self.first.setdefault(company_id, line)
                self.rows_of[company_id] += 1
                counter, first = self.names.setdefault(company_id, (Counter(), {}))
                if name:
                    counter[name] += 1
                    first.setdefault(name, line)

    def canonical(self, company_id):
        counter, first = self.names[company_id]
        return min(counter, key=lambda name: (-counter[name], first[name])) if counter else ""

    def owns_prefix(self, company_id):
        rivals = [other for other in self.first if other[:24] == company_id[:24]]
        return min(rivals, key=lambda other: (-self.rows_of[other], self.first[other])) == company_id

    def company_of(self, company_id, name):
        company_id, name = bare(company_id), bare(name)
        reasons, repairs = [], []
        if not company_id or masked(company_id):
            missing = "company_id_masked" if company_id else "company_id_missing"
            if not name:
                return None, [missing, "company_name_missing"], []
            owners = {o for o, (names, _) in self.names.items() if names[name] and self.owns_prefix(o)}
            if not self.repair or not owners:
                return None, [missing], []
            if len(owners) > 1:
                return None, ["company_ambiguous"], []
            company_id = owners.pop()
            repairs.append("company_id_repaired")
        best = self.canonical(company_id)
        if not best or (not name and not self.repair):
            reasons.append("company_name_missing")
        elif name != best:
            if self.repair:
                repairs.append("company_name_repaired")
            else:
                reasons.append("company_name_differs")
        if len(best) > 130:
            reasons.append("company_name_too_long")
        if not self.owns_prefix(company_id):
            reasons.append("company_id_collision")
        return company_id, reasons, repairs

    def fates(self):
        """By line: ('charge', id, company, amount, status, created, paid, repairs) or ('reject', reasons)."""
        taken = {}
        fates = {}
        for line, id_, name, company_id, amount, status, created, paid in self.rows:
            reasons = []
            full = bare(id_)
            if not full:
                reasons.append("id_missing")
            elif masked(full):
                reasons.append("id_masked")
            company, more, repairs = self.company_of(company_id, name)
            reasons += more
            money, more = amount_of(amount)
            reasons += more
            status = bare(status).lower()
            if not status:
                reasons.append("status_missing")
            elif status not in STATUSES:
                reasons.append("status_unknown")
            created, created_is_day, reading = date_of(created)
            if reading != "ok":
                reasons.append(f"created_at_{reading}")
            paid, paid_is_day, reading = date_of(paid)
            if reading in {"invalid", "ambiguous"}:
                reasons.append(f"paid_at_{reading}")
            if created and paid:
                if created_is_day or paid_is_day:
                    early = paid.date() < created.date()
                else:
                    early = paid < created
                if early:
                    reasons.append("paid_before_created")
            if not {"id_missing", "id_masked"} & set(reasons):
                owner = taken.get(full[:24])
                if owner is not None:
                    reasons.append("id_duplicate" if owner == full else "id_collision")
                elif not reasons:
                    taken[full[:24]] = full
            if reasons:
                fates[line] = ("reject", frozenset(reasons))
            else:
                fates[line] = ("charge", full[:24], company[:24], money, status, created, paid, frozenset(repairs))
        return fates


EPOCH = datetime(1970, 1, 1)


def moment_of(micros):
    return EPOCH + timedelta(microseconds=int(micros))
