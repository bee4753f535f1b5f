variable "project" {
  description = "ID of the Google Cloud project that everything is made in."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{4,28}[a-z0-9]$", var.project))
    error_message = "project must be a project's ID (not its number or name): 6 to 30 lower-case letters, digits and hyphens, such as \"acme-deployer\"."
  }
}

variable "region" {
  description = "Region of the functions, of the messages that wait in the topic, and of the schedule."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z]+-[a-z]+[0-9]{1,2}$", var.region))
    error_message = "region must be a region, such as \"europe-west1\", and no zone."
  }
}

variable "name" {
  description = "Beginning of the names of everything that is made."
  type        = string
  default     = "deployer"
  nullable    = false

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,18}[a-z0-9]$", var.name))
    error_message = "name must have 3 to 20 lower-case letters, digits and hyphens, begin with a letter and not end with a hyphen: the account NAME-reconcile may have 30 characters, NAME-scheduler too."
  }
  validation {
    condition     = !can(regex("google|^goog|-(cluster|dead-letters)(-|$)", var.name))
    error_message = "name must not begin with goog nor have google in it, since Google keeps these names for itself; nor have -cluster or -dead-letters in it, since the deployer whose name stands before these calls subscriptions so."
  }
}

variable "config" {
  description = "Folder with the Application, AppProject and ApplicationSet documents (*.yaml, *.yml, *.json). It travels with the functions. The Cluster documents are made from `clusters`, and take the place of its file clusters.yaml."
  type        = string
  nullable    = false

  validation {
    # As local.config_files, which cannot stand here: it is made of what is checked.
    condition     = anytrue([for file in fileset(var.config, "**/*.{yaml,yml,json}") : file != "clusters.yaml" && !can(regex("(^|/)[.]", file))])
    error_message = "config must be a folder with at least one .yaml, .yml or .json file beside clusters.yaml, such as \"$${path.module}/config\"."
  }
  validation {
    condition = alltrue([
      for file in fileset(var.config, "**/*.{yaml,yml,json}") :
      file == "clusters.yaml" || !can(regex("(?m)^[^#\\n]*apiVersion[\"']?\\s*:\\s*[\"']?deployer/v1alpha1", file("${var.config}/${file}")))
    ])
    error_message = "config must hold no Cluster documents but those in its clusters.yaml, which are not used: write each cluster in the variable clusters."
  }
  validation {
    condition     = !can(regex("(?m)^[^#\\n]*apiVersion[\"']?\\s*:\\s*[\"']?argoproj.io/", file("${var.config}/clusters.yaml")))
    error_message = "config: clusters.yaml must hold Cluster documents only, since another file takes its place; write its Applications, ApplicationSets and AppProjects into a file of another name."
  }
}

