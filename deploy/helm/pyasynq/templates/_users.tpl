{{/* Who may use a web UI: users of a Secret, or everybody if that is said in so many words. */}}
{{- define "pyasynq.access" -}}
{{- if .Values.web.usersSecret -}}
- --auth-file
- /etc/pyasynq/users
{{- else if .Values.web.insecureNoAuth -}}
- --insecure-no-auth
{{- else -}}
{{- fail "a web UI needs web.usersSecret, or web.insecureNoAuth: true" -}}
{{- end -}}
{{- end -}}

{{- define "pyasynq.usersMount" -}}
{{- with .Values.web.usersSecret -}}
- {name: users, mountPath: /etc/pyasynq, readOnly: true}
{{- end -}}
{{- end -}}

{{- define "pyasynq.usersVolume" -}}
{{- with .Values.web.usersSecret -}}
- name: users
  secret: {secretName: {{ . }}, items: [{key: users, path: users}]}
{{- end -}}
{{- end -}}
