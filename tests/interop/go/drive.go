package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand"
	"os"
	"reflect"

	"github.com/google/uuid"
	"github.com/hibiken/asynq"
)

// A call of the Client or the Inspector: the name of a method, and its arguments.
type call struct {
	Call     string
	Queue    string
	ID       string
	Group    string
	Payload  []byte // null is nil, "" is empty
	Days     int
	Force    bool
	Page     *int
	PageSize *int  `json:"page_size"`
	Task     order // what NewTask is given, of Enqueue
	Options  order // what Enqueue is given beside the task
}

type driver struct {
	redis     asynq.RedisConnOpt
	client    *asynq.Client
	inspector *asynq.Inspector
}

// drive answers each call on standard input by a line: {"answer": …}, or {"error": {"is", "text"}}.
func drive(redis asynq.RedisConnOpt) {
	d := &driver{redis, asynq.NewClient(redis), asynq.NewInspector(redis)}
	output := bufio.NewWriter(os.Stdout)
	for decoder := json.NewDecoder(bufio.NewReader(os.Stdin)); decoder.More(); {
		var wanted call
		check(decoder.Decode(&wanted))
		answer, err := d.answer(wanted)
		reply := map[string]any{"answer": answer}
		if err != nil {
			reply = map[string]any{"error": map[string]string{"is": name(err), "text": err.Error()}}
		}
		line, err := json.Marshal(reply)
		check(err)
		output.Write(append(line, '\n'))
		check(output.Flush())
	}
}

func name(err error) string {
	for text, known := range map[string]error{
		"ErrDuplicateTask": asynq.ErrDuplicateTask, "ErrTaskIDConflict": asynq.ErrTaskIDConflict,
		"ErrQueueNotFound": asynq.ErrQueueNotFound, "ErrQueueNotEmpty": asynq.ErrQueueNotEmpty,
		"ErrTaskNotFound": asynq.ErrTaskNotFound,
	} {
		if errors.Is(err, known) {
			return text
		}
	}
	return ""
}

func (d *driver) answer(c call) (any, error) {
	i := d.inspector
	lists := map[string]func(string, ...asynq.ListOption) ([]*asynq.TaskInfo, error){
		"ListPendingTasks": i.ListPendingTasks, "ListActiveTasks": i.ListActiveTasks,
		"ListScheduledTasks": i.ListScheduledTasks, "ListRetryTasks": i.ListRetryTasks,
		"ListArchivedTasks": i.ListArchivedTasks, "ListCompletedTasks": i.ListCompletedTasks,
		"ListAggregatingTasks": func(queue string, options ...asynq.ListOption) ([]*asynq.TaskInfo, error) {
			return i.ListAggregatingTasks(queue, c.Group, options...)
		},
	}
	many := map[string]func(string) (int, error){
		"RunAllScheduledTasks": i.RunAllScheduledTasks, "RunAllRetryTasks": i.RunAllRetryTasks,
		"RunAllArchivedTasks": i.RunAllArchivedTasks, "ArchiveAllPendingTasks": i.ArchiveAllPendingTasks,
		"ArchiveAllScheduledTasks": i.ArchiveAllScheduledTasks, "ArchiveAllRetryTasks": i.ArchiveAllRetryTasks,
		"DeleteAllPendingTasks": i.DeleteAllPendingTasks, "DeleteAllScheduledTasks": i.DeleteAllScheduledTasks,
		"DeleteAllRetryTasks": i.DeleteAllRetryTasks, "DeleteAllArchivedTasks": i.DeleteAllArchivedTasks,
		"DeleteAllCompletedTasks": i.DeleteAllCompletedTasks,
	}
	grouped := map[string]func(string, string) (int, error){
		"RunAllAggregatingTasks": i.RunAllAggregatingTasks, "ArchiveAllAggregatingTasks": i.ArchiveAllAggregatingTasks,
		"DeleteAllAggregatingTasks": i.DeleteAllAggregatingTasks,
	}
	single := map[string]func(string, string) error{
		"RunTask": i.RunTask, "ArchiveTask": i.ArchiveTask, "DeleteTask": i.DeleteTask,
	}
	if list, ok := lists[c.Call]; ok {
		tasks, err := list(c.Queue, c.page()...)
		return describeAll(tasks), err
	}
	if change, ok := many[c.Call]; ok {
		return counted(change(c.Queue))
	}
	if change, ok := grouped[c.Call]; ok {
		return counted(change(c.Queue, c.Group))
	}
	if change, ok := single[c.Call]; ok {
		return nil, change(c.Queue, c.ID)
	}
	return d.other(c)
}

