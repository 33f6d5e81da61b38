// Runs the tasks that producer.py enqueues, with Go Asynq.
//
//	go run . [ADDRESS]
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log"
	"os"
	"time"

	"github.com/hibiken/asynq"
)

// Invoice is the payload: its JSON tags are the names of the parameters in Python.
type Invoice struct {
	Customer int           `json:"customer"`
	Lines    []Line        `json:"lines"`
	Patience time.Duration `json:"patience"` // a timedelta in Python
}

// Line is a dataclass in Python.
type Line struct {
	Article string `json:"article"`
	Cents   int    `json:"cents"`
}

func sumUp(ctx context.Context, task *asynq.Task) error {
	var invoice Invoice
	if err := json.Unmarshal(task.Payload(), &invoice); err != nil {
		return fmt.Errorf("%v: %w", err, asynq.SkipRetry) // another try reads the same
	}
	time.Sleep(invoice.Patience)
	total := 0
	for _, line := range invoice.Lines {
		total += line.Cents
	}
	fmt.Printf("customer %d of %s: %d cents\n", invoice.Customer, task.Headers()["tenant"], total)
	result, err := json.Marshal(map[string]int{"cents": total})
	if err != nil {
		return err
	}
	_, err = task.ResultWriter().Write(result) // what handle.result() returns in Python
	return err
}

func main() {
	redis := asynq.RedisClientOpt{Addr: "localhost:6379"}
	if len(os.Args) > 1 {
		redis.Addr = os.Args[1]
	}
	mux := asynq.NewServeMux()
	mux.HandleFunc("invoice:sum", sumUp)
	server := asynq.NewServer(redis, asynq.Config{
		Concurrency: 10,
		Queues:      map[string]int{"invoices": 1},
	})
	if err := server.Run(mux); err != nil {
		log.Fatal(err)
	}
}
