"""The alerts of the services."""

from __future__ import annotations

from dashboards.source.rule import Alert, Group, Recording, T, one

WHERE = "-n {{ $labels.namespace }} -p '{{ $labels.pod }}'"


def down(name: str, metric: str, service: str, container: str, why: str) -> Alert:
    """A server that its exporter cannot read."""
    return Alert(
        f"{name}Down",
        f"{metric} == 0",
        "2m",
        "critical",
        f"{service} of {{{{ $labels.namespace }}}}/{{{{ $labels.pod }}}} does not answer its exporter.",
        why,
        f"logq search --since 30m {WHERE} -c '{container}*'",
        fires=[(f"{metric}{{{T}}}", "0x20")],
        quiet=[(f"{metric}{{{T}}}", "1x20")],
    )


PHP_FPM = Group(
    "php-fpm",
    "lq-php-fpm",
    [
        down(
            "PhpFpm",
            "phpfpm_up",
            "PHP-FPM",
            "php",
            "Is the pool running (kubectl get pod)? A pool without free processes does not answer either, unless pm.status_listen is set: see phpfpm_scrape_error for the reason.",
        ),
        Alert(
            "PhpFpmPoolSaturated",
            "sum by (namespace, pod, pool) (phpfpm_active_processes) / sum by (namespace, pod, pool) (phpfpm_total_processes) > 0.9 and sum by (namespace, pod, pool) (phpfpm_listen_queue) > 0",
            "2m",
            "critical",
            "Pool {{ $labels.pool }} of {{ $labels.namespace }}/{{ $labels.pod }} has no free process and requests wait.",
            "Look for slow requests (database, other services) before raising pm.max_children; more processes need more memory.",
            f"logq search --since 30m {WHERE} 'max_children or slow or timeout'",
            fires=[
                one("phpfpm_active_processes", "10x20", 'pool="www"'),
                one("phpfpm_total_processes", "10x20", 'pool="www"'),
                one("phpfpm_listen_queue", "3x20", 'pool="www"'),
            ],
            quiet=[
                one("phpfpm_active_processes", "10x20", 'pool="www"'),
                one("phpfpm_total_processes", "10x20", 'pool="www"'),
                one("phpfpm_listen_queue", "0x20", 'pool="www"'),
            ],
        ),
        Alert(
            "PhpFpmMaxChildrenReached",
            "sum by (namespace, pod, pool) (increase(phpfpm_max_children_reached[5m])) > 0",
            "0m",
            "warning",
            "Pool {{ $labels.pool }} of {{ $labels.namespace }}/{{ $labels.pod }} reached pm.max_children.",
            "Once is a peak; again and again is a pool that is too small or requests that are too slow.",
            f"logq search --since 30m {WHERE} max_children",
            fires=[one("phpfpm_max_children_reached", "0x10 1 2 3 4 5 5x10", 'pool="www"')],
            quiet=[one("phpfpm_max_children_reached", "5x30", 'pool="www"')],
        ),
        Alert(
            "PhpFpmSlowRequests",
            "sum by (namespace, pod, pool) (rate(phpfpm_slow_requests[5m])) > 0.1",
            "5m",
            "warning",
            "Pool {{ $labels.pool }} of {{ $labels.namespace }}/{{ $labels.pod }} has {{ $value | humanize }} slow requests a second.",
            "The slow log has a stack for each: which call do they share?",
            f"logq search --since 30m {WHERE} 'slow or script_filename'",
            fires=[one("phpfpm_slow_requests", "0+60x20", 'pool="www"')],
            quiet=[one("phpfpm_slow_requests", "0+1x20", 'pool="www"')],
        ),
        Alert(
            "PhpFpmOpcacheFull",
            "phpfpm_opcache_cache_full == 1 or increase(phpfpm_opcache_oom_restarts_total[1h]) > 0",
            "5m",
            "warning",
            "The opcode cache of {{ $labels.namespace }}/{{ $labels.pod }} is full.",
            "Raise opcache.memory_consumption or opcache.max_accelerated_files; until then scripts are compiled at each request.",
            f"logq search --since 1h {WHERE} opcache",
            fires=[one("phpfpm_opcache_cache_full", "1x20", 'pool="www"')],
            quiet=[one("phpfpm_opcache_cache_full", "0x20", 'pool="www"')],
        ),
    ],
    [
        Recording(
            "namespace:phpfpm_requests:rate5m", "sum by (namespace) (rate(phpfpm_accepted_connections[5m]))"
        ),
        Recording(
            "namespace:phpfpm_busy:ratio",
            "sum by (namespace) (phpfpm_active_processes) / sum by (namespace) (phpfpm_total_processes)",
        ),
    ],
)

