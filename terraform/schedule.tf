resource "google_cloud_scheduler_job" "reconcile" {
  count = local.scheduled && var.deploy_functions ? 1 : 0

  project     = var.project
  region      = var.region
  name        = "${var.name}-reconcile"
  description = "Looks at every application: drift, lost deliveries, rollouts that outlived their request"
  schedule    = var.schedule
  time_zone   = "Etc/UTC"

  # As long as the function itself may take. A call that fails is not repeated: the next one does the same.
  attempt_deadline = "${local.job_timeout}s"
  retry_config {
    retry_count = 0
  }

  http_target {
    http_method = "POST"
    uri         = google_cloudfunctions2_function.function["reconcile"].service_config[0].uri
    oidc_token {
      service_account_email = local.emails["scheduler"]
      audience              = google_cloudfunctions2_function.function["reconcile"].service_config[0].uri
    }
  }

  depends_on = [google_cloud_run_v2_service_iam_member.invoker]
}
