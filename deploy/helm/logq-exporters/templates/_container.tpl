{{/*
An exporter as a container of your pod:

    containers:
      - name: redis
        image: redis:7.2
      {{- include "logq-exporters.container" (dict "kind" "redis" "args" (list "--redis.addr=redis://127.0.0.1:6379")) | nindent 6 }}

  kind      php-fpm, rabbitmq, redis, apache, memcached or nginx
  args      options of that exporter
  image     another image than logq/exporters with this chart's version
  env       a list, as in a container
  mounts    a list of volumeMounts: sockets and files with passwords
  resources another request and limit
*/}}
{{- define "logq-exporters.container" -}}
{{- $ports := dict "php-fpm" 9253 "rabbitmq" 9419 "redis" 9121 "apache" 9117 "memcached" 9150 "nginx" 9113 -}}
{{- $port := required (printf "kind must be one of %s" (keys $ports | sortAlpha | join ", ")) (get $ports .kind) -}}
- name: {{ .kind }}-exporter
  image: {{ default "logq/exporters:0.1.0" .image }}
  command: [{{ .kind }}-exporter]
  {{- with .args }}
  args: {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .env }}
  env: {{- toYaml . | nindent 4 }}
  {{- end }}
  ports:
    - {name: metrics, containerPort: {{ $port }}}
  livenessProbe: {httpGet: {path: /healthz, port: metrics}, periodSeconds: 20, timeoutSeconds: 5}
  readinessProbe: {httpGet: {path: /healthz, port: metrics}, periodSeconds: 10, timeoutSeconds: 5}
  securityContext:
    runAsNonRoot: true
    runAsUser: 10001
    allowPrivilegeEscalation: false
    readOnlyRootFilesystem: true
    capabilities: {drop: [ALL]}
    seccompProfile: {type: RuntimeDefault}
  resources: {{- toYaml (default (dict "requests" (dict "cpu" "10m" "memory" "32Mi") "limits" (dict "memory" "64Mi")) .resources) | nindent 4 }}
  {{- with .mounts }}
  volumeMounts: {{- toYaml . | nindent 4 }}
  {{- end }}
{{- end -}}

{{/* Annotations that let a Prometheus with pod discovery find the exporter. */}}
{{- define "logq-exporters.annotations" -}}
{{- $ports := dict "php-fpm" "9253" "rabbitmq" "9419" "redis" "9121" "apache" "9117" "memcached" "9150" "nginx" "9113" -}}
prometheus.io/scrape: "true"
prometheus.io/port: {{ get $ports .kind | quote }}
{{- end -}}
