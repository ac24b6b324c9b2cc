"""The walls of the house, read from the syntax trees: what an import contract cannot say, and what it can, twice."""

import ast
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "tradectl"

#: Floor of each room, bottom first; a room imports only from floors below its own.
FLOORS: tuple[frozenset[str], ...] = (
    frozenset({"model"}),
    frozenset({"engine", "matching", "journal", "history", "performance"}),
    frozenset({"strategies", "exchange", "sandbox", "simulation", "security", "monitoring"}),
    frozenset({"ai_models", "storage"}),
    frozenset({"backtest", "rpc"}),
    frozenset({"daemon", "watchdog", "api"}),
    frozenset({"cli"}),
)
FLOOR_OF = {room: number for number, rooms in enumerate(FLOORS) for room in rooms}
#: What stands beside the rooms, and who may read it ("" is the top level itself).
BESIDE = {
    "settings": {"daemon", "watchdog", "api", "cli", "", "__main__"},
    "paths": {"daemon", "watchdog", "api", "cli", "", "__main__", "settings"},
    "__main__": {""},
}
#: Rooms that use less than their floor would allow.
NARROW = {
    "engine": {"model"},
    "matching": {"model"},
    "performance": {"model"},
    "sandbox": {"model", "matching", "history"},
    "api": {"model", "rpc", "security", "monitoring"},
}
#: The store is a process of its own; what answers its questions alone serves rpc from a floor below it.
STORE_ENTRY_POINTS = {f"tradectl/storage/{name}.py" for name in ("__main__", "store", "story", "measured")}

PURE_ROOMS = ("model", "engine", "matching", "performance")
IMPURE_MODULES = frozenset({
    "asyncio", "concurrent", "ctypes", "http", "io", "logging", "multiprocessing", "os", "pathlib", "queue", "random",
    "secrets", "select", "selectors", "shutil", "signal", "socket", "sqlite3", "ssl", "subprocess", "tempfile",
    "threading", "time", "urllib", "uvloop", "zoneinfo",
})  # fmt: skip
#: ``uuid`` itself is a format; these draw from the clock, the network card or chance.
RANDOM_IDS = frozenset({"uuid1", "uuid4", "uuid6", "uuid7", "getnode"})
CLOCK_CALLS = frozenset({"now", "utcnow", "today"})
#: Modules whose package has another name.
DISTRIBUTIONS = {"jwt": "pyjwt", "Crypto": "pycryptodome"}
DATABASE_MODULES = frozenset({"sqlmodel", "sqlalchemy", "alembic", "psycopg", "sqlite3"})


def sources(*rooms: str) -> Iterator[Path]:
    for room in rooms:
        yield from sorted((PACKAGE / room).rglob("*.py"))


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def room_of(path: Path) -> str:
    parts = path.relative_to(PACKAGE).parts
    return parts[0] if len(parts) > 1 else parts[0].removesuffix(".py").replace("__init__", "")


def parse(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), name_of(path))


def package_parts(path: Path) -> list[str]:
    return [*path.relative_to(ROOT).parts[:-1]]


def imported_names(path: Path) -> Iterator[tuple[int, str]]:
    """Every module imported anywhere in a file, functions included: (line, dotted name)."""
    for node in ast.walk(parse(path)):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            parts = package_parts(path)
            base = parts[: len(parts) - node.level + 1] if node.level else []
            module = ".".join([*base, *([node.module] if node.module else [])])
            yield from ((node.lineno, f"{module}.{alias.name}") for alias in node.names)


def rooms_imported(path: Path) -> Iterator[tuple[int, str]]:
    for line, name in imported_names(path):
        parts = name.split(".")
        if parts[0] == "tradectl" and len(parts) > 1 and parts[1] not in ("__version__",):
            yield line, parts[1]


def violations(path: Path) -> Iterator[str]:
    room = room_of(path)
    for line, other in rooms_imported(path):
        if other == room:
            continue
        if other in BESIDE:
            allowed = room in BESIDE[other]
        elif room in BESIDE or room == "":
            allowed = True  # settings.py is composed of each room's own part
        elif name_of(path) in STORE_ENTRY_POINTS and other == "rpc":
            allowed = True
        else:
            allowed = FLOOR_OF[other] < FLOOR_OF[room] and other in NARROW.get(room, FLOOR_OF)
        if not allowed:
            yield f"{name_of(path)}:{line}: {room} may not import {other}"


def test_every_room_has_a_floor() -> None:
    rooms = {path.parent.name for path in PACKAGE.glob("*/__init__.py")}
    modules = {path.stem for path in PACKAGE.glob("*.py")} - {"__init__"}
    assert rooms | modules <= set(FLOOR_OF) | set(BESIDE)


def test_rooms_import_only_from_floors_below() -> None:
    assert [text for path in sorted(PACKAGE.rglob("*.py")) for text in violations(path)] == []


