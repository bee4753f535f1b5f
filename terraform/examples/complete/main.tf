# For production: the public function only publishes, private ones have the credentials. It is a GitHub App, and deploys to
# a private cluster of GKE without a stored secret, and to any other cluster by kubeconfig.

terraform {
  # Where the state is kept, with nothing secret in it. Yours:
  # backend "gcs" {
  #   bucket = "acme-terraform"
  #   prefix = "deployer"
  # }
}

provider "google" {
  project = var.project
}

module "deployer" {
  source = "../.."

  project          = var.project
  region           = "europe-west1"
  config           = "${path.module}/config"
  deploy_functions = var.deploy_functions

  clusters = {
    # Its control plane has an address in the VPC only; dns, the default, would do without the VPC.
    production = {
      aliases = ["in-cluster", "https://kubernetes.default.svc"]
      labels  = { env = "production" }
      gke = {
        cluster  = "projects/acme-clusters/locations/europe-west1/clusters/production"
        endpoint = "ip"
      }
    }
    # Anywhere else.
    staging = {
      labels            = { env = "staging" }
      kubeconfig_secret = "staging-kubeconfig"
    }
  }

  # Only what goes to private addresses takes this way. A network of another project (Shared VPC) must let Cloud Run in.
  network = {
    network    = "projects/${var.project}/global/networks/deployer"
    subnetwork = "projects/${var.project}/regions/europe-west1/subnetworks/deployer"
    tags       = ["deployer"]
  }

  github = { app_id = "123456" }

  max_instances         = { webhook = 5, sync = 5 }
  notification_channels = [google_monitoring_notification_channel.team.name]
  labels                = { team = "platform" }

  # Each of the instances keeps within its part of what GitHub takes.
  settings = { DEPLOYER_GITHUB_SHARE = "20" }
}

resource "google_monitoring_notification_channel" "team" {
  project      = var.project
  display_name = "Platform team"
  type         = "email"
  labels       = { email_address = "platform@example.com" }
}

variable "project" {
  description = "ID of the project that the deployer is made in."
  type        = string
  default     = "acme-deployer"
}

variable "deploy_functions" {
  description = "false for the first apply, until the secrets have their values."
  type        = bool
  default     = true
}

output "webhook_url" {
  value = module.deployer.webhook_url
}

output "accounts" {
  value = module.deployer.accounts
}

output "cluster_documents" {
  value = module.deployer.cluster_documents
}

output "next_steps" {
  value = module.deployer.next_steps
}
