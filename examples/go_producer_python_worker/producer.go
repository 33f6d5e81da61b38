// Enqueues tasks with Go Asynq for the worker in Python, worker.py, and prints what they return.
//
//	go run . [ADDRESS]
package main

import (
	"encoding/json"
	"fmt"
	"log"
	"os"
	"time"

	"github.com/hibiken/asynq"
)

// Render is the payload: its JSON tags are the names of the parameters in Python.
type Render struct {
	Page    int           `json:"page"`
	Names   []string      `json:"names"`   // nil is an empty list in Python
	Timeout time.Duration `json:"timeout"` // a timedelta in Python
	Note    *string       `json:"note"`    // nil is None
}

// Rendered is what the handler returns.
type Rendered struct {
	Page    int           `json:"page"`
	Text    string        `json:"text"`
	Took    time.Duration `json:"took"`
	Request string        `json:"request"`
}

func main() {
	redis := asynq.RedisClientOpt{Addr: "localhost:6379"}
	if len(os.Args) > 1 {
		redis.Addr = os.Args[1]
	}
	client, inspector := asynq.NewClient(redis), asynq.NewInspector(redis)
	defer client.Close()
	defer inspector.Close()

	for page, names := range [][]string{{"Ann", "Bob"}, nil} {
		payload, err := json.Marshal(Render{Page: page, Names: names, Timeout: 1500 * time.Millisecond})
		check(err)
		headers := map[string]string{"request": fmt.Sprintf("r-%d", page)}
		task := asynq.NewTaskWithHeaders("page:render", payload, headers)
		info, err := client.Enqueue(task, asynq.Queue("pages"), asynq.MaxRetry(3), asynq.Retention(time.Hour))
		check(err)
		fmt.Println(resultOf(inspector, info))
	}
}

// resultOf waits for the result of a task, which Redis keeps for its retention.
func resultOf(inspector *asynq.Inspector, info *asynq.TaskInfo) string {
	for until := time.Now().Add(time.Minute); time.Now().Before(until); time.Sleep(20 * time.Millisecond) {
		found, err := inspector.GetTaskInfo(info.Queue, info.ID)
		check(err)
		if found.State == asynq.TaskStateArchived {
			log.Fatal("the task has failed: ", found.LastErr)
		}
		if found.State == asynq.TaskStateCompleted {
			var rendered Rendered
			check(json.Unmarshal(found.Result, &rendered))
			return fmt.Sprintf("%s: %s (%v)", rendered.Request, rendered.Text, rendered.Took)
		}
	}
	log.Fatal("no worker has run the task; is worker.py running?")
	return ""
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
