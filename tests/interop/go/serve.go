package main

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/hibiken/asynq"
)

// serve says of each task what its handler sees, then does what the type begins with: "fail"
// fails, "skip" fails for good, "wait" waits to be cancelled, "work" waits for as many milliseconds
// as its payload says, and says that it has ended. Any other task is done, and its payload is its
// result. A failed task is due an hour later, "work" at once.
func serve(redis asynq.RedisConnOpt, names string) {
	queues := map[string]int{}
	for _, queue := range strings.Split(names, ",") {
		queues[queue] = 1
	}
	server := asynq.NewServer(redis, asynq.Config{
		Concurrency:              10,
		Queues:                   queues,
		TaskCheckInterval:        10 * time.Millisecond,
		DelayedTaskCheckInterval: 50 * time.Millisecond,
		GroupGracePeriod:         time.Second,
		GroupAggregator:          asynq.GroupAggregatorFunc(aggregate),
		LogLevel:                 asynq.FatalLevel,
		RetryDelayFunc:           retryDelay,
	})
	check(server.Start(asynq.HandlerFunc(handle)))
	emit(map[string]any{"ready": true})
	select {}
}

func inAnHour(int, error, *asynq.Task) time.Duration { return time.Hour }

func retryDelay(retried int, err error, task *asynq.Task) time.Duration {
	if task.Type() == "work" {
		return 0
	}
	return inAnHour(retried, err, task)
}

func handle(ctx context.Context, task *asynq.Task) error {
	sayTask(ctx, task)
	kind, _, _ := strings.Cut(task.Type(), ":")
	switch kind {
	case "fail":
		return errors.New("failed in go ✗")
	case "skip":
		return asynq.SkipRetry
	case "work":
		milliseconds, err := strconv.Atoi(string(task.Payload()))
		check(err)
		time.Sleep(time.Duration(milliseconds) * time.Millisecond)
		id, _ := asynq.GetTaskID(ctx)
		emit(map[string]any{"id": id, "ended": true})
		return nil
	case "wait":
		<-ctx.Done()
		return ctx.Err()
	}
	_, err := task.ResultWriter().Write(task.Payload())
	return err
}

func sayTask(ctx context.Context, task *asynq.Task) {
	id, _ := asynq.GetTaskID(ctx)
	queue, _ := asynq.GetQueueName(ctx)
	retried, _ := asynq.GetRetryCount(ctx)
	maxRetry, _ := asynq.GetMaxRetry(ctx)
	deadline, _ := ctx.Deadline()
	said := map[string]any{
		"id": id, "queue": queue, "type": task.Type(), "payload": task.Payload(),
		"headers": task.Headers(), "retried": retried, "max_retry": maxRetry,
		"deadline": deadline.Unix(), "at": time.Now().Unix(),
	}
	if span := carried(task); span.IsValid() {
		said["trace_id"], said["span_id"] = span.TraceID().String(), span.SpanID().String()
	}
	emit(said)
}

func aggregate(group string, tasks []*asynq.Task) *asynq.Task {
	var joined []string
	for _, task := range tasks {
		joined = append(joined, string(task.Payload()))
	}
	return asynq.NewTask("aggregated:"+group, []byte(strings.Join(joined, ",")))
}
