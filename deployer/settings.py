"""The settings: environment variables that start with `DEPLOYER_`."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple
from urllib.parse import SplitResult, urlsplit

from deployer.errors import ConfigurationError
from deployer.fields import nearest
from deployer.limits import DEEPEST, DEFAULT_LIMITS, Limits
from deployer.secret_name import FILE, MANAGED, problem_of

PREFIX = "DEPLOYER_"
# What `python -m local env` prints for people and scripts; no setting of the deployer.
LOCAL_PREFIX = "DEPLOYER_LOCAL_"
MIN_SECRET = 16  # bytes

_MAKE_ONE = "make one with `openssl rand -hex 32`, and give the webhook on GitHub the same"
# https://cloud.google.com/pubsub/docs/pubsub-basics#resource_names
_TOPIC = re.compile(r"projects/[a-z0-9.:-]{1,64}/topics/[A-Za-z][A-Za-z0-9_.~+%-]{2,254}")
# A number, or a client ID such as Iv1.8a61f9b3a7aba766
# (https://docs.github.com/apps/creating-github-apps/authenticating-with-a-github-app/generating-a-json-web-token-jwt-for-a-github-app).
_APP_ID = re.compile(r"[0-9]{1,18}|Iv[A-Za-z0-9.]{8,60}")
_LOOPBACK = ("127.0.0.1", "::1", "localhost")


class Setting(NamedTuple):
    """One setting, as the documentation lists it."""

    name: str
    default: str
    meaning: str


SETTINGS = (
    Setting("DEPLOYER_CONFIG", "", "file or folder with the Application and Cluster documents"),
    Setting(
        "DEPLOYER_WEBHOOK_SECRET", "", "the secret that GitHub signs deliveries with, at least 16 bytes; or its place"
    ),
    Setting(
        "DEPLOYER_WEBHOOK_SECRET_PREVIOUS", "", "the one before it, good as well while one is exchanged; or its place"
    ),
    Setting("DEPLOYER_GITHUB_TOKEN", "", "token that reads the repositories and writes commit statuses; or its place"),
    Setting("DEPLOYER_GITHUB_APP_ID", "", "instead of a token: the ID, or the client ID, of a GitHub App"),
    Setting("DEPLOYER_GITHUB_APP_KEY", "", "the place of its private key, which is never the setting itself"),
    Setting("DEPLOYER_GITHUB_API_URL", "https://api.github.com", "root of GitHub's REST API"),
    Setting(
        "DEPLOYER_GITHUB_SHARE", "100", "percent of GitHub's 80 statuses a minute and 500 an hour that one process sets"
    ),
    Setting("DEPLOYER_QUEUE", "inline", "how jobs travel: inline runs them within the request, pubsub through Pub/Sub"),
    Setting("DEPLOYER_PUBSUB_TOPIC", "", "projects/PROJECT/topics/TOPIC that events and jobs travel through"),
    Setting("DEPLOYER_PUBSUB_ENDPOINT", "", "HOST:PORT of a Pub/Sub emulator on this machine"),
    Setting("DEPLOYER_PUSH_AUDIENCE", "", "audience of the tokens that Pub/Sub shows to sync, where sync checks them"),
    Setting("DEPLOYER_PUSH_ACCOUNT", "", "e-mail of the service account whose tokens these are"),
    Setting("DEPLOYER_REQUEST_TIMEOUT", "540", "seconds that a request to sync or reconcile may take"),
    Setting("DEPLOYER_SECRET_MANAGER_ENDPOINT", "", "HOST:PORT of a Secret Manager emulator on this machine"),
    Setting("DEPLOYER_CACHE_FOLDER", "", "folder of this disk that keeps fetched files from one process to the next"),
    Setting("DEPLOYER_MAX_BYTES", str(DEFAULT_LIMITS.total_bytes), "of an application's manifest files together"),
    Setting("DEPLOYER_MAX_FILES", str(DEFAULT_LIMITS.files), "manifest files of an application"),
    Setting("DEPLOYER_MAX_DOCUMENTS", str(DEFAULT_LIMITS.documents), "YAML documents in these files"),
    Setting("DEPLOYER_MAX_OBJECTS", str(DEFAULT_LIMITS.objects), "objects in these documents"),
    Setting(
        "DEPLOYER_MAX_NODES",
        str(DEFAULT_LIMITS.nodes),
        "keys and values, those of an alias every time",
    ),
    Setting(
        "DEPLOYER_MAX_DEPTH", str(DEFAULT_LIMITS.depth), f"lists and mappings inside each other, at most {DEEPEST}"
    ),
)


@dataclass(frozen=True)
class Settings:
    """The settings, each checked. What is not set is empty; `require_…` is for the code that cannot do without it.

    A secret stands there itself, or as the place that `deployer.secrets` reads it from: `file:/PATH`, or its name in
    Secret Manager.
    """

    config: Path | None = None
    webhook_secret: str = field(default="", repr=False)
    webhook_secret_previous: str = field(default="", repr=False)
    github_token: str = field(default="", repr=False)
    github_app_id: str = ""
    github_app_key: str = ""
    github_api_url: str = "https://api.github.com"
    queue: str = "inline"
    pubsub_topic: str = ""
    pubsub_endpoint: str = ""
    push_audience: str = ""
    push_account: str = ""
    request_timeout: int = 540
    github_share: int = 100
    secret_manager_endpoint: str = ""
    cache_folder: Path | None = None
    limits: Limits = DEFAULT_LIMITS

    def require_config(self) -> Path:
        """Return the configuration's file or folder; raises ConfigurationError where it is not set."""
        if self.config is None:
            raise ConfigurationError("DEPLOYER_CONFIG is not set; set it to the file or folder of the configuration")
        return self.config

    def require_webhook_secrets(self) -> dict[str, str]:
        """Return the webhook's secrets, or their places, by setting; raises ConfigurationError where there is none."""
        if not self.webhook_secret:
            raise ConfigurationError(f"DEPLOYER_WEBHOOK_SECRET is not set; {_MAKE_ONE}")
        both = {
            "DEPLOYER_WEBHOOK_SECRET": self.webhook_secret,
            "DEPLOYER_WEBHOOK_SECRET_PREVIOUS": self.webhook_secret_previous,
        }
        return {name: value for name, value in both.items() if value}

    def require_github(self) -> None:
        """Raise ConfigurationError where there is nothing to ask GitHub with: neither a token nor an App."""
        if not self.github_token and not self.github_app_id:
            raise ConfigurationError(
                "DEPLOYER_GITHUB_TOKEN is not set; set it to a token that may read contents and write commit statuses, "
                "or set DEPLOYER_GITHUB_APP_ID and DEPLOYER_GITHUB_APP_KEY for a GitHub App"
            )


