#!/bin/sh
# What `make up` does: the embedded store in the background, one pass over the logs, and what to try next.
set -eu
data="$PWD/var"
mkdir -p "$data"

if [ -e "$data/loghouse.pid" ] && kill -0 "$(cat "$data/loghouse.pid")" 2>/dev/null; then
    echo "The store runs already (process $(cat "$data/loghouse.pid"))."
else
    nohup "$BIN/loghouse" up --data-dir "$data/store" --listen "$LISTEN" --backup-dir "$data/backups" >"$data/loghouse.log" 2>&1 &
    echo $! >"$data/loghouse.pid"
    tries=0
    until grep -q "listens on" "$data/loghouse.log" 2>/dev/null; do
        tries=$((tries + 1))
        if ! kill -0 "$(cat "$data/loghouse.pid")" 2>/dev/null || [ "$tries" -gt 300 ]; then
            cat "$data/loghouse.log" >&2
            rm -f "$data/loghouse.pid"
            exit 1
        fi
        sleep 0.2
    done
    cat "$data/loghouse.log"
fi

url="clickhouse://$LISTEN/loghouse"
"$BIN/loghouse" ship --once --url "$url" --state-dir "$data/ship" "$SOURCE"

option=""
if [ "$LISTEN" != "127.0.0.1:9000" ]; then
    option=" --url $url"
fi
cat <<TRY

Logs of $SOURCE are stored. Try:

  $BIN/logq search$option --since 365d --limit 20
  $BIN/logq search$option --since 365d -n prod 'level>=error'
  $BIN/logq search$option --since 365d 'status>=500 | top 5 path'
  $BIN/logq search$option --since 365d '* | stats count() by container, level'
  $BIN/logq tail$option --namespace prod
  $BIN/logq fields$option --since 365d
  $BIN/logq search --help

$(grep -o 'the web page is at .*' "$data/loghouse.log" | head -n 1 | sed 's/^the web/The web/')
Stop the store with: make down
TRY
