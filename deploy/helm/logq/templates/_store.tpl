{{/* How the others reach the store. */}}
{{- define "logq.storeHost" -}}
{{- if eq .Values.store.mode "external" -}}
{{- required "store.external.host is needed with store.mode=external" .Values.store.external.host -}}
{{- else -}}
{{- include "logq.name" (dict "root" . "part" "store") -}}
{{- end -}}
{{- end -}}

{{- define "logq.storePort" -}}
{{- if eq .Values.store.mode "external" }}{{ .Values.store.external.port }}{{ else }}9000{{ end -}}
{{- end -}}

{{/* The embedded store has one user; servers have one for each task. */}}
{{- define "logq.storeUser" -}}
{{- if eq .root.Values.store.mode "embedded" -}}default
{{- else if eq .root.Values.store.mode "external" -}}{{ get .root.Values.store.external (printf "%sUser" .role) }}
{{- else if eq .role "admin" -}}default
{{- else -}}logq_{{ .role }}
{{- end -}}
{{- end -}}

{{- define "logq.storePasswordFile" -}}
{{- if eq .root.Values.store.mode "embedded" -}}admin-password{{- else -}}{{ .role }}-password{{- end -}}
{{- end -}}

{{- define "logq.storeSecret" -}}
{{- default (include "logq.name" (dict "root" . "part" "store")) .Values.store.existingSecret -}}
{{- end -}}

{{- define "logq.secretDirectory" -}}
{{- default "/etc/loghouse/store" .Values.store.secretDirectory -}}
{{- end -}}

{{/* Environment of a program that talks to the store as `role`: the password stays in its file. */}}
{{- define "logq.storeEnv" -}}
- name: LOGQ_URL
  value: {{ printf "clickhouse://%s@%s:%s/%s%s" (include "logq.storeUser" .) (include "logq.storeHost" .root) (include "logq.storePort" .root) .root.Values.store.database (ternary "?secure=1" "" (and (eq .root.Values.store.mode "external") .root.Values.store.external.secure)) | quote }}
- name: LOGQ_PASSWORD_FILE
  value: {{ printf "%s/%s" (include "logq.secretDirectory" .root) (include "logq.storePasswordFile" .) | quote }}
{{- end -}}

{{- define "logq.storeMount" -}}
{{- if not .root.Values.store.secretDirectory -}}
- name: store-secret
  mountPath: /etc/loghouse/store
  readOnly: true
{{- end -}}
{{- end -}}

{{- define "logq.storeVolume" -}}
{{- if not .root.Values.store.secretDirectory -}}
- name: store-secret
  secret:
    secretName: {{ include "logq.storeSecret" .root }}
    defaultMode: 0440
    items:
      - key: {{ include "logq.storePasswordFile" . }}
        path: {{ include "logq.storePasswordFile" . }}
{{- end -}}
{{- end -}}
