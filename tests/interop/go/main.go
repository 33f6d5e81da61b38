// A Go Asynq peer for tests. Each command prints JSON lines on standard output.
//
//	peer ADDRESS enqueue QUEUE TYPE COUNT        enqueues COUNT tasks {"n": i}
//	peer ADDRESS serve QUEUE COUNT               runs tasks until COUNT have been done
//	peer ADDRESS inspect QUEUE                   prints the queue, its tasks and the servers
//	peer ADDRESS run QUEUE ID                    runs an archived task again
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/hibiken/asynq"
)

func say(fields map[string]any) {
	line, err := json.Marshal(fields)
	check(err)
	fmt.Println(string(line))
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func enqueue(redis asynq.RedisClientOpt, queue, taskType string, count int) {
	client := asynq.NewClient(redis)
	defer client.Close()
	for i := 0; i < count; i++ {
		payload := []byte(fmt.Sprintf(`{"n":%d}`, i))
		task := asynq.NewTaskWithHeaders(taskType, payload, map[string]string{"from": "go"})
		info, err := client.Enqueue(task, asynq.Queue(queue), asynq.MaxRetry(3))
		check(err)
		say(map[string]any{"id": info.ID})
	}
}

func serve(redis asynq.RedisClientOpt, queue string, count int) {
	server := asynq.NewServer(redis, asynq.Config{
		Concurrency:              10,
		Queues:                   map[string]int{queue: 1},
		TaskCheckInterval:        10 * time.Millisecond,
		DelayedTaskCheckInterval: 50 * time.Millisecond,
		LogLevel:                 asynq.ErrorLevel,
		RetryDelayFunc: func(int, error, *asynq.Task) time.Duration {
			return 10 * time.Millisecond
		},
	})
	var done atomic.Int64
	finished := make(chan struct{})
	handler := asynq.HandlerFunc(func(ctx context.Context, task *asynq.Task) error {
		id, _ := asynq.GetTaskID(ctx)
		retried, _ := asynq.GetRetryCount(ctx)
		if task.Type() == "fail" {
			return errors.New("failed in go")
		}
		say(map[string]any{
			"id": id, "type": task.Type(), "payload": string(task.Payload()),
			"headers": task.Headers(), "retried": retried,
		})
		_, err := task.ResultWriter().Write([]byte("done in go"))
		if done.Add(1) == int64(count) {
			close(finished)
		}
		return err
	})
	check(server.Start(handler))
	say(map[string]any{"ready": true})
	<-finished
	server.Shutdown()
}

func inspect(redis asynq.RedisClientOpt, queue string) {
	inspector := asynq.NewInspector(redis)
	defer inspector.Close()
	info, err := inspector.GetQueueInfo(queue)
	check(err)
	say(map[string]any{
		"queue": info.Queue, "pending": info.Pending, "scheduled": info.Scheduled,
		"archived": info.Archived, "retry": info.Retry, "completed": info.Completed,
		"active": info.Active, "processed": info.Processed, "failed": info.Failed,
	})
	list := []func(string, ...asynq.ListOption) ([]*asynq.TaskInfo, error){
		inspector.ListPendingTasks, inspector.ListScheduledTasks, inspector.ListRetryTasks,
		inspector.ListArchivedTasks, inspector.ListCompletedTasks, inspector.ListActiveTasks,
	}
	for _, tasks := range list {
		found, err := tasks(queue)
		check(err)
		for _, task := range found {
			say(map[string]any{
				"task": task.ID, "type": task.Type, "payload": string(task.Payload),
				"state": task.State.String(), "retried": task.Retried, "max_retry": task.MaxRetry,
				"last_error": task.LastErr, "result": string(task.Result),
				"timeout_s": task.Timeout.Seconds(), "next": task.NextProcessAt.Unix(),
			})
		}
	}
	servers, err := inspector.Servers()
	check(err)
	for _, server := range servers {
		workers := []string{}
		for _, worker := range server.ActiveWorkers {
			workers = append(workers, worker.TaskType)
		}
		say(map[string]any{
			"server": server.ID, "concurrency": server.Concurrency, "queues": server.Queues,
			"status": server.Status, "workers": workers,
		})
	}
}

func main() {
	redis := asynq.RedisClientOpt{Addr: os.Args[1]}
	arguments := os.Args[3:]
	number := func(text string) int {
		value, err := strconv.Atoi(text)
		check(err)
		return value
	}
	switch os.Args[2] {
	case "enqueue":
		enqueue(redis, arguments[0], arguments[1], number(arguments[2]))
	case "serve":
		serve(redis, arguments[0], number(arguments[1]))
	case "inspect":
		inspect(redis, arguments[0])
	case "run":
		inspector := asynq.NewInspector(redis)
		check(inspector.RunTask(arguments[0], arguments[1]))
	}
}