def load_settings(environ: Mapping[str, str]) -> Settings:
    """Read the settings of an environment, such as `os.environ`. An empty variable counts as not set.

    Raises ConfigurationError for an unknown variable that starts with `DEPLOYER_`, and for a value that is not allowed.
    The message never repeats a secret.
    """
    known = [setting.name for setting in SETTINGS]
    for name in environ:
        if name.startswith(PREFIX) and not name.startswith(LOCAL_PREFIX) and name not in known:
            raise ConfigurationError(f"{name} is no setting{nearest(name, known)}; there is: {', '.join(known)}")
    values = {setting.name: environ.get(setting.name) or setting.default for setting in SETTINGS}
    config = values["DEPLOYER_CONFIG"]
    return Settings(
        config=Path(config) if config else None,
        webhook_secret=_secret("DEPLOYER_WEBHOOK_SECRET", values),
        webhook_secret_previous=_secret("DEPLOYER_WEBHOOK_SECRET_PREVIOUS", values),
        github_token=_secret("DEPLOYER_GITHUB_TOKEN", values),
        github_app_id=_app_id(values),
        github_app_key=_app_key(values["DEPLOYER_GITHUB_APP_KEY"]),
        github_api_url=_api_url(values["DEPLOYER_GITHUB_API_URL"]),
        queue=_queue(values["DEPLOYER_QUEUE"]),
        pubsub_topic=_topic(values),
        pubsub_endpoint=_emulator("DEPLOYER_PUBSUB_ENDPOINT", values),
        push_audience=values["DEPLOYER_PUSH_AUDIENCE"],
        push_account=_push_account(values),
        request_timeout=_count("DEPLOYER_REQUEST_TIMEOUT", values, most=3600),
        github_share=_count("DEPLOYER_GITHUB_SHARE", values),
        secret_manager_endpoint=_emulator("DEPLOYER_SECRET_MANAGER_ENDPOINT", values),
        cache_folder=_cache_folder(values["DEPLOYER_CACHE_FOLDER"]),
        limits=Limits(
            total_bytes=_count("DEPLOYER_MAX_BYTES", values),
            files=_count("DEPLOYER_MAX_FILES", values),
            documents=_count("DEPLOYER_MAX_DOCUMENTS", values),
            objects=_count("DEPLOYER_MAX_OBJECTS", values),
            nodes=_count("DEPLOYER_MAX_NODES", values),
            depth=_count("DEPLOYER_MAX_DEPTH", values, most=DEEPEST),
        ),
    )


