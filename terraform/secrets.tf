locals {
  webhook_secret = "${var.name}-webhook-secret"
  github_secret  = var.github.app_id == null ? "${var.name}-github-token" : "${var.name}-github-app-key"

  # By secret: who may read it.
  readers = merge(
    {
      (local.webhook_secret) = ["webhook"]
      (local.github_secret)  = local.runners
    },
    { for cluster in var.clusters : cluster.kubeconfig_secret => local.runners if cluster.kubeconfig_secret != null },
  )
}

# Without their values, which would stand in the state: the output `next_steps` says how each gets its own.
resource "google_secret_manager_secret" "secret" {
  for_each = local.readers

  project   = var.project
  secret_id = each.key
  labels    = var.labels

  replication {
    auto {}
  }

  depends_on = [time_sleep.apis]
}

resource "google_secret_manager_secret_iam_member" "reader" {
  for_each = merge([
    for secret, roles in local.readers : {
      for role in roles : "${secret} ${role}" => { secret = secret, role = role }
    }
  ]...)

  project   = var.project
  secret_id = google_secret_manager_secret.secret[each.value.secret].secret_id
  role      = "roles/secretmanager.secretAccessor"
  member    = "serviceAccount:${local.emails[each.value.role]}"
}
