{{/* Users of the ClickHouse server: who migrates, who only inserts, who only reads, and the web page,
which reads and saves queries. */}}
{{- define "logq.usersXml" -}}
{{- $database := .root.Values.store.database -}}
<clickhouse>
  <profiles>
    <logq_reader>
      <readonly>2</readonly>
      <max_execution_time>300</max_execution_time>
    </logq_reader>
  </profiles>
  <users>
    <default>
      <password remove="1"/>
      <password_sha256_hex>{{ sha256sum .passwords.admin }}</password_sha256_hex>
      <networks replace="1"><ip>::/0</ip></networks>
      <access_management>1</access_management>
    </default>
    <logq_writer>
      <password_sha256_hex>{{ sha256sum .passwords.writer }}</password_sha256_hex>
      <networks><ip>::/0</ip></networks>
      <profile>default</profile>
      <quota>default</quota>
      <grants>
        <query>GRANT INSERT ON {{ $database }}.ingest</query>
        <query>GRANT SELECT ON {{ $database }}.*</query>
      </grants>
    </logq_writer>
    <logq_reader>
      <password_sha256_hex>{{ sha256sum .passwords.reader }}</password_sha256_hex>
      <networks><ip>::/0</ip></networks>
      <profile>logq_reader</profile>
      <quota>default</quota>
      <grants>
        <query>GRANT SELECT ON {{ $database }}.*</query>
        <query>GRANT SELECT ON system.*</query>
      </grants>
    </logq_reader>
    <logq_web>
      <password_sha256_hex>{{ sha256sum .passwords.web }}</password_sha256_hex>
      <networks><ip>::/0</ip></networks>
      <profile>default</profile>
      <quota>default</quota>
      <grants>
        <query>GRANT SELECT ON {{ $database }}.*</query>
        <query>GRANT SELECT ON system.*</query>
        <query>GRANT INSERT ON {{ $database }}.saved_queries</query>
      </grants>
    </logq_web>
  </users>
</clickhouse>
{{- end -}}
