"""What is raised if a task could not be changed."""

from pyasynq.broker.operations.task_control import Answer, Verdict
from pyasynq.errors import TaskNotFoundError, TaskStateError
from pyasynq.task import TaskState

RUNNABLE = ("scheduled", "retry", "archived", "completed", "aggregating")
ARCHIVABLE = ("pending", "scheduled", "retry", "completed", "aggregating")
DELETABLE = ("pending", "scheduled", "retry", "aggregating", "archived", "completed")
MOVABLE = ("scheduled", "retry", "pending", "archived")


def check(answer: Answer, queue: str, task_id: str, allowed: tuple[str, ...]) -> None:
    """Raise why a task was not changed, if it was not.

    Args:
        answer: what the call answered.
        queue: the queue of the task.
        task_id: the task.
        allowed: the states in which the call works.

    Raises:
        TaskNotFoundError: there is no such task.
        TaskStateError: its state does not allow the call.
    """
    match answer.verdict:
        case Verdict.DONE:
            return
        case Verdict.ABSENT:
            raise TaskNotFoundError(queue=queue, task_id=task_id)
        case Verdict.WRONG_STATE if answer.state == TaskState.ACTIVE and allowed == DELETABLE:
            advice = 'cancel it, as with cancel(then="drop"), which deletes it once it has ended'
        case Verdict.WRONG_STATE if answer.state == TaskState.ACTIVE and allowed == ARCHIVABLE:
            advice = (
                'cancel it, as with cancel(then="archive"), which archives it once it has ended'
            )
        case Verdict.WRONG_STATE:
            advice = ""
        case Verdict.ELSEWHERE if answer.state == TaskState.AGGREGATING:
            advice = "its group is being aggregated at this moment; try again"
        case _:
            advice = "but it is not where such tasks are kept, so nothing was changed"
    state = answer.state or "in no state"
    raise TaskStateError(task_id=task_id, state=state, allowed=allowed, advice=advice)
