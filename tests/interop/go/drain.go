package main

import (
	"context"
	"strconv"
	"strings"

	"github.com/hibiken/asynq"
)

// drain runs tasks one at a time, and says how many of the first count came from which queue.
func drain(redis asynq.RedisConnOpt, count int, strict bool, priorities []string) {
	queues := map[string]int{}
	for _, each := range priorities {
		name, priority, _ := strings.Cut(each, "=")
		value, err := strconv.Atoi(priority)
		check(err)
		queues[name] = value
	}
	server := asynq.NewServer(redis, asynq.Config{
		Concurrency:    1,
		Queues:         queues,
		StrictPriority: strict,
		LogLevel:       asynq.FatalLevel,
	})
	seen, total, done := map[string]any{}, 0, make(chan bool)
	check(server.Start(asynq.HandlerFunc(func(ctx context.Context, _ *asynq.Task) error {
		queue, _ := asynq.GetQueueName(ctx)
		if total < count {
			before, _ := seen[queue].(int)
			seen[queue] = before + 1
			if total++; total == count {
				close(done)
			}
		}
		return nil
	})))
	<-done
	emit(seen)
}
