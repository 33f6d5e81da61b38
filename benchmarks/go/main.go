// The Go side of benchmarks/drain.py: runs COUNT no-op tasks and prints one JSON line.
//
//	drain ADDRESS CONCURRENCY COUNT
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/hibiken/asynq"
)

func number(text string) int64 {
	value, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	return value
}

func main() {
	concurrency, count := number(os.Args[2]), number(os.Args[3])
	server := asynq.NewServer(
		asynq.RedisClientOpt{Addr: os.Args[1]},
		asynq.Config{Concurrency: int(concurrency), LogLevel: asynq.ErrorLevel},
	)
	var done, first, last atomic.Int64
	finished := make(chan struct{})
	handler := asynq.HandlerFunc(func(context.Context, *asynq.Task) error {
		now := time.Now().UnixNano()
		first.CompareAndSwap(0, now)
		if done.Add(1) == count {
			last.Store(now)
			close(finished)
		}
		return nil
	})
	if err := server.Start(handler); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	<-finished
	server.Shutdown()
	seconds := float64(last.Load()-first.Load()) / 1e9
	line, _ := json.Marshal(map[string]float64{"tasks_per_s": float64(count) / seconds})
	fmt.Println(string(line))
}