variable "clusters" {
  description = <<-EOT
    The clusters, by the name that destinations call them by. Each is reached by exactly one of
    - gke: a cluster of GKE, without a stored secret. cluster is projects/PROJECT/locations/LOCATION/clusters/NAME, endpoint is dns, ip or connect-gateway.
    - kubeconfig_secret: the ID of a secret that the module makes, and that you give a kubeconfig.
    aliases are what else destinations may call it, labels what ApplicationSets select it by.
  EOT
  type = map(object({
    aliases = optional(list(string), [])
    labels  = optional(map(string), {})
    gke = optional(object({
      cluster  = string
      endpoint = optional(string, "dns")
    }))
    kubeconfig_secret = optional(string)
  }))
  nullable = false

  validation {
    condition     = length(var.clusters) > 0
    error_message = "clusters must have at least one cluster: without one, there is nothing to deploy to."
  }
  validation {
    condition     = alltrue([for name in keys(var.clusters) : can(regex("^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$", name))])
    error_message = "clusters: a name must have 1 to 63 lower-case letters, digits and hyphens, and begin and end with none of the hyphens."
  }
  validation {
    condition     = alltrue([for cluster in var.clusters : (cluster.gke == null) != (cluster.kubeconfig_secret == null)])
    error_message = "clusters: each must have exactly one of gke and kubeconfig_secret, which say how it is reached."
  }
  validation {
    condition = alltrue([for cluster in var.clusters : cluster.gke == null ? true :
      can(regex("^projects/([a-z0-9.-]+:)?[a-z][a-z0-9-]{4,28}[a-z0-9]/locations/[a-z][a-z0-9-]*/clusters/[a-z][a-z0-9-]*$", cluster.gke.cluster))
    ])
    error_message = "clusters: gke.cluster must be projects/PROJECT/locations/LOCATION/clusters/NAME, with the project's ID."
  }
  validation {
    condition = alltrue([for cluster in var.clusters : cluster.gke == null ? true :
      contains(["dns", "ip", "connect-gateway"], cluster.gke.endpoint)
    ])
    error_message = "clusters: gke.endpoint must be \"dns\", \"ip\" or \"connect-gateway\"."
  }
  validation {
    condition = alltrue([for cluster in var.clusters : cluster.kubeconfig_secret == null ? true :
      can(regex("^[A-Za-z0-9_-]{1,255}$", cluster.kubeconfig_secret))
    ])
    error_message = "clusters: kubeconfig_secret must be the ID of a secret, 1 to 255 letters, digits, hyphens and underscores, without projects/PROJECT/secrets/."
  }
  validation {
    condition = alltrue([for cluster in var.clusters : cluster.kubeconfig_secret == null ? true :
      !contains(["${var.name}-webhook-secret", "${var.name}-github-token", "${var.name}-github-app-key"], cluster.kubeconfig_secret)
    ])
    error_message = "clusters: kubeconfig_secret must be a secret of its own, and not the webhook's or GitHub's, which the module makes as well."
  }
  validation {
    condition = (length(distinct([for one in var.clusters : one.kubeconfig_secret if one.kubeconfig_secret != null]))
    == length([for one in var.clusters : one if one.kubeconfig_secret != null]))
    error_message = "clusters: two have the same kubeconfig_secret, and so are one cluster; make it one, and give it aliases."
  }
  validation {
    condition     = length(distinct([for one in var.clusters : one.gke.cluster if one.gke != null])) == length([for one in var.clusters : one if one.gke != null])
    error_message = "clusters: two have the same gke.cluster, and so are one cluster; make it one, and give it aliases."
  }
  validation {
    condition     = alltrue(flatten([for cluster in var.clusters : [for alias in cluster.aliases : trimspace(alias) == alias && alias != ""]]))
    error_message = "clusters: an alias must not be empty, nor begin or end with a space."
  }
  validation {
    condition = (length(distinct(concat(keys(var.clusters), flatten([for cluster in var.clusters : cluster.aliases]))))
    == length(concat(keys(var.clusters), flatten([for cluster in var.clusters : cluster.aliases]))))
    error_message = "clusters: a name or alias stands there twice; a destination must mean one cluster, so each name and alias must be unique among all clusters."
  }
}

variable "queue" {
  description = "How jobs travel. pubsub: the public function only publishes, private ones have the credentials. inline: the public function runs the jobs itself, with all credentials behind it; for a single cluster and very small set-ups."
  type        = string
  default     = "pubsub"
  nullable    = false

  validation {
    condition     = contains(["pubsub", "inline"], var.queue)
    error_message = "queue must be \"pubsub\" or \"inline\"."
  }
  validation {
    condition     = var.queue != "inline" || length(var.clusters) == 1
    error_message = "queue = \"inline\" allows one cluster only: a slow one would hold up the others' jobs. Use \"pubsub\", which has a subscription for each cluster."
  }
}

