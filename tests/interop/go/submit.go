package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/hibiken/asynq"
)

// A task as a test describes it: durations in seconds, moments in Unix seconds.
type order struct {
	Type      string
	Payload   []byte // null is nil, "" is empty
	Headers   map[string]string
	Queue     string
	TaskID    string `json:"task_id"`
	Group     string
	MaxRetry  *int `json:"max_retry"`
	Timeout   *float64
	Deadline  *int64
	Unique    *float64
	ProcessAt *int64   `json:"process_at"`
	ProcessIn *float64 `json:"process_in"`
	Retention *float64
}

func (o order) options() (options []asynq.Option) {
	if o.Queue != "" {
		options = append(options, asynq.Queue(o.Queue))
	}
	if o.TaskID != "" {
		options = append(options, asynq.TaskID(o.TaskID))
	}
	if o.Group != "" {
		options = append(options, asynq.Group(o.Group))
	}
	if o.MaxRetry != nil {
		options = append(options, asynq.MaxRetry(*o.MaxRetry))
	}
	if o.Timeout != nil {
		options = append(options, asynq.Timeout(seconds(*o.Timeout)))
	}
	if o.Deadline != nil {
		options = append(options, asynq.Deadline(time.Unix(*o.Deadline, 0)))
	}
	if o.Unique != nil {
		options = append(options, asynq.Unique(seconds(*o.Unique)))
	}
	if o.ProcessAt != nil {
		options = append(options, asynq.ProcessAt(time.Unix(*o.ProcessAt, 0)))
	}
	if o.ProcessIn != nil {
		options = append(options, asynq.ProcessIn(seconds(*o.ProcessIn)))
	}
	if o.Retention != nil {
		options = append(options, asynq.Retention(seconds(*o.Retention)))
	}
	return options
}

func (o order) task() *asynq.Task {
	if o.Headers == nil {
		return asynq.NewTask(o.Type, o.Payload)
	}
	return asynq.NewTaskWithHeaders(o.Type, o.Payload, o.Headers)
}

func seconds(count float64) time.Duration {
	return time.Duration(count * float64(time.Second))
}

func enqueue(redis asynq.RedisConnOpt, queue, taskType string, count int) {
	client := asynq.NewClient(redis)
	defer client.Close()
	for i := 0; i < count; i++ {
		payload := []byte(fmt.Sprintf(`{"n":%d}`, i))
		task := asynq.NewTaskWithHeaders(taskType, payload, map[string]string{"from": "go"})
		info, err := client.Enqueue(task, asynq.Queue(queue), asynq.MaxRetry(3))
		check(err)
		emit(map[string]any{"id": info.ID})
	}
}

// submit enqueues one order after the other; for each it says what was stored, or why it was not.
func submit(redis asynq.RedisConnOpt, input io.Reader) {
	client := asynq.NewClient(redis)
	defer client.Close()
	for decoder := json.NewDecoder(input); decoder.More(); {
		var wanted order
		check(decoder.Decode(&wanted))
		info, err := client.Enqueue(wanted.task(), wanted.options()...)
		switch {
		case errors.Is(err, asynq.ErrDuplicateTask):
			emit(map[string]any{"refused": "ErrDuplicateTask"})
		case errors.Is(err, asynq.ErrTaskIDConflict):
			emit(map[string]any{"refused": "ErrTaskIDConflict"})
		default:
			check(err)
			emit(describe(info))
		}
	}
}
