"""Stored market data as a person reads it: what there is, what was imported, what is wrong."""

from collections.abc import Iterator
from typing import Any

from tradectl.cli.screen import Screen
from tradectl.cli.text import duration, size, table

_RIGHT = frozenset({"ROWS", "MISSING", "SIZE", "NEW", "SAME"})
#: So many gaps of a series are shown; --json has all.
SHOWN = 50

Row = dict[str, Any]


def series_table(screen: Screen, data: Row) -> str:
    """One line a series."""
    if not data["series"]:
        return f"nothing is stored in {data['folder']}; tradectl data import and download bring it"
    heads = ["SERIES", "FROM", "TO", "ROWS", "MISSING", "SIZE"]
    rows = [
        [
            it["series"], screen.clock.moment(it["since"], False), screen.clock.moment(it["until"], False),
            str(it["rows"]), _missing(screen, it), size(it["size"]),
        ]
        for it in data["series"]
    ]  # fmt: skip
    lines = [table(heads, rows, screen.paint, _RIGHT)]
    lines += [screen.paint(it["damaged"], "red") for it in data["series"] if "damaged" in it]
    return "\n".join(lines)


def _missing(screen: Screen, it: Row) -> str:
    if it.get("missing") is None:
        return "-"
    return screen.paint(str(it["missing"]), "yellow") if it["missing"] else "0"


def imported_table(screen: Screen, data: Row) -> str:
    """One line a file, and under it what was found."""
    good = [it for it in data["files"] if "error" not in it]
    lines = []
    if good:
        rows = [
            [
                _name(it), it["series"], screen.clock.moment(it["since"], False),
                screen.clock.moment(it["until"], False), str(it["rows"]), str(it.get("new", "-")),
                str(it.get("identical", "-")), _missing(screen, it),
            ]
            for it in good
        ]  # fmt: skip
        heads = ["FILE", "SERIES", "FROM", "TO", "ROWS", "NEW", "SAME", "MISSING"]
        lines.append(table(heads, rows, screen.paint, _RIGHT))
    for it in good:
        lines += [f"{_name(it)}:", *(f"  {text}" for text in _notes(screen, it))]
    refused = len(data["files"]) - len(good)
    done = "checked, nothing written" if data["dry_run"] else f"imported into {data['folder']}"
    count = f"{len(good)} of {len(data['files'])}" if refused else str(len(good))
    lines.append(f"{count} {'file' if count == '1' else 'files'} {done}")
    return "\n".join(lines)


def _name(it: Row) -> str:
    return str(it["file"]).rpartition("/")[2]


def _notes(screen: Screen, it: Row) -> Iterator[str]:
    if it["guessed"]:
        yield f"{', '.join(it['guessed'])} by its name and rows; times in {it['times']}"
    for note in it["findings"]:
        yield screen.paint(f"{note['level']}: {note['text']}", "yellow")
    if it["gaps"]:
        yield screen.paint(f"{it['missing']} rows are missing in {len(it['gaps'])} gaps", "yellow")
        yield from (f"  {text}" for text in _gap_lines(screen, it["gaps"]))
    for word in ("replaced", "kept"):
        if it.get(word):
            yield f"{it[word]} stored rows were {word}"


def checked(screen: Screen, data: Row) -> str:
    """A verdict for each series, and what is behind it."""
    return "\n".join(line for it in data["series"] for line in _checked(screen, it))


def _checked(screen: Screen, it: Row) -> Iterator[str]:
    verdict = screen.paint("sound", "green") if it["sound"] else screen.paint("NOT SOUND", "red")
    span = f"{screen.clock.moment(it['since'], False)} to {screen.clock.moment(it['until'], False)}"
    yield f"{it['series']}: {verdict}, {it['rows']} rows, {span}, {duration(it['age_seconds'] * 10**9)} old"
    yield from (f"  {text}" for text in it["findings"])
    yield from (f"    missing {text}" for text in _gap_lines(screen, it["gaps"]))


def _gap_lines(screen: Screen, gaps: list[Row]) -> Iterator[str]:
    for gap in gaps[:SHOWN]:
        begin, end = screen.clock.moment(gap["since"]), screen.clock.moment(gap["until"])
        if gap["rows"] == 1:
            yield begin
        else:
            yield f"{begin} to before {end}" + (f", {gap['rows']} rows" if gap["rows"] else "")
    if len(gaps) > SHOWN:
        yield f"and {len(gaps) - SHOWN} more gaps; --json lists all"


def repaired(screen: Screen, data: Row) -> str:
    """What was done to each series."""
    return "\n".join(line for it in data["series"] for line in _repaired(screen, it))


def _repaired(screen: Screen, it: Row) -> Iterator[str]:
    done = it["put_aside"] or it["removed"] or it["filled"]
    yield f"{it['series']}: {'repaired' if done else 'nothing to repair' if not it['left'] else 'not repaired'}"
    for file in it["put_aside"]:
        yield f"  put aside as damaged: {file['file']} ({file['reason']})"
    if it["removed"]:
        yield f"  {it['removed']} impossible or repeated rows taken out"
    for made in it["filled"]:
        how = "made up flat, volume 0" if made["how"] == "flat" else f"made from {made['source']}"
        begin, end = screen.clock.moment(made["since"]), screen.clock.moment(made["until"])
        yield f"  {made['rows']} rows {how}: {begin} to before {end}"
    if it["left"]:
        count = sum(gap["rows"] for gap in it["left"])
        yield screen.paint(f"  {count} rows are still missing in {len(it['left'])} gaps", "yellow")
        yield from (f"    {text}" for text in _gap_lines(screen, it["left"]))
