// A Go Asynq peer for tests. Each command prints JSON lines on standard output; bytes are base64.
//
//	peer ADDRESS enqueue QUEUE TYPE COUNT    enqueues COUNT tasks {"n": i}
//	peer ADDRESS submit                      enqueues the tasks on standard input (submit.go)
//	peer ADDRESS serve QUEUE,...             runs tasks until it is killed (serve.go)
//	peer ADDRESS recover QUEUE               runs a server without handlers that prints its warnings
//	peer ADDRESS drain COUNT STRICT Q=P ...  counts the queues of its first COUNT tasks (drain.go)
//	peer ADDRESS inspect QUEUE               prints the queue, its tasks and the servers
//	peer ADDRESS get QUEUE ID                prints one task
//	peer ADDRESS group QUEUE GROUP           prints the tasks of a group
//	peer ADDRESS run QUEUE ID                makes a task pending
//	peer ADDRESS pause|unpause QUEUE         stops and starts the fetching from a queue
//	peer ADDRESS schedule SPEC TYPE          runs a scheduler until it is killed (schedule.go)
//	peer ADDRESS entries                     prints the entries of all schedulers
//	peer ADDRESS events ENTRY                prints what an entry has enqueued
//	peer ADDRESS cancel ID                   cancels a running task
//	peer ADDRESS drive                       makes the calls on standard input (drive.go)
//
// ADDRESS is HOST:PORT or HOST:PORT/DATABASE, or several of a cluster, joined by commas.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"strings"

	"github.com/hibiken/asynq"
)

func emit(fields map[string]any) {
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

func connect(address string) asynq.RedisConnOpt {
	if nodes := strings.Split(address, ","); len(nodes) > 1 {
		return asynq.RedisClusterClientOpt{Addrs: nodes}
	}
	server, number, _ := strings.Cut(address, "/")
	database, _ := strconv.Atoi(number) // 0 if there is none
	return asynq.RedisClientOpt{Addr: server, DB: database}
}

func main() {
	redis := connect(os.Args[1])
	arguments := os.Args[3:]
	switch os.Args[2] {
	case "enqueue":
		count, err := strconv.Atoi(arguments[2])
		check(err)
		enqueue(redis, arguments[0], arguments[1], count)
	case "enqueue-traced":
		enqueueTraced(redis, arguments[0], arguments[1])
	case "submit":
		submit(redis, os.Stdin)
	case "drive":
		drive(redis)
	case "serve":
		serve(redis, arguments[0])
	case "recover":
		recoverOnly(redis, arguments[0])
	case "schedule":
		schedule(redis, arguments[0], arguments[1])
	case "drain":
		count, err := strconv.Atoi(arguments[0])
		check(err)
		drain(redis, count, arguments[1] == "strict", arguments[2:])
	default:
		inspector := asynq.NewInspector(redis)
		defer inspector.Close()
		inspect(inspector, os.Args[2], arguments)
	}
}
