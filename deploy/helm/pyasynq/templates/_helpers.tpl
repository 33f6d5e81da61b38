{{- define "pyasynq.fullname" -}}
{{- if contains "pyasynq" .Release.Name -}}
{{- .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-pyasynq" .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{/* The labels that select pods; takes root, part and, of workers, set. */}}
{{- define "pyasynq.selector" -}}
app.kubernetes.io/name: pyasynq-{{ .part }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
{{- with .set }}
app.kubernetes.io/component: {{ . }}
{{- end }}
{{- end -}}

{{- define "pyasynq.labels" -}}
{{ include "pyasynq.selector" . }}
app.kubernetes.io/part-of: pyasynq
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ .root.Chart.Name }}-{{ .root.Chart.Version }}
{{- end -}}

{{/* What the pods of all parts share; takes root, part and set. */}}
{{- define "pyasynq.pod" -}}
metadata:
  labels: {{- include "pyasynq.labels" . | nindent 4 }}
  {{- with .root.Values.podAnnotations }}
  annotations: {{- toYaml . | nindent 4 }}
  {{- end }}
spec:
  terminationGracePeriodSeconds: {{ include "pyasynq.stopSeconds" .root }}
  automountServiceAccountToken: false
  {{- with .root.Values.serviceAccountName }}
  serviceAccountName: {{ . }}
  {{- end }}
  {{- with .root.Values.imagePullSecrets }}
  imagePullSecrets: {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .root.Values.nodeSelector }}
  nodeSelector: {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .root.Values.tolerations }}
  tolerations: {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .root.Values.affinity }}
  affinity: {{- toYaml . | nindent 4 }}
  {{- end }}
  securityContext:
    runAsNonRoot: true
    runAsUser: 10001
    runAsGroup: 10001
    fsGroup: 10001
    seccompProfile: {type: RuntimeDefault}
{{- end -}}

{{/* What the containers of all parts share. */}}
{{- define "pyasynq.container" -}}
image: {{ printf "%s:%s" (required "image.repository is required: the image of your code" .Values.image.repository) (.Values.image.tag | default "latest") | quote }}
imagePullPolicy: {{ .Values.image.pullPolicy }}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities: {drop: [ALL]}
{{- with .Values.envFrom }}
envFrom: {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{- define "pyasynq.env" -}}
- name: PYASYNQ_REDIS_URL
  valueFrom:
    secretKeyRef: {name: {{ .Values.redis.existingSecret }}, key: {{ .Values.redis.key }}}
- {name: PYASYNQ_LOG_FORMAT, value: {{ .Values.logFormat | quote }}}
- {name: PYTHONDONTWRITEBYTECODE, value: "1"}
{{- with .Values.env }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* Longer than the longest stop: 2 s for its last step, and 5 s for a kill of stuck processes. */}}
{{- define "pyasynq.stopSeconds" -}}
{{ add (ceil .Values.shutdownTimeout) (ceil .Values.cancelGrace) 7 }}
{{- end -}}

{{/* A set of workers with what it does not say itself. */}}
{{- define "pyasynq.worker" -}}
{{ mergeOverwrite (deepCopy .root.Values.workerDefaults) (deepCopy (.given | default dict)) | toYaml }}
{{- end -}}
