"""rabbitmq-exporter: RabbitMQ 3.8 to 4 under the names of rabbitmq_prometheus or of kbudde's exporter."""
