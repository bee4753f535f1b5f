# The examples are planned as a reader would apply them.

mock_provider "google" {
  mock_data "google_project" {
    defaults = { number = "123456789012" }
  }
  mock_resource "google_monitoring_notification_channel" {
    defaults        = { name = "projects/acme-deployer/notificationChannels/1" }
    override_during = plan
  }
}
mock_provider "archive" {}
mock_provider "time" {}

run "smallest" {
  command = plan
  module {
    source = "./examples/smallest"
  }
}

run "smallest_before_the_functions" {
  command = plan
  module {
    source = "./examples/smallest"
  }
  variables {
    deploy_functions = false
  }

  assert {
    condition     = output.webhook_url == null
    error_message = "There must be no function yet."
  }
}

run "complete" {
  command = plan
  module {
    source = "./examples/complete"
  }

  assert {
    condition     = join(" ", keys(output.accounts)) == "build push reconcile scheduler sync webhook"
    error_message = "Each function, and each that calls one, must have an account of its own."
  }
  assert {
    condition     = length(split("---\n", output.cluster_documents)) == 2
    error_message = "There must be a document for each cluster."
  }
}
