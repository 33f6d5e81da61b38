package main

import (
	"time"

	"github.com/hibiken/asynq"
)

// schedule runs a scheduler with one entry until it is killed.
func schedule(redis asynq.RedisConnOpt, spec, taskType string) {
	scheduler := asynq.NewScheduler(redis, &asynq.SchedulerOpts{
		HeartbeatInterval: 100 * time.Millisecond,
		LogLevel:          asynq.FatalLevel,
	})
	task := asynq.NewTask(taskType, []byte("{}"))
	id, err := scheduler.Register(spec, task, asynq.Queue("low"), asynq.MaxRetry(3),
		asynq.Timeout(90*time.Second))
	check(err)
	check(scheduler.Start())
	emit(map[string]any{"ready": true, "id": id})
	select {}
}

func sayEntries(inspector *asynq.Inspector) {
	entries, err := inspector.SchedulerEntries()
	check(err)
	for _, entry := range entries {
		options := []string{}
		for _, option := range entry.Opts {
			options = append(options, option.String())
		}
		emit(map[string]any{
			"id": entry.ID, "spec": entry.Spec, "type": entry.Task.Type(),
			"payload": entry.Task.Payload(), "options": options,
			"next": unix(entry.Next), "prev": unix(entry.Prev),
		})
	}
}

func sayEvents(inspector *asynq.Inspector, entry string) {
	events, err := inspector.ListSchedulerEnqueueEvents(entry)
	check(err)
	for _, event := range events {
		emit(map[string]any{"task_id": event.TaskID, "enqueued_at": unix(event.EnqueuedAt)})
	}
}
