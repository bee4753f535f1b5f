locals {
  # GitHub waits ten seconds for an answer of the webhook, Pub/Sub and Cloud Scheduler as long as a rollout may take.
  job_timeout = 540

  queue_settings = merge(
    { DEPLOYER_QUEUE = var.queue },
    { for name, value in { DEPLOYER_PUBSUB_TOPIC = local.topic } : name => value if local.pubsub },
  )

  webhook_settings = {
    # By its name, not mounted: the latest version and the one before it are both good, so that it can be exchanged.
    DEPLOYER_WEBHOOK_SECRET = "projects/${var.project}/secrets/${local.webhook_secret}"
  }

  github_place = "projects/${var.project}/secrets/${local.github_secret}"
  job_settings = merge(
    var.settings,
    { for name, value in {
      DEPLOYER_CONFIG          = "config"
      DEPLOYER_GITHUB_API_URL  = var.github.api_url
      DEPLOYER_GITHUB_APP_ID   = var.github.app_id
      DEPLOYER_GITHUB_APP_KEY  = var.github.app_id == null ? null : local.github_place
      DEPLOYER_GITHUB_TOKEN    = var.github.app_id == null ? local.github_place : null
      DEPLOYER_REQUEST_TIMEOUT = tostring(local.job_timeout)
    } : name => value if value != null },
  )

  # memory, measured: the webhook of the pubsub queue 71 MB (and it holds two deliveries of 25 MB at most), reconcile 101 MB,
  # sync 126 MB with a push that Kustomize renders and 223 MB with eight jobs of 200 objects. Reading the largest
  # application that the limits allow takes 200 MB more. Inline, the webhook is both.
  # concurrency: jobs wait for clusters and GitHub most of the time. Above 1, a function must have a whole CPU.
  functions = { for name, function in {
    webhook = {
      wanted      = true
      description = "Takes GitHub's deliveries (public: the signature is what lets them in)"
      settings    = merge(local.queue_settings, local.webhook_settings, local.pubsub ? tomap({}) : tomap(local.job_settings))
      ingress     = "ALLOW_ALL"
      invoker     = "allUsers"
      memory      = local.pubsub ? "512Mi" : "1Gi"
      concurrency = 8
      # Inline, the jobs of an application wait for each other within one process.
      instances = local.pubsub ? var.max_instances.webhook : 1
      timeout   = local.pubsub ? 60 : local.job_timeout
      network   = local.pubsub ? null : var.network
    }
    sync = {
      wanted      = local.pubsub
      description = "Runs what Pub/Sub pushes (private)"
      settings    = merge(local.queue_settings, local.job_settings)
      ingress     = "ALLOW_INTERNAL_ONLY" # which Pub/Sub of the same project counts as
      invoker     = local.pubsub ? "serviceAccount:${local.emails["push"]}" : ""
      memory      = "1Gi"
      concurrency = 8
      instances   = var.max_instances.sync
      timeout     = local.job_timeout
      network     = var.network
    }
    reconcile = {
      wanted      = local.scheduled
      description = "Looks at every application, on schedule (private)"
      settings    = merge(local.queue_settings, local.job_settings)
      ingress     = "ALLOW_INTERNAL_ONLY" # which Cloud Scheduler of the same project counts as
      invoker     = local.scheduled ? "serviceAccount:${local.emails["scheduler"]}" : ""
      memory      = local.pubsub ? "512Mi" : "1Gi"
      concurrency = 1
      instances   = 1
      timeout     = local.job_timeout
      network     = var.network
    }
  } : name => function if function.wanted && var.deploy_functions }
}

resource "google_cloudfunctions2_function" "function" {
  for_each = local.functions
  #checkov:skip=CKV_GCP_124:GitHub must reach the webhook from the internet; the others are ALLOW_INTERNAL_ONLY, which tests/pubsub.tftest.hcl holds.

  project     = var.project
  location    = var.region
  name        = "${var.name}-${each.key}"
  description = each.value.description
  labels      = var.labels

  build_config {
    runtime           = var.runtime
    entry_point       = each.key
    service_account   = "projects/${var.project}/serviceAccounts/${local.emails["build"]}"
    docker_repository = google_artifact_registry_repository.images.id

    # Byte code is then found by what a file says. By its time it would be stale: the image gives every file another one.
    environment_variables = { SOURCE_DATE_EPOCH = "1" }

    source {
      storage_source {
        bucket = google_storage_bucket.source.name
        object = google_storage_bucket_object.source.name
      }
    }
  }

  service_config {
    service_account_email            = local.emails[each.key]
    ingress_settings                 = each.value.ingress
    environment_variables            = merge(each.value.settings, { THREADS = tostring(each.value.concurrency) })
    available_cpu                    = "1"
    available_memory                 = each.value.memory
    max_instance_request_concurrency = each.value.concurrency
    max_instance_count               = each.value.instances
    timeout_seconds                  = each.value.timeout

    direct_vpc_egress = each.value.network == null ? null : each.value.network.egress
    dynamic "direct_vpc_network_interface" {
      for_each = each.value.network == null ? [] : [each.value.network]
      content {
        network    = direct_vpc_network_interface.value.network
        subnetwork = direct_vpc_network_interface.value.subnetwork
        tags       = direct_vpc_network_interface.value.tags
      }
    }
  }

  depends_on = [time_sleep.grants]
}

# The function's own IAM does not reach the service that it is. A new function is a new service, without these.
resource "google_cloud_run_v2_service_iam_member" "invoker" {
  for_each = local.functions

  project  = var.project
  location = var.region
  name     = google_cloudfunctions2_function.function[each.key].name
  role     = "roles/run.invoker"
  member   = each.value.invoker

  lifecycle {
    replace_triggered_by = [google_cloudfunctions2_function.function[each.key].id]
  }
}
