"""Prometheus exporters for php-fpm, RabbitMQ, Redis, Apache, memcached and nginx."""