variable "github" {
  description = "How GitHub is asked: with a token, or, with app_id (App ID or client ID), as a GitHub App. The secret for the token or the App's private key is made without a value. api_url is https://HOST/api/v3 for GitHub Enterprise Server."
  type = object({
    api_url = optional(string, "https://api.github.com")
    app_id  = optional(string)
  })
  default  = {}
  nullable = false

  validation {
    condition = (can(regex("^https://[A-Za-z0-9.-]+(:[0-9]{1,5})?(/[A-Za-z0-9._/-]*)?$", var.github.api_url))
    && !can(regex("^https://(www\\.)?github\\.com\\b", var.github.api_url)))
    error_message = "github.api_url must be the root of GitHub's API: https://api.github.com, https://api.NAME.ghe.com, or https://HOST/api/v3 of GitHub Enterprise Server; without a user, a password or a question mark."
  }
  validation {
    condition     = var.github.app_id == null ? true : can(regex("^([0-9]{1,18}|Iv[A-Za-z0-9.]{8,60})$", var.github.app_id))
    error_message = "github.app_id must be the App ID, such as \"123456\", or the client ID, such as \"Iv23li…\", of the App's settings; leave it out to use a token."
  }
}

locals {
  # The five fields of cron: each a list of *, values and ranges, with or without a /STEP.
  cron = "(?i)^${join(" ", [
    for value in [
      "[0-5]?[0-9]",
      "[01]?[0-9]|2[0-3]",
      "0?[1-9]|[12][0-9]|3[01]",
      "0?[1-9]|1[0-2]|JAN|FEB|MAR|APR|MAY|JUN|JUL|AUG|SEP|OCT|NOV|DEC",
      "[0-7]|SUN|MON|TUE|WED|THU|FRI|SAT",
    ] : replace("ONE(,ONE)*", "ONE", "(\\*|(${value})(-(${value}))?)(/[1-9][0-9]?)?")
  ])}$"
}

variable "schedule" {
  description = "When reconcile looks at every application, as a cron expression in UTC: heals drift, makes up for lost deliveries, ends rollouts. null: never, and there is no such function."
  type        = string
  default     = "* * * * *"

  validation {
    condition     = var.schedule == null ? true : can(regex(local.cron, var.schedule))
    error_message = "schedule must be five fields of cron with a space between them (minute, hour, day of the month, month, day of the week), each within its range, such as \"*/5 * * * *\", or null."
  }
}

variable "deploy_functions" {
  description = "false makes everything but the functions, what calls them, and the alerts. For the first apply: a function starts only once its secret has a value."
  type        = bool
  default     = true
  nullable    = false
}

variable "network" {
  description = "VPC that the functions that talk to clusters send through (direct VPC egress), such as to an IP endpoint of a private cluster. Names or links of a network and a subnetwork in the region."
  type = object({
    network    = string
    subnetwork = string
    tags       = optional(list(string), [])
    egress     = optional(string, "VPC_EGRESS_PRIVATE_RANGES_ONLY")
  })
  default = null

  validation {
    condition     = var.network == null ? true : contains(["VPC_EGRESS_PRIVATE_RANGES_ONLY", "VPC_EGRESS_ALL_TRAFFIC"], var.network.egress)
    error_message = "network.egress must be \"VPC_EGRESS_PRIVATE_RANGES_ONLY\" or \"VPC_EGRESS_ALL_TRAFFIC\" (then GitHub is reached through a Cloud NAT of yours)."
  }
  validation {
    condition     = var.network == null ? true : can(regex("^((https://[a-z.]+/compute/v1/)?projects/[a-z0-9.:-]+/global/networks/)?[a-z]([a-z0-9-]{0,61}[a-z0-9])?$", var.network.network))
    error_message = "network.network must be the name of a network, or its link: projects/PROJECT/global/networks/NAME."
  }
  validation {
    condition     = var.network == null ? true : can(regex("^((https://[a-z.]+/compute/v1/)?projects/[a-z0-9.:-]+/regions/${var.region}/subnetworks/)?[a-z]([a-z0-9-]{0,61}[a-z0-9])?$", var.network.subnetwork))
    error_message = "network.subnetwork must be the name of a subnetwork in the functions' region, or its link: projects/PROJECT/regions/${var.region}/subnetworks/NAME."
  }
  validation {
    condition     = var.network == null ? true : alltrue([for tag in var.network.tags : can(regex("^[a-z]([a-z0-9-]{0,61}[a-z0-9])?$", tag))])
    error_message = "network.tags must be network tags: 1 to 63 lower-case letters, digits and hyphens, beginning with a letter."
  }
}