func (d *driver) other(c call) (any, error) {
	i := d.inspector
	switch c.Call {
	case "Begin": // a sequence, in which Go makes up the same IDs each time
		uuid.SetRand(rand.New(rand.NewSource(1)))
		return nil, nil
	case "NewClient": // forgets which queues it has listed
		d.client.Close()
		d.client = asynq.NewClient(d.redis)
		return nil, nil
	case "Methods":
		return append(methods(d.client), methods(i)...), nil
	case "Ping":
		return nil, d.client.Ping()
	case "Enqueue":
		task := asynq.NewTaskWithHeaders(c.Task.Type, c.Task.Payload, c.Task.Headers, c.Task.options()...)
		info, err := d.client.Enqueue(task, c.Options.options()...)
		if err != nil {
			return nil, err
		}
		return describe(info), nil
	case "GetTaskInfo":
		info, err := i.GetTaskInfo(c.Queue, c.ID)
		if err != nil {
			return nil, err
		}
		return describe(info), nil
	case "UpdateTaskPayload":
		return nil, i.UpdateTaskPayload(c.Queue, c.ID, c.Payload)
	case "CancelProcessing":
		return nil, i.CancelProcessing(c.ID)
	case "PauseQueue":
		return nil, i.PauseQueue(c.Queue)
	case "UnpauseQueue":
		return nil, i.UnpauseQueue(c.Queue)
	case "DeleteQueue":
		return nil, i.DeleteQueue(c.Queue, c.Force)
	case "Queues":
		return i.Queues()
	case "GetQueueInfo":
		return i.GetQueueInfo(c.Queue)
	case "History":
		return i.History(c.Queue, c.Days)
	case "Groups":
		return i.Groups(c.Queue)
	case "Servers":
		return i.Servers()
	case "SchedulerEntries":
		entries, err := i.SchedulerEntries()
		return describeEntries(entries), err
	case "ListSchedulerEnqueueEvents":
		return i.ListSchedulerEnqueueEvents(c.ID, c.page()...)
	}
	return nil, fmt.Errorf("no such call: %s", c.Call)
}

func (c call) page() (options []asynq.ListOption) {
	if c.Page != nil {
		options = append(options, asynq.Page(*c.Page))
	}
	if c.PageSize != nil {
		options = append(options, asynq.PageSize(*c.PageSize))
	}
	return options
}

func counted(count int, err error) (any, error) {
	return count, err
}

func methods(of any) (names []string) {
	for kind, index := reflect.TypeOf(of), 0; index < kind.NumMethod(); index++ {
		names = append(names, kind.Method(index).Name)
	}
	return names
}

func describeAll(tasks []*asynq.TaskInfo) []map[string]any {
	all := []map[string]any{}
	for _, task := range tasks {
		fields := describe(task)
		fields["is_orphaned"] = task.IsOrphaned
		all = append(all, fields)
	}
	return all
}

func describeEntries(entries []*asynq.SchedulerEntry) []map[string]any {
	all := []map[string]any{}
	for _, entry := range entries {
		options := []string{}
		for _, option := range entry.Opts {
			options = append(options, option.String())
		}
		all = append(all, map[string]any{
			"id": entry.ID, "spec": entry.Spec, "type": entry.Task.Type(), "payload": entry.Task.Payload(),
			"options": options, "next": unix(entry.Next), "previous": unix(entry.Prev),
		})
	}
	return all
}
