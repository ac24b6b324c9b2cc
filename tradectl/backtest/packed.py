"""Long lists of records that would not fit into memory as objects: packed in blocks, opened as they are read."""

import zlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Generic, TypeVar, overload

import msgspec

T = TypeVar("T")
S = TypeVar("S")

#: Up to so many records stay objects: nearly every run has fewer. A multiple of the block.
PLAIN = 20_000
#: Records packed together.
BLOCK = 2_000


class Packed(Sequence[T], Generic[T]):
    """Records of one kind, in the order they were appended."""

    def __init__(self, kind: type[T]) -> None:
        self._decode = msgspec.msgpack.Decoder(list[kind]).decode  # type: ignore[valid-type]
        self._blocks: list[bytes] = []
        self._last: list[T] = []
        self._most = PLAIN

    def append(self, record: T) -> None:
        """Take the next one."""
        self._last.append(record)
        if len(self._last) >= self._most:
            self._pack()

    def _pack(self) -> None:
        """What is there becomes blocks; from now on each block as it fills."""
        self._most = BLOCK
        for start in range(0, len(self._last), BLOCK):
            self._blocks.append(zlib.compress(msgspec.msgpack.encode(self._last[start : start + BLOCK]), 1))
        self._last = []

    def done(self) -> Sequence[T]:
        """The records: a tuple while there are few."""
        return self if self._blocks else tuple(self._last)

    def __len__(self) -> int:
        return len(self._blocks) * BLOCK + len(self._last)

    def __iter__(self) -> Iterator[T]:
        for block in self._blocks:
            yield from self._decode(zlib.decompress(block))
        yield from self._last

    @overload
    def __getitem__(self, place: int) -> T: ...
    @overload
    def __getitem__(self, place: slice) -> list[T]: ...
    def __getitem__(self, place: int | slice) -> T | list[T]:
        if isinstance(place, slice):
            return [self[i] for i in range(*place.indices(len(self)))]
        place = place + len(self) if place < 0 else place
        if not 0 <= place < len(self):
            raise IndexError(f"there are {len(self)} records, none at {place}")
        packed = len(self._blocks) * BLOCK
        if place >= packed:
            return self._last[place - packed]
        found: list[T] = self._decode(zlib.decompress(self._blocks[place // BLOCK]))
        return found[place % BLOCK]

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Sequence) or len(self) != len(other):
            return False
        return all(a == b for a, b in zip(self, other, strict=True))

    __hash__ = None  # type: ignore[assignment]


class Derived(Sequence[S], Generic[T, S]):
    """What follows from each record of a sequence, worked out as it is read."""

    def __init__(self, records: Sequence[T], made: Callable[[T], S]) -> None:
        self._records = records
        self._made = made

    def __len__(self) -> int:
        return len(self._records)

    def __iter__(self) -> Iterator[S]:
        return map(self._made, self._records)

    def __getitem__(self, place: Any) -> Any:
        found = self._records[place]
        return [self._made(it) for it in found] if isinstance(place, slice) else self._made(found)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Sequence) or len(self) != len(other):
            return False
        return all(a == b for a, b in zip(self, other, strict=True))

    __hash__ = None  # type: ignore[assignment]


def derived(records: Sequence[T], made: Callable[[T], S]) -> Sequence[S]:
    """A tuple where the records are few, else a view."""
    return Derived(records, made) if isinstance(records, Packed) else tuple(map(made, records))
