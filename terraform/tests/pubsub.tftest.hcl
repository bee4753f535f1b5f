# What the module plans with the pubsub queue: the public function has one secret, and may publish; all else is private.

mock_provider "google" {
  override_during = plan
  mock_data "google_project" {
    defaults = { number = "123456789012" }
  }
}
mock_provider "archive" {}
mock_provider "time" {}

variables {
  project = "acme-deployer"
  region  = "europe-west1"
  config  = "./examples/complete/config"
  clusters = {
    production = {
      aliases = ["in-cluster"]
      gke     = { cluster = "projects/acme-clusters/locations/europe-west1/clusters/production", endpoint = "connect-gateway" }
    }
    staging = { kubeconfig_secret = "staging-kubeconfig" }
  }
  github   = { app_id = "123456" }
  settings = { DEPLOYER_MAX_FILES = "100" }
}

run "functions" {
  command = plan

  assert {
    condition     = join(" ", keys(google_cloudfunctions2_function.function)) == "reconcile sync webhook"
    error_message = "There must be three functions."
  }
  assert {
    condition = google_cloudfunctions2_function.function["webhook"].service_config[0].environment_variables == tomap({
      DEPLOYER_PUBSUB_TOPIC   = "projects/acme-deployer/topics/deployer"
      DEPLOYER_QUEUE          = "pubsub"
      DEPLOYER_WEBHOOK_SECRET = "projects/acme-deployer/secrets/deployer-webhook-secret"
      THREADS                 = "8"
    })
    error_message = "The webhook must have its secret, its topic, and nothing else."
  }
  assert {
    condition = google_cloudfunctions2_function.function["sync"].service_config[0].environment_variables == tomap({
      DEPLOYER_CONFIG          = "config"
      DEPLOYER_GITHUB_API_URL  = "https://api.github.com"
      DEPLOYER_GITHUB_APP_ID   = "123456"
      DEPLOYER_GITHUB_APP_KEY  = "projects/acme-deployer/secrets/deployer-github-app-key"
      DEPLOYER_MAX_FILES       = "100"
      DEPLOYER_PUBSUB_TOPIC    = "projects/acme-deployer/topics/deployer"
      DEPLOYER_QUEUE           = "pubsub"
      DEPLOYER_REQUEST_TIMEOUT = "540"
      THREADS                  = "8"
    })
    error_message = "sync must have what jobs need, and not the webhook's secret."
  }
  assert {
    condition     = google_cloudfunctions2_function.function["reconcile"].service_config[0].environment_variables["THREADS"] == "1"
    error_message = "One request at a time needs one thread."
  }
  assert {
    condition = { for name, function in google_cloudfunctions2_function.function : name => function.service_config[0].ingress_settings } == {
      reconcile = "ALLOW_INTERNAL_ONLY"
      sync      = "ALLOW_INTERNAL_ONLY"
      webhook   = "ALLOW_ALL"
    }
    error_message = "Only the webhook may be reached from outside."
  }
  assert {
    condition     = alltrue([for function in google_cloudfunctions2_function.function : function.build_config[0].environment_variables["SOURCE_DATE_EPOCH"] == "1"])
    error_message = "Without SOURCE_DATE_EPOCH, the byte code of the image is stale."
  }
  assert {
    condition     = google_cloudfunctions2_function.function["sync"].service_config[0].timeout_seconds < google_pubsub_subscription.push["events"].ack_deadline_seconds
    error_message = "Pub/Sub must wait for longer than a job may take."
  }
}

run "who_may_call" {
  command = plan

  assert {
    condition = { for name, invoker in google_cloud_run_v2_service_iam_member.invoker : name => "${invoker.name} ${invoker.role} ${invoker.member}" } == {
      reconcile = "deployer-reconcile roles/run.invoker serviceAccount:deployer-scheduler@acme-deployer.iam.gserviceaccount.com"
      sync      = "deployer-sync roles/run.invoker serviceAccount:deployer-push@acme-deployer.iam.gserviceaccount.com"
      webhook   = "deployer-webhook roles/run.invoker allUsers"
    }
    error_message = "Everybody may call the webhook, Pub/Sub sync, the schedule reconcile."
  }
}

run "who_may_read_what" {
  command = plan

  assert {
    condition = join(", ", keys(google_secret_manager_secret_iam_member.reader)) == join(", ", [
      "deployer-github-app-key reconcile",
      "deployer-github-app-key sync",
      "deployer-webhook-secret webhook",
      "staging-kubeconfig reconcile",
      "staging-kubeconfig sync",
    ])
    error_message = "Each secret must be read by those who need it, and nobody else."
  }
  assert {
    condition = toset([for one in google_project_iam_member.gke : "${one.project} ${one.role} ${one.member}"]) == toset(flatten([
      for runner in ["sync", "reconcile"] : [for role in ["roles/container.clusterViewer", "roles/gkehub.gatewayEditor"] :
        "acme-clusters ${role} serviceAccount:deployer-${runner}@acme-deployer.iam.gserviceaccount.com"
    ]]))
    error_message = "sync and reconcile must find the cluster of GKE, and its gateway, in its project."
  }
}