RABBITMQ = Group(
    "rabbitmq",
    "lq-rabbitmq",
    [
        down(
            "RabbitMQ",
            "rabbitmq_up",
            "RabbitMQ",
            "rabbitmq",
            "Is the pod running and ready? With the plugin as source: is rabbitmq_prometheus enabled? See rabbitmq_exporter_scrape_error for the reason.",
        ),
        Alert(
            "RabbitMQMemoryAlarm",
            "rabbitmq_alarms_memory_used_watermark == 1",
            "1m",
            "critical",
            "RabbitMQ {{ $labels.namespace }}/{{ $labels.pod }} is over its memory limit: nobody can publish.",
            "Find the queue that grew (Ready by queue); consume or purge it. Raising vm_memory_high_watermark only buys time.",
            f"logq search --since 1h {WHERE} 'memory resource limit alarm'",
            fires=[one("rabbitmq_alarms_memory_used_watermark", "1x20")],
            quiet=[one("rabbitmq_alarms_memory_used_watermark", "0x20")],
        ),
        Alert(
            "RabbitMQDiskAlarm",
            "rabbitmq_alarms_free_disk_space_watermark == 1",
            "1m",
            "critical",
            "RabbitMQ {{ $labels.namespace }}/{{ $labels.pod }} has too little free disk: nobody can publish.",
            "Free disk or enlarge the volume; persistent messages of queues without consumers are the usual cause.",
            f"logq search --since 1h {WHERE} 'disk resource limit alarm'",
            fires=[one("rabbitmq_alarms_free_disk_space_watermark", "1x20")],
            quiet=[one("rabbitmq_alarms_free_disk_space_watermark", "0x20")],
        ),
        Alert(
            "RabbitMQQueueWithoutConsumer",
            "sum by (namespace, pod, vhost, queue) (rabbitmq_queue_messages_ready) > 0 and sum by (namespace, pod, vhost, queue) (rabbitmq_queue_consumers) == 0",
            "10m",
            "warning",
            "Queue {{ $labels.queue }} of {{ $labels.namespace }} has {{ $value }} messages and no consumer.",
            "Is the consumer's deployment running? A queue nobody needs should be deleted.",
            "logq search --since 1h -n {{ $labels.namespace }} 'level>=error (consumer or amqp)'",
            fires=[
                one("rabbitmq_queue_messages_ready", "5x30", 'vhost="/",queue="q"'),
                one("rabbitmq_queue_consumers", "0x30", 'vhost="/",queue="q"'),
            ],
            quiet=[
                one("rabbitmq_queue_messages_ready", "5x30", 'vhost="/",queue="q"'),
                one("rabbitmq_queue_consumers", "1x30", 'vhost="/",queue="q"'),
            ],
        ),
        Alert(
            "RabbitMQQueueGrows",
            "sum by (namespace, pod, vhost, queue) (rabbitmq_queue_messages_ready) > 1000 and sum by (namespace, pod, vhost, queue) (deriv(rabbitmq_queue_messages_ready[15m])) > 0",
            "15m",
            "warning",
            "Queue {{ $labels.queue }} of {{ $labels.namespace }} has {{ $value }} messages and grows.",
            "Consumers are slower than publishers: look at their errors first, then at their number.",
            "logq search --since 1h -n {{ $labels.namespace }} 'level>=error (consumer or amqp)'",
            fires=[one("rabbitmq_queue_messages_ready", "1000+10x60", 'vhost="/",queue="q"')],
            quiet=[one("rabbitmq_queue_messages_ready", "5000-10x60", 'vhost="/",queue="q"')],
            at="40m",
        ),
        Alert(
            "RabbitMQMemoryHigh",
            "rabbitmq_process_resident_memory_bytes / rabbitmq_resident_memory_limit_bytes > 0.9",
            "5m",
            "warning",
            "RabbitMQ {{ $labels.namespace }}/{{ $labels.pod }} uses {{ $value | humanizePercentage }} of its memory limit.",
            "At 100 % publishers are blocked: see which queue or how many connections take it.",
            f"logq search --since 1h {WHERE} memory",
            fires=[
                one("rabbitmq_process_resident_memory_bytes", "95x20"),
                one("rabbitmq_resident_memory_limit_bytes", "100x20"),
            ],
            quiet=[
                one("rabbitmq_process_resident_memory_bytes", "50x20"),
                one("rabbitmq_resident_memory_limit_bytes", "100x20"),
            ],
        ),
        Alert(
            "RabbitMQFileDescriptors",
            "rabbitmq_process_open_fds / rabbitmq_process_max_fds > 0.9",
            "5m",
            "warning",
            "RabbitMQ {{ $labels.namespace }}/{{ $labels.pod }} uses {{ $value | humanizePercentage }} of its file descriptors.",
            "Clients that open a connection for each message? Raise the limit of the container only then.",
            f"logq search --since 1h {WHERE} 'connection or emfile'",
            fires=[one("rabbitmq_process_open_fds", "95x20"), one("rabbitmq_process_max_fds", "100x20")],
            quiet=[one("rabbitmq_process_open_fds", "50x20"), one("rabbitmq_process_max_fds", "100x20")],
        ),
    ],
    [
        Recording(
            "namespace:rabbitmq_messages_ready:sum", "sum by (namespace) (rabbitmq_queue_messages_ready)"
        ),
        Recording(
            "namespace:rabbitmq_messages_unacked:sum", "sum by (namespace) (rabbitmq_queue_messages_unacked)"
        ),
    ],
)

