# Without an account and a repository of its own, a build has those of the project: its account may often do far more, and
# its images are never cleaned up.
resource "google_artifact_registry_repository" "images" {
  #checkov:skip=CKV_GCP_84:Google encrypts it; the images hold no more than the repository and the configuration.

  project       = var.project
  location      = var.region
  repository_id = var.name
  description   = "Images of the functions of ${var.name}"
  format        = "DOCKER"
  labels        = var.labels

  # A running function has a copy of its image.
  cleanup_policies {
    id     = "delete-old"
    action = "DELETE"
    condition {
      older_than = "${30 * 24 * 3600}s"
    }
  }
  cleanup_policies {
    id     = "keep-newest"
    action = "KEEP"
    most_recent_versions {
      keep_count = 3
    }
  }

  depends_on = [time_sleep.apis]
}

resource "google_artifact_registry_repository_iam_member" "build" {
  project    = var.project
  location   = var.region
  repository = google_artifact_registry_repository.images.name
  role       = "roles/artifactregistry.writer"
  member     = "serviceAccount:${local.emails["build"]}"
}

resource "google_project_iam_member" "build_logs" {
  project = var.project
  role    = "roles/logging.logWriter"
  member  = "serviceAccount:${local.emails["build"]}"
}

# Cloud Functions copies an archive into a bucket of its own, which it makes with the first function, and builds from
# there. So the right is given on the project, but good for that bucket only.
locals {
  build_bucket = "projects/_/buckets/gcf-v2-sources-${data.google_project.this.number}-${var.region}"
}

resource "google_project_iam_member" "build_source" {
  project = var.project
  role    = "roles/storage.objectViewer"
  member  = "serviceAccount:${local.emails["build"]}"

  condition {
    title = "sources-of-functions"
    expression = join(" || ", [
      "resource.name == \"${local.build_bucket}\"",
      "resource.name.startsWith(\"${local.build_bucket}/\")", # with the slash: else europe-west12's would fit europe-west1's
    ])
  }
}

# New grants work after about a minute, and about as long it takes until an alert may name a new metric.
resource "time_sleep" "grants" {
  create_duration = "60s"
  triggers        = { accounts = join(" ", values(local.emails)), region = var.region }

  depends_on = [
    google_artifact_registry_repository_iam_member.build,
    google_logging_metric.errors,
    google_project_iam_member.build_logs,
    google_project_iam_member.build_source,
    google_pubsub_topic_iam_member.publisher,
    google_secret_manager_secret_iam_member.reader,
  ]
}
