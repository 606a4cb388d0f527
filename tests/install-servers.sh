#!/bin/sh
# The servers that tests start on loopback. Without root or apt-get nothing is installed, and the tests that need
# what is missing say so and skip.
set -eu
wanted=""
for pair in prometheus-alertmanager:prometheus-alertmanager redis-server:redis-server memcached:memcached clickhouse-client:clickhouse-client promtool:prometheus \
    rsyslogd:rsyslog ip:iproute2 rabbitmqctl:rabbitmq-server nginx:nginx apache2:apache2 openssl:openssl \
    prometheus-redis-exporter:prometheus-redis-exporter prometheus-apache-exporter:prometheus-apache-exporter \
    prometheus-nginx-exporter:prometheus-nginx-exporter chromium:chromium docker-compose:docker-compose strace:strace; do
    command -v "${pair%%:*}" >/dev/null 2>&1 || wanted="$wanted ${pair#*:}"
done
# Its name holds its version.
ls /usr/sbin/php-fpm* >/dev/null 2>&1 || wanted="$wanted php-fpm"
# Makes journal files where no journal runs.
[ -e /lib/systemd/systemd-journal-remote ] || wanted="$wanted systemd-journal-remote"
# Debian has neither; they are built where a recent Go is.
for pair in helm:helm.sh/helm/v3/cmd/helm@v3.16.4 kustomize:sigs.k8s.io/kustomize/kustomize/v5@v5.5.0; do
    command -v "${pair%%:*}" >/dev/null 2>&1 && continue
    if [ "$(id -u)" = 0 ] && go version 2>/dev/null | grep -qE 'go1\.(2[3-9]|[3-9][0-9])'; then
        GOBIN=/usr/local/bin GOFLAGS=-mod=mod go install "${pair#*:}" 2>/dev/null || echo "Not built: ${pair%%:*}" >&2
    else
        echo "Not built for want of Go 1.23, tests that need it are skipped: ${pair%%:*}" >&2
    fi
done
# Debian installs one syslog daemon at a time: this one is only unpacked.
unpack_syslog_ng() {
    command -v syslog-ng >/dev/null 2>&1 && return
    place=/usr/local/lib/syslog-ng
    rm -rf "$place" && mkdir -p "$place"
    (cd "$place" && apt-get download -q syslog-ng-core libivykis0 libnet1 >/dev/null 2>&1 &&
        for package in *.deb; do dpkg-deb -x "$package" . && rm "$package"; done) || {
        echo "Not unpacked: syslog-ng" >&2
        return
    }
    cat >/usr/local/bin/syslog-ng <<END
#!/bin/sh
export LD_LIBRARY_PATH=$place/usr/lib/x86_64-linux-gnu:$place/usr/lib/syslog-ng
exec $place/usr/sbin/syslog-ng --module-path $place/usr/lib/syslog-ng/3.38 "\$@"
END
    chmod +x /usr/local/bin/syslog-ng
}
if [ -z "$wanted" ]; then
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then unpack_syslog_ng; fi
    exit 0
fi
if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null 2>&1; then
    echo "Not installed, tests that need them are skipped:$wanted" >&2
    exit 0
fi
# Tests start servers of their own on free ports: what is installed must not start as a service.
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
    trap 'rm -f "$policy"' EXIT
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod +x "$policy"
fi
export DEBIAN_FRONTEND=noninteractive
apt-get update -q >/dev/null
# shellcheck disable=SC2086 - a list of names
apt-get install -y -q --no-install-recommends $wanted >/dev/null
unpack_syslog_ng
