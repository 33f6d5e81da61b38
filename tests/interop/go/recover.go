package main

import (
	"context"
	"fmt"

	"github.com/hibiken/asynq"
)

// recoverOnly runs a server whose queue nobody fills, for what its recoverer does at the start.
// A recovered task is due an hour later. Warnings and errors are printed as {"level", "text"}.
func recoverOnly(redis asynq.RedisConnOpt, queue string) {
	server := asynq.NewServer(redis, asynq.Config{
		Concurrency:    1,
		Queues:         map[string]int{queue: 1},
		Logger:         sayingLogger{},
		LogLevel:       asynq.WarnLevel,
		RetryDelayFunc: inAnHour,
	})
	check(server.Start(asynq.HandlerFunc(func(context.Context, *asynq.Task) error { return nil })))
	emit(map[string]any{"ready": true})
	select {}
}

type sayingLogger struct{}

func (sayingLogger) Debug(...any)           {}
func (sayingLogger) Info(...any)            {}
func (sayingLogger) Warn(arguments ...any)  { sayLine("warn", arguments) }
func (sayingLogger) Error(arguments ...any) { sayLine("error", arguments) }
func (sayingLogger) Fatal(arguments ...any) { sayLine("fatal", arguments) }

func sayLine(level string, arguments []any) {
	emit(map[string]any{"level": level, "text": fmt.Sprint(arguments...)})
}