run "queue" {
  command = plan

  assert {
    condition = { for name, one in google_pubsub_subscription.push : name => one.filter } == {
      events             = "NOT attributes:cluster"
      cluster-production = "attributes.cluster = \"production\""
      cluster-staging    = "attributes.cluster = \"staging\""
    }
    error_message = "Events and each cluster must have a subscription of their own."
  }
  assert {
    condition     = alltrue([for name, one in google_pubsub_subscription.push : one.enable_message_ordering == (name != "events")])
    error_message = "The jobs of a cluster must be in order; events have no order."
  }
  assert {
    condition     = alltrue([for one in concat(values(google_pubsub_subscription.push), google_pubsub_subscription.dead_letters) : one.expiration_policy[0].ttl == ""])
    error_message = "A subscription must never expire."
  }
  assert {
    condition     = alltrue([for one in google_pubsub_subscription.push : length(one.dead_letter_policy) == 1])
    error_message = "What sync cannot do must go to the dead letters."
  }
  assert {
    condition = alltrue([for one in concat(values(google_pubsub_subscription.push), google_pubsub_subscription.dead_letters) :
      one.push_config[0].oidc_token[0].service_account_email == "deployer-push@acme-deployer.iam.gserviceaccount.com"
    ])
    error_message = "Pub/Sub must call sync as the account that may."
  }
  assert {
    condition     = alltrue([for one in google_pubsub_topic.topic : one.message_storage_policy[0].allowed_persistence_regions == toset(["europe-west1"])])
    error_message = "Messages must stay in the region."
  }
}

run "archive" {
  command = plan

  assert {
    condition = alltrue([for file in ["main.py", "requirements.txt", "deployer/__init__.py", "config/shop.yaml", "config/order.yaml", "config/clusters.yaml"] :
      contains(keys(local.archive), file)
    ])
    error_message = "What the functions need must be in the archive."
  }
  assert {
    condition     = alltrue([for file in keys(local.archive) : can(regex("^(main\\.py|requirements\\.txt|deployer/.*\\.py|config/.*\\.ya?ml)$", file)) && !startswith(file, "deployer/cli/") && file != "deployer/__main__.py"])
    error_message = "Nothing else may be in the archive."
  }
  assert {
    condition = [for document in split("---\n", output.cluster_documents) : yamldecode(document)] == [
      {
        apiVersion = "deployer/v1alpha1"
        kind       = "Cluster"
        metadata   = { name = "production", labels = {} }
        spec = {
          aliases = ["in-cluster"]
          gke     = { cluster = "projects/acme-clusters/locations/europe-west1/clusters/production", endpoint = "connect-gateway" }
        }
      },
      {
        apiVersion = "deployer/v1alpha1"
        kind       = "Cluster"
        metadata   = { name = "staging", labels = {} }
        spec       = { aliases = [], kubeconfig = { secret = "projects/acme-deployer/secrets/staging-kubeconfig" } }
      },
    ]
    error_message = "The Cluster documents must say how each cluster is reached."
  }
}

run "apis" {
  command = plan

  assert {
    condition     = alltrue([for api in google_project_service.api : api.disable_on_destroy == false])
    error_message = "Others may use an API, too."
  }
  assert {
    condition     = length(setsubtract(["pubsub", "cloudscheduler", "container", "connectgateway", "gkehub"], [for api in keys(google_project_service.api) : trimsuffix(api, ".googleapis.com")])) == 0
    error_message = "The APIs of what is used must be enabled."
  }
}

run "network" {
  command = plan
  variables {
    network = { network = "default", subnetwork = "default" }
  }

  assert {
    condition = { for name, function in google_cloudfunctions2_function.function : name => length(function.service_config[0].direct_vpc_network_interface) } == {
      reconcile = 1
      sync      = 1
      webhook   = 0
    }
    error_message = "Only those that talk to clusters may be in the VPC."
  }
  assert {
    condition     = contains(keys(google_project_service.api), "compute.googleapis.com")
    error_message = "The VPC needs the Compute Engine API."
  }
}

# Everything but the functions, what calls them, and the alerts.
run "before_the_functions" {
  command = plan
  variables {
    deploy_functions = false
  }

  assert {
    condition     = length(google_cloudfunctions2_function.function) + length(google_pubsub_subscription.push) + length(google_cloud_scheduler_job.reconcile) + length(google_cloud_run_v2_service_iam_member.invoker) + length(google_monitoring_alert_policy.alert) == 0
    error_message = "No function may be made before its secret has a value."
  }
  assert {
    condition     = length(google_secret_manager_secret.secret) == 3 && output.webhook_url == null
    error_message = "The secrets must be there to be given values."
  }
  assert {
    condition     = strcontains(output.next_steps, "deploy_functions = true")
    error_message = "The steps must say what comes next."
  }
}

run "no_schedule" {
  command = plan
  variables {
    schedule = null
  }

  assert {
    condition     = join(" ", keys(google_cloudfunctions2_function.function)) == "sync webhook" && length(google_cloud_scheduler_job.reconcile) == 0
    error_message = "Without a schedule there must be no reconcile."
  }
  assert {
    condition     = join(" ", keys(google_service_account.account)) == "build push sync webhook"
    error_message = "An account that nobody uses must not be made."
  }
}