def is_protected(address: SplitResult) -> bool:
    """Tell whether what is sent to an address is encrypted, or stays on this machine."""
    return address.scheme == "https" or (address.scheme == "http" and address.hostname in _LOOPBACK)


def check_webhook_secret(name: str, secret: str) -> bytes:
    """Return a webhook's secret as bytes; raises ConfigurationError, naming the setting, where it is too short."""
    data = secret.encode()
    if len(data) < MIN_SECRET:
        raise ConfigurationError(f"{name} has {len(data)} bytes, fewer than {MIN_SECRET}; {_MAKE_ONE}")
    return data


def _secret(name: str, values: Mapping[str, str]) -> str:
    value = values[name]
    # GitHub would sign with another secret than one that ends in a newline.
    if value != value.strip():
        raise ConfigurationError(f"{name} begins or ends with white space, most likely a newline; remove it")
    if not value.isprintable():
        raise ConfigurationError(f"{name} holds characters that are not printable; make a new one")
    if value.startswith((FILE, MANAGED)) and (problem := problem_of(value)):
        raise ConfigurationError(f"{name} {problem}")
    return value


def _app_id(values: Mapping[str, str]) -> str:
    app_id, key = values["DEPLOYER_GITHUB_APP_ID"], values["DEPLOYER_GITHUB_APP_KEY"]
    if bool(app_id) != bool(key):
        raise ConfigurationError(
            "DEPLOYER_GITHUB_APP_ID and DEPLOYER_GITHUB_APP_KEY belong together; set both, or DEPLOYER_GITHUB_TOKEN "
            "instead of them"
        )
    if app_id and values["DEPLOYER_GITHUB_TOKEN"]:
        raise ConfigurationError(
            "DEPLOYER_GITHUB_TOKEN and DEPLOYER_GITHUB_APP_ID are both set, and only one of them can be used; unset "
            "the token to be the GitHub App, or the two settings of the App"
        )
    if app_id and not _APP_ID.fullmatch(app_id):
        raise ConfigurationError(
            "DEPLOYER_GITHUB_APP_ID is no App's; allowed: the App ID, such as 123456, or the Client ID, such as "
            "Iv23li…, of the App's settings"
        )
    return app_id