variable "max_instances" {
  description = "Instances of webhook and sync at most; sync runs eight jobs in each. reconcile has one, as has webhook of the inline queue."
  type = object({
    webhook = optional(number, 10)
    sync    = optional(number, 10)
  })
  default  = {}
  nullable = false

  validation {
    condition     = alltrue([for count in values(var.max_instances) : count >= 1 && count <= 1000 && floor(count) == count])
    error_message = "max_instances must be whole numbers from 1 to 1000."
  }
}

variable "runtime" {
  description = "Python of the functions."
  type        = string
  default     = "python313"
  nullable    = false

  validation {
    condition     = contains(["python311", "python312", "python313"], var.runtime)
    error_message = "runtime must be \"python311\", \"python312\" or \"python313\"."
  }
}

variable "notification_channels" {
  description = "Who is told of alerts: channels of Cloud Monitoring. Without any, alerts are only shown there."
  type        = list(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for channel in var.notification_channels : can(regex("^projects/[^/]+/notificationChannels/[0-9]+$", channel))])
    error_message = "notification_channels must each be projects/PROJECT/notificationChannels/NUMBER, as `gcloud beta monitoring channels list` and google_monitoring_notification_channel.….name have it."
  }
}

variable "labels" {
  description = "Labels of everything that can have some."
  type        = map(string)
  default     = {}
  nullable    = false

  validation {
    condition = length(var.labels) <= 60 && alltrue([
      for key, value in var.labels : can(regex("^[a-z][a-z0-9_-]{0,62}$", key)) && can(regex("^[a-z0-9_-]{0,63}$", value))
    ])
    error_message = "labels must be at most 60, of lower-case letters, digits, hyphens and underscores, with at most 63 characters; a key begins with a letter."
  }
}

variable "settings" {
  description = "Further settings of the functions that run jobs, such as DEPLOYER_MAX_FILES."
  type        = map(string)
  default     = {}
  nullable    = false

  # Anything else the module sets itself, or it is a secret, or an emulator's, or not known: then no function would start.
  validation {
    condition = length(setsubtract(keys(var.settings), [
      "DEPLOYER_GITHUB_SHARE", "DEPLOYER_MAX_BYTES", "DEPLOYER_MAX_DEPTH", "DEPLOYER_MAX_DOCUMENTS", "DEPLOYER_MAX_FILES",
      "DEPLOYER_MAX_NODES", "DEPLOYER_MAX_OBJECTS",
    ])) == 0
    error_message = "settings may be DEPLOYER_GITHUB_SHARE, DEPLOYER_MAX_BYTES, DEPLOYER_MAX_DEPTH, DEPLOYER_MAX_DOCUMENTS, DEPLOYER_MAX_FILES, DEPLOYER_MAX_NODES and DEPLOYER_MAX_OBJECTS; the module sets the others itself, and secrets belong into Secret Manager."
  }
  validation {
    condition     = alltrue([for value in values(var.settings) : can(regex("^[1-9][0-9]{0,8}$", value))])
    error_message = "settings must be whole numbers from 1 on."
  }
  validation {
    condition     = try(tonumber(var.settings["DEPLOYER_MAX_DEPTH"]), 0) <= 150
    error_message = "settings: DEPLOYER_MAX_DEPTH must be 150 at most: Python's own stack ends soon after."
  }
}
