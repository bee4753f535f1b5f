terraform {
  required_version = ">= 1.9"

  required_providers {
    # 7.31 is the first that connects functions to a VPC without a connector.
    google = {
      source  = "hashicorp/google"
      version = ">= 7.31, < 9"
    }
    archive = {
      source  = "hashicorp/archive"
      version = ">= 2.7, < 3"
    }
    time = {
      source  = "hashicorp/time"
      version = ">= 0.13, < 1"
    }
  }
}
