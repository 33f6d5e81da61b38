package main

import (
	"context"

	"github.com/hibiken/asynq"
	"go.opentelemetry.io/otel/propagation"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

var propagator = propagation.NewCompositeTextMapPropagator(
	propagation.TraceContext{}, propagation.Baggage{},
)

// enqueueTraced enqueues a task inside a span, whose context goes with it in its headers.
func enqueueTraced(redis asynq.RedisConnOpt, queue, taskType string) {
	client := asynq.NewClient(redis)
	defer client.Close()
	tracer := sdktrace.NewTracerProvider().Tracer("go")
	ctx, span := tracer.Start(context.Background(), "request")
	defer span.End()
	headers := propagation.MapCarrier{}
	propagator.Inject(ctx, headers)
	_, err := client.Enqueue(asynq.NewTaskWithHeaders(taskType, []byte("{}"), headers), asynq.Queue(queue))
	check(err)
	emit(map[string]any{
		"trace_id": span.SpanContext().TraceID().String(), "span_id": span.SpanContext().SpanID().String(),
	})
}

// carried returns the span that the headers of a task carry.
func carried(task *asynq.Task) trace.SpanContext {
	ctx := propagator.Extract(context.Background(), propagation.MapCarrier(task.Headers()))
	return trace.SpanContextFromContext(ctx)
}
