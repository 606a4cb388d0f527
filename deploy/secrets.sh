#!/bin/sh
# Random passwords of the store's users, and the file of ClickHouse that holds their sums: one file each in DIR.
# Keeps the passwords that are there. Usage: sh deploy/secrets.sh DIR
set -eu
cd "${1:?say the directory: sh deploy/secrets.sh DIR}"
umask 077
for role in admin writer reader web; do
    [ -s "$role-password" ] || LC_ALL=C tr -dc 'A-Za-z0-9' </dev/urandom | head -c 32 >"$role-password"
done
sum() { sha256sum "$1-password" | cut -d ' ' -f 1; }
cat >users.xml <<XML
<clickhouse>
  <profiles>
    <logq_reader><readonly>2</readonly><max_execution_time>300</max_execution_time></logq_reader>
  </profiles>
  <users>
    <default>
      <password remove="1"/>
      <password_sha256_hex>$(sum admin)</password_sha256_hex>
      <networks replace="1"><ip>::/0</ip></networks>
      <access_management>1</access_management>
    </default>
    <logq_writer>
      <password_sha256_hex>$(sum writer)</password_sha256_hex>
      <networks><ip>::/0</ip></networks>
      <profile>default</profile>
      <quota>default</quota>
      <grants>
        <query>GRANT INSERT ON loghouse.ingest</query>
        <query>GRANT SELECT ON loghouse.*</query>
      </grants>
    </logq_writer>
    <logq_reader>
      <password_sha256_hex>$(sum reader)</password_sha256_hex>
      <networks><ip>::/0</ip></networks>
      <profile>logq_reader</profile>
      <quota>default</quota>
      <grants>
        <query>GRANT SELECT ON loghouse.*</query>
        <query>GRANT SELECT ON system.*</query>
      </grants>
    </logq_reader>
    <logq_web>
      <password_sha256_hex>$(sum web)</password_sha256_hex>
      <networks><ip>::/0</ip></networks>
      <profile>default</profile>
      <quota>default</quota>
      <grants>
        <query>GRANT SELECT ON loghouse.*</query>
        <query>GRANT SELECT ON system.*</query>
        <query>GRANT INSERT ON loghouse.saved_queries</query>
      </grants>
    </logq_web>
  </users>
</clickhouse>
XML
