# What is refused before anything is made: one wrong value each, beside inputs that are fine.

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
  clusters = { production = { kubeconfig_secret = "production-kubeconfig" } }
}

# They are fine: what fails below fails for its own reason.
run "nothing_wrong" {
  command = plan
}

# So are these, though they look unusual.
run "nothing_wrong_either" {
  command = plan
  variables {
    name     = "deployer-of-the-team"
    region   = "northamerica-northeast1"
    schedule = "0,30 8-18/2 1-31 jan-dec MON-FRI"
    github   = { api_url = "https://github.acme.example/api/v3", app_id = "Iv23liAbCdEfGhIjKlMn" }
    network = {
      network    = "https://www.googleapis.com/compute/v1/projects/example.com:acme-clusters/global/networks/shared"
      subnetwork = "projects/acme-network/regions/northamerica-northeast1/subnetworks/deployer"
    }
    clusters = { one = { gke = { cluster = "projects/example.com:acme-clusters/locations/us-central1-a/clusters/one" } } }
  }
}

run "project_number" {
  command = plan
  variables {
    project = "123456789012"
  }
  expect_failures = [var.project]
}

run "project_too_short" {
  command = plan
  variables {
    project = "acme"
  }
  expect_failures = [var.project]
}

run "region_is_a_zone" {
  command = plan
  variables {
    region = "europe-west1-b"
  }
  expect_failures = [var.region]
}

run "name_too_long" {
  command = plan
  variables {
    name = "deployer-of-the-team1"
  }
  expect_failures = [var.name]
}

run "name_with_capitals" {
  command = plan
  variables {
    name = "Deployer"
  }
  expect_failures = [var.name]
}

run "name_ends_with_hyphen" {
  command = plan
  variables {
    name = "deployer-"
  }
  expect_failures = [var.name]
}

run "name_that_google_keeps" {
  command = plan
  variables {
    name = "google-deployer"
  }
  expect_failures = [var.name]
}

run "name_of_anothers_subscriptions" {
  command = plan
  variables {
    name = "deployer-cluster-eu"
  }
  expect_failures = [var.name]
}

run "name_of_anothers_dead_letters" {
  command = plan
  variables {
    name = "gitops-dead-letters"
  }
  expect_failures = [var.name]
}

run "config_missing" {
  command = plan
  variables {
    config = "./tests/no-such-folder"
  }
  expect_failures = [var.config]
}

run "config_with_a_cluster" {
  command = plan
  variables {
    config = "./tests/config-with-cluster"
  }
  expect_failures = [var.config]
}

run "config_with_nothing_but_clusters" {
  command = plan
  variables {
    config = "./tests/config-clusters-only"
  }
  expect_failures = [var.config]
}

run "config_with_an_application_beside_clusters" {
  command = plan
  variables {
    config = "./tests/config-mixed"
  }
  expect_failures = [var.config]
}

run "no_cluster" {
  command = plan
  variables {
    clusters = {}
  }
  expect_failures = [var.clusters]
}

run "cluster_name" {
  command = plan
  variables {
    clusters = { "Production" = { kubeconfig_secret = "a" } }
  }
  expect_failures = [var.clusters]
}

run "no_credential" {
  command = plan
  variables {
    clusters = { one = {} }
  }
  expect_failures = [var.clusters]
}

run "two_credentials" {
  command = plan
  variables {
    clusters = {
      one = {
        kubeconfig_secret = "a"
        gke               = { cluster = "projects/acme-clusters/locations/europe-west1/clusters/one" }
      }
    }
  }
  expect_failures = [var.clusters]
}

run "gke_cluster_by_short_name" {
  command = plan
  variables {
    clusters = { one = { gke = { cluster = "one" } } }
  }
  expect_failures = [var.clusters]
}

run "gke_endpoint" {
  command = plan
  variables {
    clusters = {
      one = { gke = { cluster = "projects/acme-clusters/locations/europe-west1/clusters/one", endpoint = "private" } }
    }
  }
  expect_failures = [var.clusters]
}

run "kubeconfig_secret_by_full_name" {
  command = plan
  variables {
    clusters = { one = { kubeconfig_secret = "projects/acme-deployer/secrets/a" } }
  }
  expect_failures = [var.clusters]
}

run "kubeconfig_secret_is_the_webhooks" {
  command = plan
  variables {
    clusters = { one = { kubeconfig_secret = "deployer-webhook-secret" } }
  }
  expect_failures = [var.clusters]
}

run "kubeconfig_secret_is_the_githubs" {
  command = plan
  variables {
    clusters = { one = { kubeconfig_secret = "deployer-github-token" } }
  }
  expect_failures = [var.clusters]
}

run "kubeconfig_secret_is_the_app_keys" {
  command = plan
  variables {
    clusters = { one = { kubeconfig_secret = "deployer-github-app-key" } }
  }
  expect_failures = [var.clusters]
}

run "two_clusters_with_one_kubeconfig" {
  command = plan
  variables {
    clusters = {
      one = { kubeconfig_secret = "a" }
      two = { kubeconfig_secret = "a" }
    }
  }
  expect_failures = [var.clusters]
}