REDIS = Group(
    "redis",
    "lq-redis",
    [
        down(
            "Redis",
            "redis_up",
            "Redis",
            "redis",
            "Is the pod running? A wrong password or a full maxclients look the same: the exporter's log says which.",
        ),
        Alert(
            "RedisOutOfMemory",
            "redis_memory_used_bytes / (redis_memory_max_bytes > 0) > 0.95",
            "2m",
            "critical",
            "Redis {{ $labels.namespace }}/{{ $labels.pod }} uses {{ $value | humanizePercentage }} of maxmemory.",
            "With noeviction writes fail now, otherwise keys are thrown out. Which keys grew? Do they have an expiry?",
            "logq search --since 30m -n {{ $labels.namespace }} 'OOM or maxmemory'",
            fires=[one("redis_memory_used_bytes", "99x20"), one("redis_memory_max_bytes", "100x20")],
            quiet=[one("redis_memory_used_bytes", "99x20"), one("redis_memory_max_bytes", "0x20")],
        ),
        Alert(
            "RedisReplicaLost",
            "max_over_time(redis_connected_slaves[1h]) > redis_connected_slaves",
            "5m",
            "warning",
            "Redis {{ $labels.namespace }}/{{ $labels.pod }} has fewer replicas than an hour ago.",
            "Is the replica's pod running, can it reach its master, has it the password (masterauth)?",
            "logq search --since 1h -n {{ $labels.namespace }} -c 'redis*' 'replica or MASTER or synchronization'",
            fires=[one("redis_connected_slaves", "1x5 0x20")],
            quiet=[one("redis_connected_slaves", "1x30")],
        ),
        Alert(
            "RedisMasterLinkDown",
            "redis_master_link_up == 0",
            "2m",
            "critical",
            "Replica {{ $labels.namespace }}/{{ $labels.pod }} has lost its master {{ $labels.master_host }}.",
            "What it serves is getting old. Is the master up, does the network policy let them talk?",
            f"logq search --since 30m {WHERE} 'MASTER or sync'",
            fires=[one("redis_master_link_up", "0x20", 'master_host="m",master_port="6379"')],
            quiet=[one("redis_master_link_up", "1x20", 'master_host="m",master_port="6379"')],
        ),
        Alert(
            "RedisRejectedConnections",
            "increase(redis_rejected_connections_total[5m]) > 0",
            "1m",
            "warning",
            "Redis {{ $labels.namespace }}/{{ $labels.pod }} refuses clients: maxclients is reached.",
            "Who holds connections (CLIENT LIST)? Raise maxclients when they are all needed.",
            "logq search --since 30m -n {{ $labels.namespace }} 'max number of clients'",
            fires=[one("redis_rejected_connections_total", "0+5x20")],
            quiet=[one("redis_rejected_connections_total", "5x20")],
        ),
        Alert(
            "RedisBackupFails",
            "redis_rdb_last_bgsave_status == 0 or redis_aof_last_write_status == 0",
            "5m",
            "critical",
            "Redis {{ $labels.namespace }}/{{ $labels.pod }} cannot write its data to disk.",
            "With stop-writes-on-bgsave-error writes are refused. Is the disk full, may Redis fork (overcommit_memory)?",
            f"logq search --since 1h {WHERE} 'saving or fork or AOF'",
            fires=[one("redis_rdb_last_bgsave_status", "0x20")],
            quiet=[one("redis_rdb_last_bgsave_status", "1x20"), one("redis_aof_last_write_status", "1x20")],
        ),
        Alert(
            "RedisEvictsKeys",
            "rate(redis_evicted_keys_total[5m]) > 10",
            "10m",
            "warning",
            "Redis {{ $labels.namespace }}/{{ $labels.pod }} throws out {{ $value | humanize }} keys a second.",
            "Fine for a cache that is meant to be full; a loss of data for sessions and queues.",
            "logq search --since 30m -n {{ $labels.namespace }} 'session or cache level>=warning'",
            fires=[one("redis_evicted_keys_total", "0+6000x30")],
            quiet=[one("redis_evicted_keys_total", "0+60x30")],
        ),
    ],
    [
        Recording(
            "namespace:redis_commands:rate5m", "sum by (namespace) (rate(redis_commands_processed_total[5m]))"
        ),
        Recording("namespace:redis_memory_used_bytes:sum", "sum by (namespace) (redis_memory_used_bytes)"),
    ],
)

