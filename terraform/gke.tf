locals {
  gke = [for cluster in var.clusters : {
    project  = split("/", cluster.gke.cluster)[1]
    endpoint = cluster.gke.endpoint
  } if cluster.gke != null]

  # Where a cluster is, and the right to connect to it. What may be done there, the cluster's own RBAC alone decides.
  gke_roles = concat(
    [for one in local.gke : { project = one.project, role = "roles/container.clusterViewer" }],
    [for one in local.gke : { project = one.project, role = "roles/gkehub.gatewayEditor" } if one.endpoint == "connect-gateway"],
  )
}

# GKE has no roles for a single cluster, so they are given on its project.
resource "google_project_iam_member" "gke" {
  for_each = { for pair in setproduct(toset(local.gke_roles), local.runners) :
    "${pair[0].project} ${pair[0].role} ${pair[1]}" => { project = pair[0].project, role = pair[0].role, runner = pair[1] }
  }

  project = each.value.project
  role    = each.value.role
  member  = "serviceAccount:${local.emails[each.value.runner]}"
}
