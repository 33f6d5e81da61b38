"""The figures of a fault test: one line that can be found in the output of a run."""


def show(row: str, **figures: object) -> None:
    """Print what was seen under the fault that *row* names.

    Args:
        row: the fault, as the table of faults calls it.
        figures: ``tasks``, ``lost``, ``duplicates``, ``recovered_s``, and what else was counted.
    """
    seen = " ".join(f"{name}={_text(value)}" for name, value in figures.items())
    print(f"fault: {row}: {seen}")


def _text(value: object) -> str:
    return f"{value:.2f}" if isinstance(value, float) else str(value)
