"""All packs, in the order in which the ingest view numbers them."""

from loghouse.formats import (
    access,
    apache_error,
    klog,
    logfmt,
    monolog,
    nginx_error,
    php_fpm,
    postgres,
    rabbitmq,
    redis,
)
from loghouse.formats.pack import Pack

PACKS: tuple[Pack, ...] = (
    access.PACK,
    nginx_error.PACK,
    apache_error.PACK,
    php_fpm.LOG,
    php_fpm.ACCESS,
    monolog.PACK,
    rabbitmq.PACK,
    redis.PACK,
    postgres.PACK,
    klog.PACK,
    logfmt.PACK,
)
