# One function that GitHub calls and that runs the jobs itself, for one cluster: to try it, or for a very small set-up. The
# credentials for GitHub and the cluster are behind the public door; examples/complete keeps them away from it. Beside it
# is only reconcile, which ends rollouts of more than eight seconds; `schedule = null` would leave it out.

provider "google" {
  project = var.project
}

module "deployer" {
  source = "../.."

  project          = var.project
  region           = "europe-west1"
  config           = "${path.module}/config"
  queue            = "inline"
  deploy_functions = var.deploy_functions

  clusters = {
    production = { kubeconfig_secret = "production-kubeconfig" }
  }
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

output "next_steps" {
  value = module.deployer.next_steps
}
