locals {
  webhook_url = var.deploy_functions ? google_cloudfunctions2_function.function["webhook"].service_config[0].uri : null
}

output "webhook_url" {
  description = "Payload URL of the webhook on GitHub; null until the functions are deployed."
  value       = local.webhook_url
}

output "accounts" {
  description = "E-mails of the service accounts, by what they are for."
  value       = local.emails
}

output "topic" {
  description = "Topic that events and jobs travel through, for people who sync by hand (DEPLOYER_PUBSUB_TOPIC); null with the inline queue."
  value       = local.pubsub ? local.topic : null
}

output "cluster_documents" {
  description = "The Cluster documents, for the command line: terraform output -raw cluster_documents > config/clusters.yaml"
  value       = local.cluster_documents
}

output "next_steps" {
  description = "What remains to be done by hand: terraform output -raw next_steps"
  value = templatefile("${path.module}/next_steps.tftpl", {
    project            = var.project
    webhook_secret     = local.webhook_secret
    github_secret      = local.github_secret
    app                = var.github.app_id != null
    kubeconfig_secrets = { for name, cluster in var.clusters : name => cluster.kubeconfig_secret if cluster.kubeconfig_secret != null }
    gke_clusters       = [for name, cluster in var.clusters : name if cluster.gke != null]
    users              = [for runner in local.runners : local.emails[runner]]
    webhook_url        = local.webhook_url
  })
}
