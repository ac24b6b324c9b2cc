"""PyArrow where it is installed: the one place that says what to do where it is not."""

from types import ModuleType

from tradectl.model.errors import ErrorCode, Problem


def need_arrow() -> None:
    """Raises :class:`Problem` when Parquet cannot be read here."""
    try:
        import pyarrow  # noqa: F401
    except ImportError:
        raise Problem(
            ErrorCode.NOT_READY,
            "Parquet needs pyarrow, which is not installed",
            field="pyarrow",
            remedy="pip install 'tradectl[research]'",
        ) from None


def parquet() -> ModuleType:
    """``pyarrow.parquet``. Raises :class:`Problem` where it is not installed."""
    need_arrow()
    import pyarrow.parquet

    return pyarrow.parquet  # type: ignore[no-any-return]
