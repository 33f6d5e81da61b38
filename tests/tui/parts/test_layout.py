"""How wide columns are, and which are left out."""

from pyasynq.tui.parts.layout import Column, Placed, placed

NAME = Column(heading="Name", flexible=True, least=6)
COUNT = Column(heading="Count", right=True)
EXTRA = Column(heading="Extra", rank=1)
RARE = Column(heading="Rare", rank=2)


def test_what_is_left_over_goes_to_the_last_flexible_column():
    assert placed((NAME, COUNT), [10, 5], 40) == (Placed(0, 31), Placed(1, 5))


def test_flexible_columns_become_narrower_down_to_their_least():
    assert placed((NAME, COUNT), [30, 5], 25) == (Placed(0, 16), Placed(1, 5))
    assert placed((NAME, COUNT), [30, 5], 4) == (Placed(0, 6), Placed(1, 5))


def test_columns_of_the_highest_rank_are_left_out_first():
    columns, natural = (NAME, EXTRA, RARE, COUNT), [10, 5, 5, 5]

    assert [each.at for each in placed(columns, natural, 33)] == [0, 1, 2, 3]
    assert [each.at for each in placed(columns, natural, 28)] == [0, 1, 3]
    assert [each.at for each in placed(columns, natural, 16)] == [0, 3]


def test_a_column_that_gives_first_becomes_narrow_before_others():
    first = Column(heading="ID", flexible=True, first=True, least=8)

    assert placed((first, NAME), [20, 30], 44) == (Placed(0, 10), Placed(1, 30))
