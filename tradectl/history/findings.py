"""What was found in a file of market data: faults that stop it, repairs that were made, things to know."""

from pathlib import Path
from typing import Literal

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from tradectl.model.errors import ErrorCode, Problem

Level = Literal["repaired", "warning"]
REPAIR = "Correct the file, or import it with data import --repair; nothing of the file was used"


class Finding(Struct, frozen=True):
    """Something told about a file: which rule, in words, how many rows, the first line (0: the file as a whole)."""

    level: Level
    code: str
    text: str
    rows: int = 0
    line: int = 0


class Fault(Struct, frozen=True):
    """Rows that break one rule; ``rule`` reads on from the field's name and tells of the first of them."""

    code: str
    field: str
    rule: str
    line: int
    rows: int


class Report:
    """The faults and findings of one file, in the order they were met."""

    def __init__(self, path: Path, repair: bool) -> None:
        self.path = path
        self.repair = repair
        self.findings: list[Finding] = []

    def problem(self, line: int, field: str, rule: str, remedy: str = REPAIR, rows: int = 1) -> Problem:
        """What a person is told of one fault; line 0 is the file as a whole."""
        where = f"{self.path}, line {line}" if line else str(self.path)
        more = f" (and {rows - 1} more rows like it)" if rows > 1 else ""
        return Problem(
            ErrorCode.INVALID_REQUEST,
            f"{where}: {field} {rule}{more}",
            field=field,
            reason=rule,
            remedy=remedy,
            data={"file": str(self.path), "line": line, "rows": rows},
        )

    def mend(self, fault: Fault, done: str) -> None:
        """Note that ``fault`` was repaired by ``done``, a past participle. Raises :class:`Problem` without repair."""
        if not self.repair:
            raise self.problem(fault.line, fault.field, fault.rule, rows=fault.rows)
        text = f"{fault.rows} {'row' if fault.rows == 1 else 'rows'} {done}: {fault.field} {fault.rule}"
        self.findings.append(Finding("repaired", fault.code, f"{text} (line {fault.line})", fault.rows, fault.line))

    def warn(self, code: str, text: str, rows: int = 0, line: int = 0) -> None:
        """Something to know that stops nothing."""
        self.findings.append(Finding("warning", code, text, rows, line))


def first_of(mask: NDArray[np.bool_]) -> int:
    """The position of the first true entry."""
    return int(np.argmax(mask))
