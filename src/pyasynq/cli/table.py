"""Tables for people: aligned, safe to show whatever is in them, and no wider than the terminal."""

from collections.abc import Collection, Sequence

from pyasynq.cli.terminal import styled
from pyasynq.cli.text_width import cut_to, padded, width_of
from pyasynq.shown import shown

LONGEST_CELL = 200  # characters, as in asynqmon; other forms of output show all
GAP = "  "
NARROWEST = 8  # columns that a text which may be cut keeps at least
BREAKS = str.maketrans({"\n": " ", "\r": " ", "\t": " "})


def table(
    headings: Sequence[str],
    rows: Sequence[Sequence[object]],
    *,
    width: int | None = None,
    cuttable: Collection[str] = (),
    is_coloured: bool = False,
) -> str:
    """Return aligned columns, two spaces apart, with dashes under the headings.

    Args:
        headings: of the columns.
        rows: their cells. What cannot be printed is escaped, and long texts are cut.
        width: of the terminal; columns are made narrower if there is too little of it. None for
            any width.
        cuttable: headings of the columns that are made narrower first.
        is_coloured: whether headings are emphasised.
    """
    texts = [[cell(each) for each in row] for row in rows]
    widths = [
        max(width_of(heading), *(width_of(row[at]) for row in texts), 0)
        for at, heading in enumerate(headings)
    ]
    if width is not None:
        _narrow(widths, headings, width, cuttable)
    lines = [_line(row, widths) for row in texts]
    head = [_line(headings, widths), _line(["-" * width_of(each) for each in headings], widths)]
    if width is not None:
        head, lines = ([cut_to(line, width) for line in some] for some in (head, lines))
    if is_coloured:
        head = [styled(head[0], "bold"), styled(head[1], "dim")]
    return "\n".join([*head, *lines])


def cell(value: object) -> str:
    """Return *value* as one printable line of bounded length."""
    text = "" if value is None else str(value).translate(BREAKS)
    more = "…" if len(text) > LONGEST_CELL else ""
    return shown(text[:LONGEST_CELL], LONGEST_CELL) + more


def fields(pairs: Sequence[tuple[str, object]], *, is_coloured: bool = False) -> str:
    """Return a name and a value a line; a value of several lines is indented."""
    widest = max(width_of(name) for name, _value in pairs) + 1
    lines = []
    for name, value in pairs:
        first, *others = ("" if value is None else str(value)).split("\n")
        label = padded(f"{name}:", widest)
        lines.append(f"{styled(label, 'bold') if is_coloured else label} {escaped(first)}".rstrip())
        lines += [f"{' ' * widest} {escaped(each)}".rstrip() for each in others]
    return "\n".join(lines)


def escaped(text: str) -> str:
    """Return all of *text*, what cannot be printed escaped."""
    return shown(text.replace("\t", "    "), max(1, len(text) * 4))


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    return GAP.join(
        padded(cut_to(each, width), width) for each, width in zip(cells, widths, strict=True)
    ).rstrip()


def _narrow(
    widths: list[int], headings: Sequence[str], width: int, cuttable: Collection[str]
) -> None:
    """Make columns narrower until a line fits, those that may be cut first, if that can be."""
    every = range(len(widths))
    for some in ([at for at in every if headings[at] in cuttable], list(every)):
        least = [max(NARROWEST, width_of(headings[at])) for at in every]
        while (over := sum(widths) + len(GAP) * (len(widths) - 1) - width) > 0:
            wide = [at for at in some if widths[at] > least[at]]
            if not wide:
                break
            widest = max(wide, key=widths.__getitem__)
            second = max((widths[at] for at in wide if at != widest), default=0)
            floor = max(least[widest], min(second, widths[widest] - 1))
            widths[widest] = max(floor, widths[widest] - over)
