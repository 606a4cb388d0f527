"""apache-exporter: Apache's mod_status under the names of Lusitaniae's apache_exporter."""
