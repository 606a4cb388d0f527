"""php-fpm-exporter: the pools of PHP-FPM over FastCGI or HTTP, with the metrics of hipages' exporter."""
