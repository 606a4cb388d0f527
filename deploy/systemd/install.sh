#!/bin/sh
# Installs logq into /opt/logq on Debian 12 and the units into systemd; says what to start. Runs again for an upgrade.
# Usage, as root in a checkout or beside a wheel:  sh deploy/systemd/install.sh [--embedded] [WHEEL]
set -eu
here="$(cd "$(dirname "$0")" && pwd)"
extra=""
[ "${1:-}" != "--embedded" ] || { extra="[embedded]"; shift; }
source="${1:-$here/../..}"
root="${DESTDIR:-}"
[ "$(id -u)" = 0 ] || { echo "Run it as root." >&2; exit 1; }

python3 -m venv "$root/opt/logq" || { apt-get install -y -q python3-venv && python3 -m venv "$root/opt/logq"; }
"$root/opt/logq/bin/pip" install --quiet --upgrade "$source$extra"

for user in loghouse loghouse-ship loghouse-receive loghouse-journal logq-exporters; do
    getent passwd "$user" >/dev/null || useradd --system --home-dir /nonexistent --no-create-home --shell /usr/sbin/nologin "$user"
done
install -d -m 0755 "$root/etc/loghouse" "$root/etc/systemd/system"
for file in ship.env receive.env; do
    # What somebody has set stays.
    [ -e "$root/etc/loghouse/$file" ] || install -m 0640 "$here/$file" "$root/etc/loghouse/$file"
done
[ -e "$root/etc/logq-exporters.toml" ] || install -m 0640 -g logq-exporters "$here/logq-exporters.toml" "$root/etc/logq-exporters.toml"
install -m 0644 "$here"/*.service "$root/etc/systemd/system/"
[ -n "$root" ] || [ ! -d /run/systemd/system ] || systemctl daemon-reload
cat <<NEXT
Installed. Set /etc/loghouse/ship.env, then for instance:
  systemctl enable --now loghouse-up loghouse-ship
  /opt/logq/bin/logq tail
NEXT
