"""What is asked before something is done, and what is told after."""

from pyasynq.tui.acts import ACTS, delete_question, outcome, pause_question, question, refusal


def test_the_question_states_the_count_the_state_and_the_queue():
    asked = question(ACTS["archive"], 2, "pending", "mail")

    assert asked.title == "Archive 2 pending tasks of queue 'mail'?"
    assert question(ACTS["run"], 1, "retry", "q").title == "Run 1 retry task of queue 'q'?"


def test_all_tasks_of_a_state_or_of_groups_are_said_to_be_all():
    assert question(ACTS["run"], 5000, "retry", "q", every=True).title == (
        "Run all 5,000 retry tasks of queue 'q'?"
    )
    groups = question(ACTS["delete"], 7, "aggregating", "q", every=True, groups=["a", "b"])
    assert groups.title == "Delete all 7 aggregating tasks of 2 groups?"


def test_only_a_large_deletion_needs_the_name_to_be_typed():
    assert question(ACTS["delete"], 1000, "archived", "q").typed == ""
    assert question(ACTS["delete"], 1001, "archived", "q").typed == "q"
    assert question(ACTS["run"], 100_000, "archived", "q").typed == ""
    assert delete_question(["q"], 1001).typed == "q"
    assert delete_question(["q", "r"], 1001).typed == "delete"


def test_what_a_state_does_not_allow_is_told_with_what_is_possible():
    assert refusal(ACTS["delete"], "active") == "a task that runs cannot be deleted; C cancels it"
    assert refusal(ACTS["run"], "pending") == "tasks that are pending cannot be run"
    assert refusal(ACTS["cancel"], "retry") == "only tasks that run can be cancelled"
    assert refusal(ACTS["cancel"], "active") == ""


def test_the_outcome_counts_what_was_done_and_names_the_first_error():
    assert outcome("Ran", 1, "task", []) == "Ran 1 task."
    assert outcome("Ran", 1200, "task", ["no a", "no b"]) == "Ran 1,200 tasks; 2 failed: no a"


def test_a_pause_is_asked_for_by_the_name_or_the_number_of_queues():
    assert pause_question(["a"], is_pause=True).title == "Pause queue 'a'?"
    assert pause_question(["a", "b"], is_pause=False).title == "End the pause of 2 queues?"
