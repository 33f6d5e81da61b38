"""Where the lines of an import come from: a file, or any other iterable of lines."""

from collections.abc import AsyncIterable, AsyncIterator, Iterable, Iterator

Line = str | bytes
Lines = Iterable[Line]
AsyncLines = Iterable[Line] | AsyncIterable[Line]


def numbered(lines: Lines) -> Iterator[tuple[int, Line]]:
    """Yield the lines that are not empty, each with its number, from 1."""
    for number, line in enumerate(lines, 1):
        if line.strip():
            yield number, line


async def numbered_async(lines: AsyncLines) -> AsyncIterator[tuple[int, Line]]:
    """Yield the lines that are not empty, each with its number, from 1; see `numbered`."""
    if isinstance(lines, AsyncIterable):
        number = 0
        async for line in lines:
            number += 1
            if line.strip():
                yield number, line
    else:
        for each in numbered(lines):
            yield each
