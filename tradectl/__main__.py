"""``tradectl`` and ``python -m tradectl``: the quick verbs first, the full parser when it is needed."""

import os
import sys

INTERRUPTED, BROKEN_PIPE, USAGE = 130, 141, 2


def main(argv: list[str] | None = None) -> int:
    """Run one command line and return its exit code; 130 after Ctrl-C."""
    try:
        code = _run(sys.argv[1:] if argv is None else argv)
        sys.stdout.flush()
        return code
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:  # the reader (head, less) has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return BROKEN_PIPE


def _run(argv: list[str]) -> int:
    from tradectl.cli import quick
    from tradectl.cli.words import UsageError, split

    try:
        options, rest = split(argv)
        code = quick.answer(options, rest)
        if code is None:
            from tradectl.cli.app import run

            code = run(options, rest)
    except UsageError as error:
        print(f"error: {error}", file=sys.stderr)
        return USAGE
    return code


if __name__ == "__main__":
    sys.exit(main())
