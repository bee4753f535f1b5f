#!/usr/bin/env bash
# Asks for a commit to be deployed, by a GitHub Deployment, and waits for what becomes of it.
#
#   deploy.sh APPLICATION [COMMIT]
#
# APPLICATION is its name in the deployer's configuration; COMMIT a whole SHA, by default $GITHUB_SHA.
# Needs bash, curl 7.76 or newer, jq, and in the environment
#   GITHUB_TOKEN       may write deployments of the repository, and needs nothing else
#   GITHUB_REPOSITORY  OWNER/NAME (GitHub Actions sets it)
#   GITHUB_API_URL     https://api.github.com unless it says something else (GitHub Actions sets it)
#   DEPLOY_TIMEOUT     seconds to wait, 900 by default
#
# Exit status: 0 deployed, or overtaken by a newer commit; 1 not deployed; 2 could not be asked for; 3 not over in time.
set -euo pipefail

die() {
  echo "deploy: $1" >&2
  exit "${2:-2}"
}

application=${1:-} commit=${2:-${GITHUB_SHA:-}} token=${GITHUB_TOKEN:-} repository=${GITHUB_REPOSITORY:-}
[[ $application ]] || die "usage: deploy.sh APPLICATION [COMMIT]"
[[ $token && $repository ]] || die "set GITHUB_TOKEN and GITHUB_REPOSITORY"
[[ $commit =~ ^[0-9a-f]{40}$ ]] || die "no commit: name its whole SHA, or set GITHUB_SHA"
api=${GITHUB_API_URL:-https://api.github.com}/repos/$repository/deployments
timeout=${DEPLOY_TIMEOUT:-900}
pause=${DEPLOY_PAUSE:-5} # seconds between looks; GitHub Actions' own token has 1,000 requests an hour and repository

# The token is no argument of a command, which others on the machine could read.
github() {
  curl --silent --show-error --fail-with-body --max-time 30 --header "Accept: application/vnd.github+json" \
    --header "X-GitHub-Api-Version: 2022-11-28" --header @<(printf 'Authorization: Bearer %s' "$token") "$@"
}

# GitHub's defaults would merge the default branch into the commit's, and refuse while any check of it is not green: what
# must be green says deployer/require-checks.
wish=$(jq --null-input --arg ref "$commit" --arg environment "$application" \
  '{ref: $ref, environment: $environment, auto_merge: false, required_contexts: []}')
answer=$(github --request POST --data "$wish" "$api") || die "GitHub took no Deployment: $answer"
number=$(jq --exit-status .id <<<"$answer") || die "GitHub answered with something that is no Deployment: $answer"
echo "deploy: Deployment $number asks for $application at ${commit:0:7}"

# State and description on one line. A success counts also where a newer one has made it inactive since.
said='(map(select(.state == "success"))[0] // .[0] // {}) | "\(.state // "") \(.description // "")" | gsub("[[:cntrl:]]"; " ")'

last=""
while ((SECONDS < timeout)); do
  # What cannot be read now can be later.
  if statuses=$(github "$api/$number/statuses?per_page=30") && newest=$(jq --raw-output "$said" <<<"$statuses"); then
    [[ $newest == "$last" || $newest == " " ]] || echo "deploy: ${newest/ /: }"
    last=$newest
    case ${newest%% *} in
      success | inactive) exit 0 ;;
      failure | error) exit 1 ;;
    esac
  fi
  sleep "$pause"
done
[[ $last =~ [a-z] ]] || die "nobody has taken up Deployment $number within $timeout s: does the deployer's webhook send \
deployment events, and is there an application $application of $repository?" 3
die "Deployment $number is not over after $timeout s: $last" 3
