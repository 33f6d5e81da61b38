"""A bar on a terminal, and nothing elsewhere."""

from pyasynq.cli.progress_bar import CLEAR, ProgressBar, progress_bar


def test_a_bar_shows_text_and_fraction_and_is_removed(capsys):
    bar = ProgressBar(is_shown=True)

    bar.show("5 done", 0.5)
    bar.show("6 done", 0.6)
    bar.clear()

    drawn = f"{CLEAR}[{'#' * 12}{'.' * 12}]  50%  5 done"
    assert capsys.readouterr().err == f"{drawn}{CLEAR}"


def test_what_is_more_than_all_is_all_and_what_nobody_knows_has_no_bar(capsys):
    ProgressBar(is_shown=True).show("x", 1.5)
    ProgressBar(is_shown=True).show("y")

    assert capsys.readouterr().err == f"{CLEAR}[{'#' * 24}] 100%  x{CLEAR}y"


def test_nothing_is_shown_where_there_is_no_terminal(capsys):
    with progress_bar() as bar:
        bar.show("5 done", 0.5)

    assert capsys.readouterr().err == ""


def test_a_count_is_shown_of_how_many_there_are_or_by_itself(capsys):
    ProgressBar(is_shown=True).count(500, 2000)
    ProgressBar(is_shown=True).count(1500, 0)

    assert capsys.readouterr().err == f"{CLEAR}[{'#' * 6}{'.' * 18}]  25%  500 of 2,000{CLEAR}1,500"