def test_the_walk_sees_a_forbidden_import(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake = tmp_path / "tradectl" / "engine" / "bad.py"
    fake.parent.mkdir(parents=True)
    fake.write_text("def f() -> None:\n    from tradectl.exchange import bybit\n    from ..rpc import server\n")
    monkeypatch.setattr(sys.modules[__name__], "ROOT", tmp_path)
    monkeypatch.setattr(sys.modules[__name__], "PACKAGE", tmp_path / "tradectl")
    assert [text.split(": ", 1)[1] for text in violations(fake)] == [
        "engine may not import exchange",
        "engine may not import rpc",
    ]


def test_the_engine_imports_msgspec_and_the_standard_library_alone() -> None:
    foreign = [
        f"{name_of(path)}:{line}: {name}"
        for path in sources(*PURE_ROOMS)
        for line, name in imported_names(path)
        if name.split(".")[0] not in {"tradectl", "msgspec"} | sys.stdlib_module_names
    ]
    assert foreign == []


def test_pure_rooms_touch_no_clock_chance_or_system() -> None:
    impure = [
        f"{name_of(path)}:{line}: {name}"
        for path in sources(*PURE_ROOMS)
        for line, name in imported_names(path)
        if name.split(".")[0] in IMPURE_MODULES
    ]
    assert impure == []


def test_pure_rooms_read_no_time_of_day_and_await_nothing() -> None:
    found = []
    for path in sources(*PURE_ROOMS):
        for node in ast.walk(parse(path)):
            is_clock = (
                isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in CLOCK_CALLS
                and isinstance(node.func.value, ast.Name) and node.func.value.id in ("datetime", "date")
            )  # fmt: skip
            is_io = isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("open", "print")
            is_random = (
                isinstance(node, (ast.Attribute, ast.alias))
                and (node.attr if isinstance(node, ast.Attribute) else node.name) in RANDOM_IDS
            )
            if is_clock or is_io or is_random or isinstance(node, (ast.AsyncFunctionDef, ast.Await)):
                found.append(f"{name_of(path)}:{getattr(node, 'lineno', 0)}")
    assert found == []


def calls_of(path: Path, name: str) -> Iterator[int]:
    for node in ast.walk(parse(path)):
        if isinstance(node, ast.Call):
            called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if called == name:
                yield node.lineno


def test_only_the_risk_manager_approves() -> None:
    makers = {name_of(path) for path in sorted(PACKAGE.rglob("*.py")) if any(calls_of(path, "RiskApproved"))}
    assert makers == {"tradectl/engine/risk_manager.py"}


def test_no_approval_is_edited_or_renamed() -> None:
    """An alias or ``replace`` of an approval would be a second way to make one."""
    aliases = [
        f"{name_of(path)}:{node.lineno}"
        for path in sorted(PACKAGE.rglob("*.py"))
        for node in ast.walk(parse(path))
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
        if alias.name == "RiskApproved" and alias.asname
    ]
    assert aliases == []


def test_the_daemon_names_no_database_module() -> None:
    found = [
        f"{name_of(path)}:{line}: {name}"
        for path in sources("daemon")
        for line, name in imported_names(path)
        if name.split(".")[0] in DATABASE_MODULES or name.startswith("tradectl.storage.tables")
    ]
    assert found == []


def test_status_answers_before_typer_and_rich_are_imported(tmp_path: Path) -> None:
    """Cold start: ``status`` of a daemon that is not there still takes the whole path to the socket."""
    environment = {**os.environ, "TRADECTL_STATE": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "tradectl", "status"],
        cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    imported = {line.split("|")[-1].strip() for line in done.stderr.splitlines() if line.startswith("import time:")}
    assert done.returncode == 3, done.stderr[-500:]
    assert not {"typer", "rich", "httpx", "sqlmodel", "loguru", "asyncio"} & imported


def test_every_imported_package_is_declared() -> None:
    """Nothing works by luck of what another package brought along."""
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    project = tomllib.loads(text)["project"]
    listed = [*project["dependencies"], *project["optional-dependencies"]["research"]]
    declared = {re.split(r"[^A-Za-z0-9_-]", entry)[0].lower() for entry in listed} | {"xgboost"}
    imported = {name.split(".")[0] for path in PACKAGE.rglob("*.py") for _, name in imported_names(path)}
    foreign = imported - sys.stdlib_module_names - {"tradectl"}
    assert {DISTRIBUTIONS.get(name, name) for name in foreign} <= declared


def readme_command(heading: str) -> str:
    """The first code block under a heading of the README."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    found = re.search(rf"^## {heading}\n.*?^```\w*\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    assert found, f"README has no code block under ## {heading}"
    return found.group(1).rstrip("\n")


@pytest.mark.parametrize("heading", ["Run it", "Test it"])
def test_readme_commands_are_one_line_and_joined_by_and(heading: str) -> None:
    command = readme_command(heading)
    assert "\n" not in command
    assert ";" not in command
    assert "--require-hashes" in command


def test_ci_runs_the_readme_line_verbatim() -> None:
    lines = (ROOT / ".ci" / "run").read_text(encoding="utf-8").splitlines()
    assert lines[-1] == readme_command("Test it")


@pytest.mark.parametrize("name", ["run.lock", "research.lock", "test.lock"])
def test_locks_pin_hashes_and_name_no_index(name: str) -> None:
    text = (ROOT / "requirements" / name).read_text(encoding="utf-8")
    assert "://" not in text
    assert "--index" not in text
    assert "--find-links" not in text
    pinned = [line for line in text.splitlines() if re.match(r"[A-Za-z0-9]", line)]
    assert pinned
    assert all("==" in line and line.endswith("\\") for line in pinned)
    assert text.count("--hash=sha256:") >= len(pinned)


def test_the_run_lock_is_a_part_of_the_test_lock() -> None:
    pins = [
        set(re.findall(r"(?m)^[A-Za-z0-9][^ ;]+", (ROOT / "requirements" / name).read_text()))
        for name in ("run.lock", "test.lock")
    ]
    assert pins[0] <= pins[1]
