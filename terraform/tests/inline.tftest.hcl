# What the module plans with the inline queue: one public function with all credentials, one cluster, no Pub/Sub.

mock_provider "google" {
  mock_data "google_project" {
    defaults = { number = "123456789012" }
  }
}
mock_provider "archive" {}
mock_provider "time" {}

variables {
  project  = "acme-deployer"
  region   = "europe-west1"
  config   = "./examples/smallest/config"
  queue    = "inline"
  clusters = { production = { kubeconfig_secret = "production-kubeconfig" } }
}

run "functions" {
  command = plan

  assert {
    condition     = join(" ", keys(google_cloudfunctions2_function.function)) == "reconcile webhook"
    error_message = "There must be the webhook, which runs the jobs, and reconcile."
  }
  assert {
    condition = google_cloudfunctions2_function.function["webhook"].service_config[0].environment_variables == tomap({
      DEPLOYER_CONFIG          = "config"
      DEPLOYER_GITHUB_API_URL  = "https://api.github.com"
      DEPLOYER_GITHUB_TOKEN    = "projects/acme-deployer/secrets/deployer-github-token"
      DEPLOYER_QUEUE           = "inline"
      DEPLOYER_REQUEST_TIMEOUT = "540"
      DEPLOYER_WEBHOOK_SECRET  = "projects/acme-deployer/secrets/deployer-webhook-secret"
      THREADS                  = "8"
    })
    error_message = "The webhook must have what a job needs."
  }
  assert {
    condition     = google_cloudfunctions2_function.function["webhook"].service_config[0].max_instance_count == 1
    error_message = "Jobs of an application wait for each other in one process only."
  }
}

run "no_pubsub" {
  command = plan

  assert {
    condition     = length(google_pubsub_topic.topic) + length(google_pubsub_subscription.push) + length(google_pubsub_topic_iam_member.publisher) + length(google_pubsub_topic_iam_member.dead_letters) == 0
    error_message = "There must be no topic, and nothing that belongs to one."
  }
  assert {
    condition     = join(" ", keys(google_service_account.account)) == "build reconcile scheduler webhook"
    error_message = "An account that nobody uses must not be made."
  }
  assert {
    condition     = !contains(keys(google_monitoring_alert_policy.alert), "dead-letters")
    error_message = "There is nothing to be alerted of."
  }
  assert {
    condition     = output.topic == null
    error_message = "There is no topic."
  }
}
