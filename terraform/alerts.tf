locals {
  services = "${var.name}-(webhook|sync|reconcile)"

  # By metric: errors in the log of the deployer itself. Those about an application have its name.
  errors = {
    failed-syncs = "jsonPayload.application:*"
    other-errors = "NOT jsonPayload.application:* AND NOT log_id(\"run.googleapis.com/requests\")"
  }

  # By alert: what it is about, what is measured, and what to do. Seconds are those that must pass first. They come with the
  # functions, and so long after the metrics: of one that is new, Cloud Monitoring may say for ten minutes that there is none.
  alerts = { for key, alert in {
    failed-syncs = {
      wanted    = true
      title     = "a sync has failed"
      metric    = "resource.type = \"cloud_run_revision\" AND metric.type = \"logging.googleapis.com/user/${var.name}-failed-syncs\""
      aligner   = "ALIGN_DELTA"
      reducer   = "REDUCE_SUM"
      groups    = ["metric.label.application"]
      threshold = 0
      seconds   = 0
      help      = "The status of the commit and the log of the functions say why: severity>=ERROR and jsonPayload.application. What may pass is tried again; what does not needs a commit, or a right in the cluster."
    }
    other-errors = {
      wanted    = true
      title     = "the deployer reports an error"
      metric    = "resource.type = \"cloud_run_revision\" AND metric.type = \"logging.googleapis.com/user/${var.name}-other-errors\""
      aligner   = "ALIGN_DELTA"
      reducer   = "REDUCE_SUM"
      groups    = ["resource.label.service_name"]
      threshold = 0
      seconds   = 0
      help      = "The log of the functions says what (severity>=ERROR): a configuration that is not valid, a message that cannot be understood, a secret or a service that cannot be reached."
    }
    error-rate = {
      wanted    = true
      title     = "more than one in twenty requests fails"
      metric    = "resource.type = \"cloud_run_revision\" AND resource.label.service_name = monitoring.regex.full_match(\"${local.services}\") AND metric.type = \"run.googleapis.com/request_count\""
      aligner   = "ALIGN_RATE"
      reducer   = "REDUCE_SUM"
      groups    = ["resource.label.service_name"]
      threshold = 0.05
      seconds   = 300
      help      = "Requests are answered with 5xx: see the log of that function. One that does not start says why there, such as a secret without a value."
    }
    dead-letters = {
      wanted    = local.pubsub
      title     = "a message was given up"
      metric    = "resource.type = \"pubsub_subscription\" AND resource.label.subscription_id = monitoring.regex.full_match(\"${var.name}-(events|cluster-.*)\") AND metric.type = \"pubsub.googleapis.com/subscription/dead_letter_message_count\""
      aligner   = "ALIGN_DELTA"
      reducer   = "REDUCE_SUM"
      groups    = ["resource.label.subscription_id"]
      threshold = 0
      seconds   = 0
      help      = "sync answered it ten times with an error: its log says why, and which application the message was about. The next reconcile looks at every application in any case; a command that a person gave must be given again."
    }
    oldest-message = {
      wanted    = local.pubsub
      title     = "a message has waited for half an hour"
      metric    = "resource.type = \"pubsub_subscription\" AND resource.label.subscription_id = monitoring.regex.full_match(\"${var.name}-(events|dead-letters|cluster-.*)\") AND metric.type = \"pubsub.googleapis.com/subscription/oldest_unacked_message_age\""
      aligner   = "ALIGN_MAX"
      reducer   = "REDUCE_MAX"
      groups    = ["resource.label.subscription_id"]
      threshold = 1800
      seconds   = 0
      help      = "sync cannot be called (see its metrics and who may invoke it), it answers with errors (see its log), or there are more jobs than max_instances can run."
    }
  } : key => alert if alert.wanted && var.deploy_functions }
}

resource "google_logging_metric" "errors" {
  for_each = local.errors

  project     = var.project
  name        = "${var.name}-${each.key}"
  description = "Errors in the log of the functions of ${var.name}"
  filter      = "resource.type = \"cloud_run_revision\" AND resource.labels.service_name =~ \"^${local.services}$\" AND severity >= ERROR AND ${each.value}"

  metric_descriptor {
    metric_kind = "DELTA"
    value_type  = "INT64"
    unit        = "1"
    labels {
      key         = "application"
      value_type  = "STRING"
      description = "The application that the error is about"
    }
  }
  label_extractors = { application = "EXTRACT(jsonPayload.application)" }

  depends_on = [time_sleep.apis]
}

resource "google_monitoring_alert_policy" "alert" {
  for_each = local.alerts

  project      = var.project
  display_name = "${var.name}: ${each.value.title}"
  combiner     = "OR"
  user_labels  = var.labels

  notification_channels = var.notification_channels

  conditions {
    display_name = each.value.title
    condition_threshold {
      filter          = each.key == "error-rate" ? "${each.value.metric} AND metric.label.response_code_class = \"5xx\"" : each.value.metric
      comparison      = "COMPARISON_GT"
      threshold_value = each.value.threshold
      duration        = "${each.value.seconds}s"

      aggregations {
        alignment_period     = "300s"
        per_series_aligner   = each.value.aligner
        cross_series_reducer = each.value.reducer
        group_by_fields      = each.value.groups
      }

      # A rate of errors is a part of all requests.
      denominator_filter = each.key == "error-rate" ? each.value.metric : null
      dynamic "denominator_aggregations" {
        for_each = each.key == "error-rate" ? [each.value] : []
        content {
          alignment_period     = "300s"
          per_series_aligner   = denominator_aggregations.value.aligner
          cross_series_reducer = denominator_aggregations.value.reducer
          group_by_fields      = denominator_aggregations.value.groups
        }
      }
    }
  }

  # What is counted is not there at all when all is well, and so would never end an alert.
  alert_strategy {
    auto_close = "3600s"
  }

  documentation {
    content   = each.value.help
    mime_type = "text/markdown"
  }

  depends_on = [time_sleep.grants]
}
