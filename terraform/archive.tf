# What becomes the function: an allow-list, so that nothing else of the clone travels by accident. Terraform does not know
# of .gcloudignore; the command line is left out in both.
locals {
  clone = "${path.module}/.."

  code_files = concat(["main.py", "requirements.txt"], [
    for file in fileset(local.clone, "deployer/**/*.py") : file
    if !startswith(file, "deployer/cli/") && file != "deployer/__main__.py"
  ])

  # As the deployer itself reads a folder: with all below it, but nothing that is hidden.
  config_files = [
    for file in fileset(var.config, "**/*.{yaml,yml,json}") : file
    if file != "clusters.yaml" && !can(regex("(^|/)[.]", file))
  ]

  cluster_documents = join("---\n", [for name, cluster in var.clusters : yamlencode({
    apiVersion = "deployer/v1alpha1"
    kind       = "Cluster"
    metadata   = { name = name, labels = cluster.labels }
    spec = merge(
      { aliases = cluster.aliases },
      { for way, value in {
        gke        = cluster.gke
        kubeconfig = cluster.kubeconfig_secret == null ? null : { secret = "projects/${var.project}/secrets/${cluster.kubeconfig_secret}" }
      } : way => value if value != null },
    )
  })])

  archive = merge(
    { for file in local.code_files : file => file("${local.clone}/${file}") },
    { for file in local.config_files : "config/${file}" => file("${var.config}/${file}") },
    { "config/clusters.yaml" = local.cluster_documents },
  )
}

data "archive_file" "source" {
  type             = "zip"
  output_path      = "${path.root}/.terraform/${var.project}-${var.name}-source.zip"
  output_file_mode = "0644" # the same zip on every machine

  dynamic "source" {
    for_each = local.archive
    content {
      filename = source.key
      content  = source.value
    }
  }
}

resource "google_storage_bucket" "source" {
  #checkov:skip=CKV_GCP_62:Access logs need a bucket of their own, and these objects hold no more than the repository and the configuration.

  project  = var.project
  name     = "${var.project}-${var.name}-source"
  location = var.region
  labels   = var.labels

  uniform_bucket_level_access = true
  public_access_prevention    = "enforced"
  force_destroy               = true # all of it can be made again

  # An archive that a newer one has replaced can be fetched back for a month.
  versioning {
    enabled = true
  }
  lifecycle_rule {
    action {
      type = "Delete"
    }
    condition {
      days_since_noncurrent_time = 30
    }
  }

  depends_on = [time_sleep.apis]
}

# Named by its hash: a function is built anew when, and only when, what it is made of has changed.
resource "google_storage_bucket_object" "source" {
  bucket = google_storage_bucket.source.name
  name   = "${data.archive_file.source.output_sha256}.zip"
  source = data.archive_file.source.output_path

  # Without create_before_destroy, which the bucket would have to have as well, and no two buckets can have one name. The
  # functions that run do not need the old archive.
}
