locals {
  # Who runs jobs, and so has the credentials for GitHub and the clusters. reconcile settles rollouts, and with Pub/Sub
  # it asks GitHub and the clusters which applications need a job.
  runners = concat([local.pubsub ? "sync" : "webhook"], local.scheduled ? ["reconcile"] : [])

  account_purposes = { for role, purpose in {
    webhook   = "Takes GitHub's deliveries"
    sync      = local.pubsub ? "Runs jobs" : null
    push      = local.pubsub ? "Pub/Sub calls sync as this" : null
    reconcile = local.scheduled ? "Looks at every application" : null
    scheduler = local.scheduled ? "Cloud Scheduler calls reconcile as this" : null
    build     = "Builds the functions' image"
  } : role => purpose if purpose != null }

  # Written out, and not read from the accounts, so that a plan shows them.
  emails = { for role, account in google_service_account.account :
    role => "${account.account_id}@${var.project}.iam.gserviceaccount.com"
  }
}

resource "google_service_account" "account" {
  for_each = local.account_purposes

  project      = var.project
  account_id   = "${var.name}-${each.key}"
  display_name = "${var.name} ${each.key}"
  description  = each.value

  depends_on = [time_sleep.apis]
}