APACHE = Group(
    "apache",
    "lq-apache",
    [
        down(
            "Apache",
            "apache_up",
            "Apache",
            "apache",
            "Is the pod running? Is mod_status there and allowed for the exporter (Require local)? All workers busy looks the same.",
        ),
        Alert(
            "ApacheWorkersBusy",
            'sum by (namespace, pod) (apache_workers{state="busy"}) / sum by (namespace, pod) (apache_workers) > 0.9',
            "5m",
            "critical",
            "{{ $value | humanizePercentage }} of the workers of Apache {{ $labels.namespace }}/{{ $labels.pod }} are busy.",
            "What are they waiting for (scoreboard)? Slow backends and clients that keep connections are the usual causes.",
            f"logq search --since 30m {WHERE} 'MaxRequestWorkers or level>=error'",
            fires=[
                one("apache_workers", "95x20", 'state="busy"'),
                one("apache_workers", "5x20", 'state="idle"'),
            ],
            quiet=[
                one("apache_workers", "5x20", 'state="busy"'),
                one("apache_workers", "95x20", 'state="idle"'),
            ],
        ),
        Alert(
            "ApacheSlow",
            "sum by (namespace, pod) (rate(apache_duration_ms_total[5m])) / sum by (namespace, pod) (rate(apache_accesses_total[5m])) > 5000",
            "10m",
            "warning",
            "Requests of Apache {{ $labels.namespace }}/{{ $labels.pod }} take {{ $value | humanize }} ms on average.",
            "Which paths are slow? Their access log has the time when %D is logged.",
            f"logq search --since 30m {WHERE} 'status:* | top 20 path'",
            fires=[one("apache_duration_ms_total", "0+600000x30"), one("apache_accesses_total", "0+60x30")],
            quiet=[one("apache_duration_ms_total", "0+6000x30"), one("apache_accesses_total", "0+60x30")],
        ),
        Alert(
            "ApacheRestarted",
            "apache_uptime_seconds_total < 300 and changes(apache_uptime_seconds_total[10m]) > 0 and resets(apache_uptime_seconds_total[10m]) > 0",
            "0m",
            "warning",
            "Apache {{ $labels.namespace }}/{{ $labels.pod }} was restarted.",
            "A deploy, or a crash? Its error log says which.",
            f"logq search --since 30m {WHERE} 'resuming or caught or exit'",
            fires=[one("apache_uptime_seconds_total", "6000+60x10 0+60x10")],
            quiet=[one("apache_uptime_seconds_total", "6000+60x30")],
            at="13m",
        ),
    ],
    [Recording("namespace:apache_requests:rate5m", "sum by (namespace) (rate(apache_accesses_total[5m]))")],
)

