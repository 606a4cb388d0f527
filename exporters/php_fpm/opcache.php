<?php
// Prints the state of the opcode cache for php-fpm-exporter (--phpfpm.opcache-script). It must be readable for
// PHP-FPM, and better not be reachable through a web server.
header('Content-Type: application/json');
$status = function_exists('opcache_get_status') ? @opcache_get_status(false) : false;
echo json_encode($status === false ? ['opcache_enabled' => false] : $status);
