#!/bin/sh
# Makes every secret that compose.yaml names, and keeps those that are there. Usage: sh deploy/compose/secrets.sh
set -eu
here="$(cd "$(dirname "$0")" && pwd)"
sh "$here/../secrets.sh" "$here/secrets"
umask 077
cd "$here/secrets"
for name in receive-token receive-key grafana-password rabbitmq-password redis-password; do
    [ -s "$name" ] || LC_ALL=C tr -dc 'A-Za-z0-9' </dev/urandom | head -c 32 >"$name"
done
mkdir -p alertmanager
printf 'default_user = monitor\ndefault_pass = %s\ndefault_user_tags.administrator = true\n' \
    "$(cat rabbitmq-password)" >rabbitmq.conf
# Containers run as other users than yours, and a bind mount keeps the owner: nobody else gets into the directory.
chmod 0444 ./*-password receive-token receive-key users.xml rabbitmq.conf
chmod 0700 .
chmod 0755 alertmanager
