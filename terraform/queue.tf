locals {
  topic = "projects/${var.project}/topics/${var.name}"

  # One for events, which have no attribute, and one for each cluster: so a cluster that is slow delays no other.
  subscriptions = { for name, subscription in merge(
    { events = { filter = "NOT attributes:cluster", ordering = false } },
    { for cluster in keys(var.clusters) :
      "cluster-${cluster}" => { filter = "attributes.cluster = \"${cluster}\"", ordering = true }
    },
  ) : name => subscription if local.pubsub && var.deploy_functions }

  publishers = local.pubsub ? toset(concat(["webhook"], local.runners)) : toset([])

  # Google's own account, as which Pub/Sub hands on dead letters.
  pubsub_agent = "serviceAccount:service-${data.google_project.this.number}@gcp-sa-pubsub.iam.gserviceaccount.com"
}

resource "google_pubsub_topic" "topic" {
  for_each = toset(local.pubsub ? [var.name, "${var.name}-dead-letters"] : [])
  #checkov:skip=CKV_GCP_83:Google encrypts it; a message says which commit of which repository to look at, and holds no secret.

  project = var.project
  name    = each.key
  labels  = var.labels

  # Messages are in order only where they are published in one region.
  message_storage_policy {
    allowed_persistence_regions = [var.region]
  }

  depends_on = [time_sleep.apis]
}

resource "google_pubsub_topic_iam_member" "publisher" {
  for_each = local.publishers

  project = var.project
  topic   = google_pubsub_topic.topic[var.name].name
  role    = "roles/pubsub.publisher"
  member  = "serviceAccount:${local.emails[each.key]}"
}

resource "google_pubsub_subscription" "push" {
  for_each = local.subscriptions

  project = var.project
  name    = "${var.name}-${each.key}"
  topic   = google_pubsub_topic.topic[var.name].id
  labels  = var.labels
  filter  = each.value.filter

  # The key is the application: its jobs go one after the other.
  enable_message_ordering = each.value.ordering
  # Pub/Sub's longest, a minute more than a job may take.
  ack_deadline_seconds = 600

  push_config {
    push_endpoint = google_cloudfunctions2_function.function["sync"].service_config[0].uri
    oidc_token {
      service_account_email = local.emails["push"]
      audience              = google_cloudfunctions2_function.function["sync"].service_config[0].uri
    }
  }

  # The pauses of ten attempts are forty minutes together.
  retry_policy {
    minimum_backoff = "10s"
    maximum_backoff = "600s"
  }
  dead_letter_policy {
    dead_letter_topic     = google_pubsub_topic.topic["${var.name}-dead-letters"].id
    max_delivery_attempts = 10
  }

  # Never, however long nobody pushes.
  expiration_policy {
    ttl = ""
  }

  depends_on = [google_cloud_run_v2_service_iam_member.invoker]
}

# sync logs what was given up as an error, and that is all. Without a subscription it would be lost in silence.
resource "google_pubsub_subscription" "dead_letters" {
  count = local.pubsub && var.deploy_functions ? 1 : 0

  project = var.project
  name    = "${var.name}-dead-letters"
  topic   = google_pubsub_topic.topic["${var.name}-dead-letters"].id
  labels  = var.labels

  ack_deadline_seconds = 60

  push_config {
    push_endpoint = google_cloudfunctions2_function.function["sync"].service_config[0].uri
    oidc_token {
      service_account_email = local.emails["push"]
      audience              = google_cloudfunctions2_function.function["sync"].service_config[0].uri
    }
  }
  retry_policy {
    minimum_backoff = "10s"
    maximum_backoff = "600s"
  }
  expiration_policy {
    ttl = ""
  }

  depends_on = [google_cloud_run_v2_service_iam_member.invoker]
}

# Without these two, Pub/Sub keeps what it should give up, and says nothing.
resource "google_pubsub_topic_iam_member" "dead_letters" {
  count = local.pubsub && var.deploy_functions ? 1 : 0

  project = var.project
  topic   = google_pubsub_topic.topic["${var.name}-dead-letters"].name
  role    = "roles/pubsub.publisher"
  member  = local.pubsub_agent

  # Google's account is there with the first subscription of a project, at the latest.
  depends_on = [google_pubsub_subscription.push]
}

resource "google_pubsub_subscription_iam_member" "dead_letters" {
  for_each = local.subscriptions

  project      = var.project
  subscription = google_pubsub_subscription.push[each.key].name
  role         = "roles/pubsub.subscriber"
  member       = local.pubsub_agent
}