MEMCACHED = Group(
    "memcached",
    "lq-memcached",
    [
        down(
            "Memcached",
            "memcached_up",
            "memcached",
            "memcached",
            "Is the pod running? Without it every lookup goes to the database: watch that.",
        ),
        Alert(
            "MemcachedConnectionsHigh",
            "memcached_current_connections / memcached_max_connections > 0.9",
            "5m",
            "warning",
            "memcached {{ $labels.namespace }}/{{ $labels.pod }} has {{ $value | humanizePercentage }} of the connections it may have.",
            "At the limit new clients wait. Persistent connections of too many PHP processes? Raise -c.",
            f"logq search --since 30m {WHERE}",
            fires=[one("memcached_current_connections", "95x20"), one("memcached_max_connections", "100x20")],
            quiet=[one("memcached_current_connections", "5x20"), one("memcached_max_connections", "100x20")],
        ),
        Alert(
            "MemcachedEvictions",
            "rate(memcached_items_evicted_total[5m]) > 10",
            "10m",
            "warning",
            "memcached {{ $labels.namespace }}/{{ $labels.pod }} throws out {{ $value | humanize }} valid items a second.",
            "It is too small for what is put into it, or one slab class is: see evictions by slab class. Raise -m.",
            "logq search --since 30m -n {{ $labels.namespace }} 'cache level>=warning'",
            fires=[one("memcached_items_evicted_total", "0+6000x30")],
            quiet=[one("memcached_items_evicted_total", "0+60x30")],
        ),
        Alert(
            "MemcachedOutOfMemory",
            "rate(memcached_item_no_memory_total[5m]) > 0",
            "2m",
            "critical",
            "memcached {{ $labels.namespace }}/{{ $labels.pod }} refuses items for lack of memory.",
            "It runs with -M, or a slab class has no page left: restart it with more memory.",
            f"logq search --since 30m {WHERE}",
            fires=[one("memcached_item_no_memory_total", "0+10x20")],
            quiet=[one("memcached_item_no_memory_total", "10x20")],
        ),
    ],
    [
        Recording(
            "namespace:memcached_commands:rate5m",
            "sum by (namespace, command, status) (rate(memcached_commands_total[5m]))",
        )
    ],
)

NGINX = Group(
    "nginx",
    "lq-nginx",
    [
        down(
            "Nginx",
            "nginx_up",
            "nginx",
            "nginx",
            "Is the pod running? Does the exporter reach the stub_status location?",
        ),
        Alert(
            "NginxDropsConnections",
            "rate(nginx_connections_accepted[5m]) - rate(nginx_connections_handled[5m]) > 0",
            "2m",
            "critical",
            "nginx {{ $labels.namespace }}/{{ $labels.pod }} drops {{ $value | humanize }} connections a second.",
            "worker_connections or the limit of open files is reached: raise worker_rlimit_nofile and worker_connections.",
            f"logq search --since 30m {WHERE} 'worker_connections or \"too many open files\"'",
            fires=[one("nginx_connections_accepted", "0+60x20"), one("nginx_connections_handled", "0+50x20")],
            quiet=[one("nginx_connections_accepted", "0+60x20"), one("nginx_connections_handled", "0+60x20")],
        ),
        Alert(
            "NginxNoRequests",
            "sum by (namespace, pod) (rate(nginx_http_requests_total[10m])) == 0 and sum by (namespace, pod) (rate(nginx_http_requests_total[1h] offset 1h)) > 1",
            "10m",
            "warning",
            "nginx {{ $labels.namespace }}/{{ $labels.pod }} gets no requests any more.",
            "Is it out of the service's endpoints (readiness), or is something before it broken (DNS, ingress)?",
            f"logq search --since 2h {WHERE} 'level>=error'",
            fires=[one("nginx_http_requests_total", "0+120x120 14400x40")],
            quiet=[one("nginx_http_requests_total", "0+120x160")],
            at="150m",
        ),
    ],
    [
        Recording(
            "namespace:nginx_requests:rate5m", "sum by (namespace) (rate(nginx_http_requests_total[5m]))"
        )
    ],
)

GROUPS = (PHP_FPM, RABBITMQ, REDIS, APACHE, MEMCACHED, NGINX)