run "two_clusters_with_one_gke_cluster" {
  command = plan
  variables {
    clusters = {
      one = { gke = { cluster = "projects/acme-clusters/locations/europe-west1/clusters/one" } }
      two = { gke = { cluster = "projects/acme-clusters/locations/europe-west1/clusters/one", endpoint = "ip" } }
    }
  }
  expect_failures = [var.clusters]
}

run "empty_alias" {
  command = plan
  variables {
    clusters = { one = { aliases = [""], kubeconfig_secret = "a" } }
  }
  expect_failures = [var.clusters]
}

run "alias_is_another_clusters_name" {
  command = plan
  variables {
    clusters = {
      one = { aliases = ["two"], kubeconfig_secret = "a" }
      two = { kubeconfig_secret = "b" }
    }
  }
  expect_failures = [var.clusters]
}

run "alias_twice" {
  command = plan
  variables {
    clusters = { one = { aliases = ["in-cluster", "in-cluster"], kubeconfig_secret = "a" } }
  }
  expect_failures = [var.clusters]
}

run "queue_unknown" {
  command = plan
  variables {
    queue = "kafka"
  }
  expect_failures = [var.queue]
}

run "inline_with_two_clusters" {
  command = plan
  variables {
    queue = "inline"
    clusters = {
      one = { kubeconfig_secret = "a" }
      two = { kubeconfig_secret = "b" }
    }
  }
  expect_failures = [var.queue]
}

run "github_without_tls" {
  command = plan
  variables {
    github = { api_url = "http://github.acme.example/api/v3" }
  }
  expect_failures = [var.github]
}

run "github_with_a_password" {
  command = plan
  variables {
    github = { api_url = "https://ada:secret@github.acme.example" }
  }
  expect_failures = [var.github]
}

run "github_by_its_website" {
  command = plan
  variables {
    github = { api_url = "https://github.com" }
  }
  expect_failures = [var.github]
}

run "github_app_by_name" {
  command = plan
  variables {
    github = { app_id = "our-app" }
  }
  expect_failures = [var.github]
}

run "schedule_with_six_fields" {
  command = plan
  variables {
    schedule = "0 * * * * *"
  }
  expect_failures = [var.schedule]
}

run "schedule_in_words" {
  command = plan
  variables {
    schedule = "every five minutes at night"
  }
  expect_failures = [var.schedule]
}

run "schedule_out_of_range" {
  command = plan
  variables {
    schedule = "60 * * * *"
  }
  expect_failures = [var.schedule]
}

run "schedule_without_a_step" {
  command = plan
  variables {
    schedule = "*/0 * * * *"
  }
  expect_failures = [var.schedule]
}

run "network_egress" {
  command = plan
  variables {
    network = { network = "default", subnetwork = "default", egress = "ALL" }
  }
  expect_failures = [var.network]
}

run "network_name" {
  command = plan
  variables {
    network = { network = "", subnetwork = "default" }
  }
  expect_failures = [var.network]
}

run "network_is_a_subnetwork" {
  command = plan
  variables {
    network = { network = "projects/acme-network/regions/europe-west1/subnetworks/a", subnetwork = "a" }
  }
  expect_failures = [var.network]
}

run "subnetwork_in_another_region" {
  command = plan
  variables {
    network = { network = "a", subnetwork = "projects/acme-network/regions/us-east4/subnetworks/a" }
  }
  expect_failures = [var.network]
}

run "network_tag" {
  command = plan
  variables {
    network = { network = "default", subnetwork = "default", tags = ["Not A Tag"] }
  }
  expect_failures = [var.network]
}

run "no_instances" {
  command = plan
  variables {
    max_instances = { sync = 0 }
  }
  expect_failures = [var.max_instances]
}

run "half_an_instance" {
  command = plan
  variables {
    max_instances = { webhook = 1.5 }
  }
  expect_failures = [var.max_instances]
}

run "runtime" {
  command = plan
  variables {
    runtime = "python314"
  }
  expect_failures = [var.runtime]
}

run "notification_channel" {
  command = plan
  variables {
    notification_channels = ["platform@example.com"]
  }
  expect_failures = [var.notification_channels]
}

run "label_key" {
  command = plan
  variables {
    labels = { Team = "platform" }
  }
  expect_failures = [var.labels]
}

run "label_value" {
  command = plan
  variables {
    labels = { team = "The Platform" }
  }
  expect_failures = [var.labels]
}

run "setting_that_the_module_sets" {
  command = plan
  variables {
    settings = { DEPLOYER_QUEUE = "inline" }
  }
  expect_failures = [var.settings]
}

run "setting_that_is_a_secret" {
  command = plan
  variables {
    settings = { DEPLOYER_GITHUB_TOKEN = "not a token" }
  }
  expect_failures = [var.settings]
}

run "setting_unknown" {
  command = plan
  variables {
    settings = { DEPLOYER_MAX_FILE = "1" }
  }
  expect_failures = [var.settings]
}

run "setting_no_number" {
  command = plan
  variables {
    settings = { DEPLOYER_MAX_FILES = "many" }
  }
  expect_failures = [var.settings]
}

run "setting_too_high" {
  command = plan
  variables {
    settings = { DEPLOYER_MAX_DEPTH = "151" }
  }
  expect_failures = [var.settings]
}
