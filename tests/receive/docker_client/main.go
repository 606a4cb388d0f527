// The library that Docker's fluentd driver sends with, used as the driver uses it.
//
//	docker_client PORT RECORDS
package main

import (
	"fmt"
	"os"
	"strconv"
	"time"

	"github.com/fluent/fluent-logger-golang/fluent"
)

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func main() {
	port, err := strconv.Atoi(os.Args[1])
	check(err)
	records, err := strconv.Atoi(os.Args[2])
	check(err)
	logger, err := fluent.New(fluent.Config{
		FluentHost: "127.0.0.1", FluentPort: port, RequestAck: true, SubSecondPrecision: true, MaxRetry: 5,
	})
	check(err)
	record := func(log string) map[string]string {
		return map[string]string{
			"container_id": "0123456789abcdef", "container_name": "/docker-client", "source": "stdout", "log": log,
		}
	}
	for number := 0; number < records; number++ {
		check(logger.PostWithTime("docker", time.Now(), record(fmt.Sprintf("record %d", number))))
	}
	for ordinal, text := range []string{"long ", "record ", "in parts"} {
		part := record(text)
		part["partial_message"] = "true"
		part["partial_id"] = "fedcba"
		part["partial_ordinal"] = strconv.Itoa(ordinal + 1)
		part["partial_last"] = strconv.FormatBool(ordinal == 2)
		check(logger.PostWithTime("docker", time.Now(), part))
	}
	check(logger.Close())
}
