package main

import (
	"fmt"
	"time"

	"github.com/hibiken/asynq"
)

func inspect(inspector *asynq.Inspector, command string, arguments []string) {
	switch command {
	case "inspect":
		sayQueue(inspector, arguments[0])
		sayServers(inspector)
	case "get":
		info, err := inspector.GetTaskInfo(arguments[0], arguments[1])
		check(err)
		emit(describe(info))
	case "group":
		found, err := inspector.ListAggregatingTasks(arguments[0], arguments[1])
		check(err)
		sayAll(found)
	case "entries":
		sayEntries(inspector)
	case "events":
		sayEvents(inspector, arguments[0])
	case "run":
		check(inspector.RunTask(arguments[0], arguments[1]))
	case "pause":
		check(inspector.PauseQueue(arguments[0]))
	case "unpause":
		check(inspector.UnpauseQueue(arguments[0]))
	case "cancel":
		check(inspector.CancelProcessing(arguments[0]))
	default:
		check(fmt.Errorf("no such command: %s", command))
	}
}

func describe(info *asynq.TaskInfo) map[string]any {
	return map[string]any{
		"id": info.ID, "queue": info.Queue, "type": info.Type, "payload": info.Payload,
		"headers": info.Headers, "state": info.State.String(), "max_retry": info.MaxRetry,
		"retried": info.Retried, "last_error": info.LastErr,
		"last_failed_at": unix(info.LastFailedAt), "timeout_s": info.Timeout.Seconds(),
		"deadline": unix(info.Deadline), "group": info.Group,
		"next_process_at": unix(info.NextProcessAt), "retention_s": info.Retention.Seconds(),
		"completed_at": unix(info.CompletedAt), "result": info.Result,
	}
}

// unix returns null for Go's zero time.
func unix(moment time.Time) any {
	if moment.IsZero() {
		return nil
	}
	return moment.Unix()
}

func sayAll(tasks []*asynq.TaskInfo) {
	for _, task := range tasks {
		emit(describe(task))
	}
}

func sayQueue(inspector *asynq.Inspector, queue string) {
	info, err := inspector.GetQueueInfo(queue)
	check(err)
	emit(map[string]any{
		"pending": info.Pending, "active": info.Active, "scheduled": info.Scheduled,
		"retry": info.Retry, "archived": info.Archived, "completed": info.Completed,
		"aggregating": info.Aggregating, "groups": info.Groups, "size": info.Size,
		"processed": info.Processed, "failed": info.Failed, "is_paused": info.Paused,
	})
	list := []func(string, ...asynq.ListOption) ([]*asynq.TaskInfo, error){
		inspector.ListPendingTasks, inspector.ListScheduledTasks, inspector.ListRetryTasks,
		inspector.ListArchivedTasks, inspector.ListCompletedTasks, inspector.ListActiveTasks,
	}
	for _, tasks := range list {
		found, err := tasks(queue)
		check(err)
		sayAll(found)
	}
}

func sayServers(inspector *asynq.Inspector) {
	servers, err := inspector.Servers()
	check(err)
	for _, server := range servers {
		workers := []string{}
		for _, worker := range server.ActiveWorkers {
			workers = append(workers, worker.TaskType)
		}
		emit(map[string]any{
			"server": server.ID, "concurrency": server.Concurrency, "queues": server.Queues,
			"status": server.Status, "workers": workers,
		})
	}
}
