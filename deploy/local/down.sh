#!/bin/sh
# Stop the store of `make up`; its data stays in var/.
set -eu
pid="$PWD/var/loghouse.pid"
if [ ! -e "$pid" ]; then
    echo "The store does not run."
    exit 0
fi
kill "$(cat "$pid")" 2>/dev/null || true
tries=0
while kill -0 "$(cat "$pid")" 2>/dev/null && [ "$tries" -lt 50 ]; do
    tries=$((tries + 1))
    sleep 0.2
done
rm -f "$pid"
echo "Stopped."