def _app_key(place: str) -> str:
    if place and not place.startswith((FILE, MANAGED)):
        # What was pasted may be the key itself: it is not repeated.
        raise ConfigurationError(
            "DEPLOYER_GITHUB_APP_KEY must be the place of the private key, and never the key, which does not belong "
            "into an environment: gcloud secrets create deployer-github-app --data-file=KEY.pem, and set it to "
            "projects/PROJECT/secrets/deployer-github-app, or to file:/PATH of a mounted file"
        )
    if place and (problem := problem_of(place)):
        raise ConfigurationError(f"DEPLOYER_GITHUB_APP_KEY {problem}")
    return place


def _api_url(text: str) -> str:
    allowed = "allowed: https://HOST, https://HOST/api/v3, or http://127.0.0.1:PORT on this machine"
    try:
        parts = urlsplit(text)
        host, _ = parts.hostname, parts.port
    except ValueError:
        raise ConfigurationError(f"DEPLOYER_GITHUB_API_URL is no web address; {allowed}") from None
    if parts.username is not None or parts.query or parts.fragment or not host:
        raise ConfigurationError(f"DEPLOYER_GITHUB_API_URL must be a plain web address; {allowed}")
    if host in ("github.com", "www.github.com"):
        raise ConfigurationError(
            "DEPLOYER_GITHUB_API_URL is GitHub's page, not its API; allowed: https://api.github.com"
        )
    # The token travels with every request.
    if not is_protected(parts):
        raise ConfigurationError(f"DEPLOYER_GITHUB_API_URL would send the token unprotected; {allowed}")
    return text.rstrip("/")


def _queue(text: str) -> str:
    if text not in ("inline", "pubsub"):
        raise ConfigurationError(f"DEPLOYER_QUEUE: {text!r} is no queue; allowed: inline, pubsub")
    return text


def _topic(values: Mapping[str, str]) -> str:
    topic = values["DEPLOYER_PUBSUB_TOPIC"]
    if topic and not _TOPIC.fullmatch(topic):
        raise ConfigurationError(
            f"DEPLOYER_PUBSUB_TOPIC: {topic!r} is no topic; allowed: projects/PROJECT/topics/TOPIC"
        )
    if not topic and values["DEPLOYER_QUEUE"] == "pubsub":
        raise ConfigurationError(
            "DEPLOYER_PUBSUB_TOPIC is not set; the pubsub queue needs projects/PROJECT/topics/TOPIC"
        )
    return topic


def _push_account(values: Mapping[str, str]) -> str:
    # A token that is checked for one of them only is anybody's: each Google account can get one for any audience.
    if bool(values["DEPLOYER_PUSH_AUDIENCE"]) != bool(values["DEPLOYER_PUSH_ACCOUNT"]):
        raise ConfigurationError(
            "DEPLOYER_PUSH_AUDIENCE and DEPLOYER_PUSH_ACCOUNT belong together; set both, or neither where the platform "
            "lets only Pub/Sub call sync"
        )
    return values["DEPLOYER_PUSH_ACCOUNT"]


def _emulator(name: str, values: Mapping[str, str]) -> str:
    # It is spoken to without TLS, and what it says is trusted like the service itself.
    text = values[name]
    if text and not re.fullmatch(r"(127\.0\.0\.1|localhost|\[::1\]):[0-9]{1,5}", text):
        raise ConfigurationError(f"{name} must be an emulator on this machine; allowed: 127.0.0.1:PORT")
    return text


def _cache_folder(text: str) -> Path | None:
    if text and not Path(text).is_absolute():
        raise ConfigurationError("DEPLOYER_CACHE_FOLDER must not depend on where a process runs; allowed: /PATH")
    return Path(text) if text else None


def _count(name: str, values: Mapping[str, str], most: int = 1_000_000_000) -> int:
    text = values[name]
    number = int(text) if re.fullmatch("[0-9]{1,10}", text) else 0
    if not 0 < number <= most:
        raise ConfigurationError(f"{name}: {text[:20]!r} is no limit; allowed: a number from 1 to {most}")
    return number
