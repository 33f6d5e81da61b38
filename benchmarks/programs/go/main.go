// Go Asynq as a program to measure: ROLE ADDRESS PARAMETERS; see ../../measure/program.py.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/hibiken/asynq"
	"golang.org/x/sys/unix"
)

// Parameters are those of every role; what a role does not have stays zero.
type Parameters struct {
	Tasks       int     `json:"tasks"`
	Concurrency int     `json:"concurrency"`
	Form        string  `json:"form"`
	Samples     int     `json:"samples"`
	AwaitMs     float64 `json:"await_ms"`
	Shared      bool    `json:"shared"`
	HoldS       float64 `json:"hold_s"`
	LingerS     float64 `json:"linger_s"`
	Ledger      string  `json:"ledger"`
	Callers     int     `json:"callers"`
}

// Figures are what a role prints.
type Figures map[string]any

const settle = time.Millisecond // between two looks at what is not acknowledged yet

var payload = []byte(`{"user_id":12345,"template":"welcome"}`)

func main() {
	if len(os.Args) != 4 {
		fail(fmt.Errorf("usage: %s ROLE ADDRESS PARAMETERS", os.Args[0]))
	}
	var given Parameters
	fail(json.Unmarshal([]byte(os.Args[3]), &given))
	redis := asynq.RedisClientOpt{Addr: os.Args[2]}
	roles := map[string]func(asynq.RedisClientOpt, Parameters) Figures{
		"drain": drain, "enqueue": enqueue, "pick_up": pickUp, "idle": idle, "hold": hold, "linger": linger,
	}
	role, found := roles[os.Args[1]]
	if !found {
		fail(fmt.Errorf("no role %q", os.Args[1]))
	}
	line, err := json.Marshal(role(redis, given))
	fail(err)
	fmt.Println(string(line))
}

func drain(redis asynq.RedisClientOpt, given Parameters) Figures {
	var count, first atomic.Int64
	var usedFirst atomic.Value
	finished := make(chan struct{})
	wait := time.Duration(given.AwaitMs * float64(time.Millisecond))
	server := serve(redis, given, "noop", func(context.Context, *asynq.Task) error {
		number := count.Add(1)
		if number == 1 {
			first.Store(monotonic())
			usedFirst.Store(used())
		}
		if number == int64(given.Tasks) {
			close(finished)
		}
		time.Sleep(wait)
		return nil
	})
	inspector := asynq.NewInspector(redis)
	left := func() (pending, active int) {
		info, err := inspector.GetQueueInfo("default")
		fail(err)
		return info.Pending, info.Active
	}
	if given.Shared {
		for pending, _ := left(); pending > 0; pending, _ = left() {
			time.Sleep(20 * time.Millisecond)
		}
	} else {
		<-finished
	}
	for _, active := left(); active > 0; _, active = left() {
		time.Sleep(settle)
	}
	ended, cpu := monotonic(), used()
	server.Shutdown()
	figures := Figures{"started_s": seconds(first.Load()), "ended_s": seconds(ended), "count": count.Load(), "rss_mb": resident()}
	if before, ok := usedFirst.Load().(time.Duration); ok {
		figures["cpu_us"] = float64((cpu - before).Nanoseconds()) / float64(count.Load()) / 1e3
	}
	return figures
}

func enqueue(redis asynq.RedisClientOpt, given Parameters) Figures {
	client := asynq.NewClient(redis)
	defer client.Close()
	workers := 1
	if given.Form == "concurrent" {
		workers = given.Callers
	}
	some := func(count int) {
		for range count {
			_, err := client.Enqueue(asynq.NewTask("noop", payload))
			fail(err)
		}
	}
	some(1)
	started, before := time.Now(), used()
	var group sync.WaitGroup
	for range workers {
		group.Add(1)
		go func() { defer group.Done(); some(given.Tasks / workers) }()
	}
	group.Wait()
	return Figures{
		"tasks_per_s": float64(given.Tasks) / time.Since(started).Seconds(),
		"cpu_us":      float64((used() - before).Nanoseconds()) / float64(given.Tasks) / 1e3,
	}
}

func pickUp(redis asynq.RedisClientOpt, given Parameters) Figures {
	var mutex sync.Mutex
	latencies := make([]float64, 0, given.Samples)
	finished := make(chan struct{})
	server := serve(redis, given, "timed", func(_ context.Context, task *asynq.Task) error {
		due, err := strconv.ParseInt(string(task.Payload()), 10, 64)
		fail(err)
		mutex.Lock()
		defer mutex.Unlock()
		latencies = append(latencies, float64(time.Now().UnixNano()-due)/1e6)
		if len(latencies) == given.Samples {
			close(finished)
		}
		return nil
	})
	fmt.Println("ready")
	<-finished
	server.Shutdown()
	return Figures{"latencies_ms": latencies}
}

func idle(redis asynq.RedisClientOpt, given Parameters) Figures {
	server := serve(redis, given, "noop", func(context.Context, *asynq.Task) error { return nil })
	terminated := make(chan os.Signal, 1)
	signal.Notify(terminated, syscall.SIGTERM)
	fmt.Println("ready")
	<-terminated
	server.Shutdown()
	return Figures{}
}

func hold(redis asynq.RedisClientOpt, given Parameters) Figures {
	var held atomic.Int64
	all, never := make(chan struct{}), make(chan struct{})
	serve(redis, given, "noop", func(context.Context, *asynq.Task) error {
		if held.Add(1) == int64(given.Tasks) {
			close(all)
		}
		<-never
		return nil
	})
	before := resident()
	fmt.Println("ready")
	<-all
	time.Sleep(time.Duration(given.HoldS * float64(time.Second)))
	return Figures{"before_mb": before, "after_mb": resident()}
}

func linger(redis asynq.RedisClientOpt, given Parameters) Figures {
	ledger, err := os.OpenFile(given.Ledger, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o600)
	fail(err)
	serve(redis, given, "timed", func(_ context.Context, task *asynq.Task) error {
		_, err := fmt.Fprintf(ledger, "%s\n", task.Payload())
		time.Sleep(time.Duration(given.LingerS * float64(time.Second)))
		return err
	})
	fmt.Println("ready")
	select {} // until somebody kills this process
}

func serve(redis asynq.RedisClientOpt, given Parameters, kind string, handler asynq.HandlerFunc) *asynq.Server {
	server := asynq.NewServer(redis, asynq.Config{Concurrency: given.Concurrency, LogLevel: asynq.ErrorLevel})
	mux := asynq.NewServeMux()
	mux.HandleFunc(kind, handler)
	fail(server.Start(mux))
	return server
}

// monotonic is the clock that Python's time.monotonic reads on Linux.
func monotonic() int64 {
	var now unix.Timespec
	fail(unix.ClockGettime(unix.CLOCK_MONOTONIC, &now))
	return now.Nano()
}

func seconds(nanoseconds int64) float64 { return float64(nanoseconds) / 1e9 }

func used() time.Duration {
	usage := resources()
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// resident is what this process has in memory now. The peak that getrusage tells begins with that
// of the process that forked this one.
func resident() float64 {
	statm, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return float64(resources().Maxrss) / 1024
	}
	pages, err := strconv.Atoi(strings.Fields(string(statm))[1])
	fail(err)
	return float64(pages*os.Getpagesize()) / (1 << 20)
}

func resources() syscall.Rusage {
	var usage syscall.Rusage
	fail(syscall.Getrusage(syscall.RUSAGE_SELF, &usage))
	return usage
}

func fail(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
