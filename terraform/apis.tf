locals {
  pubsub    = var.queue == "pubsub"
  scheduled = var.schedule != null

  apis = toset(concat(
    [
      "artifactregistry.googleapis.com",
      "cloudbuild.googleapis.com",
      "cloudfunctions.googleapis.com",
      "iam.googleapis.com",
      "logging.googleapis.com",
      "monitoring.googleapis.com",
      "run.googleapis.com",
      "secretmanager.googleapis.com",
      "storage.googleapis.com",
    ],
    local.pubsub ? ["pubsub.googleapis.com"] : [],
    local.scheduled ? ["cloudscheduler.googleapis.com"] : [],
    var.network == null ? [] : ["compute.googleapis.com"],
    length(local.gke) == 0 ? [] : ["container.googleapis.com"],
    contains(local.gke[*].endpoint, "connect-gateway") ? ["connectgateway.googleapis.com", "gkehub.googleapis.com"] : [],
  ))
}

resource "google_project_service" "api" {
  for_each = local.apis

  project = var.project
  service = each.key

  # Others in the project may use it, too.
  disable_on_destroy = false
}

# An API that has just been enabled is not known everywhere at once.
resource "time_sleep" "apis" {
  create_duration = "30s"
  triggers        = { apis = join(" ", local.apis) }

  depends_on = [google_project_service.api]
}

# Google's own service agents have the number in their names. It is asked for with the Cloud Resource Manager API, which
# must be enabled before Terraform runs at all: the resource above needs it as well.
data "google_project" "this" {
  project_id = var.project
}
