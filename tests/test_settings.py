from pathlib import Path

import pytest

from deployer.errors import ConfigurationError
from deployer.limits import Limits
from deployer.settings import SETTINGS, Settings, check_webhook_secret, load_settings

SECRET = "It's a Secret to Everybody"
TOPIC = "projects/acme/topics/deployer"


def test_nothing_set() -> None:
    assert load_settings({}) == Settings()
    assert load_settings({}).queue == "inline"


def test_all_set() -> None:
    made = load_settings(
        {
            "DEPLOYER_CONFIG": "/etc/deployer",
            "DEPLOYER_WEBHOOK_SECRET": SECRET,
            "DEPLOYER_WEBHOOK_SECRET_PREVIOUS": "file:/secrets/old",
            "DEPLOYER_GITHUB_TOKEN": "ghp_x",
            "DEPLOYER_GITHUB_API_URL": "https://github.example.com/api/v3/",
            "DEPLOYER_QUEUE": "pubsub",
            "DEPLOYER_PUBSUB_TOPIC": TOPIC,
            "DEPLOYER_PUBSUB_ENDPOINT": "127.0.0.1:8086",
            "DEPLOYER_PUSH_AUDIENCE": "https://sync.example.com",
            "DEPLOYER_PUSH_ACCOUNT": "push@acme.iam.gserviceaccount.com",
            "DEPLOYER_REQUEST_TIMEOUT": "60",
            "DEPLOYER_SECRET_MANAGER_ENDPOINT": "127.0.0.1:8085",
            "DEPLOYER_LOCAL_GITHUB_TOKEN": "not a setting",
            "HOME": "/root",
        }
    )
    old = "file:/secrets/old"
    assert made == Settings(
        config=Path("/etc/deployer"),
        webhook_secret=SECRET,
        webhook_secret_previous=old,
        github_token="ghp_x",
        github_api_url="https://github.example.com/api/v3",
        queue="pubsub",
        pubsub_topic=TOPIC,
        pubsub_endpoint="127.0.0.1:8086",
        push_audience="https://sync.example.com",
        push_account="push@acme.iam.gserviceaccount.com",
        request_timeout=60,
        secret_manager_endpoint="127.0.0.1:8085",
    )
    assert made.require_config() == Path("/etc/deployer")
    both = {"DEPLOYER_WEBHOOK_SECRET": SECRET, "DEPLOYER_WEBHOOK_SECRET_PREVIOUS": old}
    assert made.require_webhook_secrets() == both
    made.require_github()


def test_empty_is_not_set() -> None:
    assert load_settings({setting.name: "" for setting in SETTINGS}) == Settings()


def test_every_default_is_the_documented_one() -> None:
    documented = {setting.name: setting.default for setting in SETTINGS if setting.default}
    assert load_settings(documented) == Settings()


def test_a_process_may_have_a_share_of_what_github_takes() -> None:
    assert load_settings({"DEPLOYER_GITHUB_SHARE": "12"}).github_share == 12
    with pytest.raises(ConfigurationError, match="DEPLOYER_GITHUB_SHARE: '0' is no limit; allowed: a number from 1"):
        load_settings({"DEPLOYER_GITHUB_SHARE": "0"})


@pytest.mark.parametrize("app_id", ["123456", "Iv1.8a61f9b3a7aba766", "Iv23liabcdefghijklmn"])
@pytest.mark.parametrize(
    "key", ["projects/acme/secrets/app", "projects/acme/secrets/app/versions/3", "file:/run/app.pem"]
)
def test_a_github_app_instead_of_a_token(app_id: str, key: str) -> None:
    made = load_settings({"DEPLOYER_GITHUB_APP_ID": app_id, "DEPLOYER_GITHUB_APP_KEY": key})
    assert (made.github_app_id, made.github_app_key) == (app_id, key)
    made.require_github()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"ID": "1"}, "^DEPLOYER_GITHUB_APP_ID and DEPLOYER_GITHUB_APP_KEY belong together; set both, or DEPLOYER_G"),
        ({"KEY": "file:/k"}, "^DEPLOYER_GITHUB_APP_ID and DEPLOYER_GITHUB_APP_KEY belong together"),
        ({"ID": "deployer", "KEY": "file:/k"}, "^DEPLOYER_GITHUB_APP_ID is no App's; allowed: the App ID, such as"),
        ({"ID": "1\n", "KEY": "file:/k"}, "^DEPLOYER_GITHUB_APP_ID is no App's"),
        ({"ID": "1", "KEY": "file:k"}, "^DEPLOYER_GITHUB_APP_KEY is not the absolute path of a mounted secret"),
        ({"ID": "1", "KEY": "projects/p/secrets/"}, "^DEPLOYER_GITHUB_APP_KEY is not the name of a secret"),
        (
            {"ID": "1", "KEY": "-----BEGIN RSA PRIVATE KEY-----\nhunter2\n-----END RSA PRIVATE KEY-----\n"},
            "^DEPLOYER_GITHUB_APP_KEY must be the place of the private key, and never .* gcloud secrets create",
        ),
        ({"ID": "1", "KEY": "hunter2"}, "^DEPLOYER_GITHUB_APP_KEY must be the place of the private key"),
    ],
)
def test_half_an_app_or_none_is_refused(settings: dict[str, str], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message) as caught:
        load_settings({f"DEPLOYER_GITHUB_APP_{name}": value for name, value in settings.items()})
    assert "hunter2" not in str(caught.value)


def test_a_token_and_an_app_are_one_too_many() -> None:
    both = {"DEPLOYER_GITHUB_APP_ID": "1", "DEPLOYER_GITHUB_APP_KEY": "file:/k", "DEPLOYER_GITHUB_TOKEN": "ghp_hunter2"}
    with pytest.raises(ConfigurationError, match="are both set, and only one of them can be used; unset") as caught:
        load_settings(both)
    assert "hunter2" not in str(caught.value)


def test_the_folder_that_keeps_files_is_the_same_wherever_a_process_runs() -> None:
    assert load_settings({"DEPLOYER_CACHE_FOLDER": "/var/cache/deployer"}).cache_folder == Path("/var/cache/deployer")
    with pytest.raises(ConfigurationError, match=r"^DEPLOYER_CACHE_FOLDER must not depend on where .* allowed: /PATH"):
        load_settings({"DEPLOYER_CACHE_FOLDER": "cache"})


def test_secrets_never_show() -> None:
    shown = repr(load_settings({"DEPLOYER_WEBHOOK_SECRET": SECRET, "DEPLOYER_GITHUB_TOKEN": "ghp_x"}))
    assert "Secret" not in shown
    assert "ghp_x" not in shown


@pytest.mark.parametrize(
    ("name", "message"),
    [
        (
            "DEPLOYER_WEBHOOK_SECRETS",
            r"is no setting; did you mean DEPLOYER_WEBHOOK_SECRET\?; there is: DEPLOYER_CONFIG, ",
        ),
        ("DEPLOYER_CONFG", r"is no setting; did you mean DEPLOYER_CONFIG\?"),
        ("DEPLOYER_", r"is no setting"),
    ],
)
def test_an_unknown_name_is_refused(name: str, message: str) -> None:
    with pytest.raises(ConfigurationError, match=f"^{name} {message}") as caught:
        load_settings({name: "hunter2"})
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    "name", ["DEPLOYER_WEBHOOK_SECRET", "DEPLOYER_WEBHOOK_SECRET_PREVIOUS", "DEPLOYER_GITHUB_TOKEN"]
)
@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("hunter2hunter2hunter2\n", "white space"),
        (" hunter2hunter2hunter2", "white space"),
        ("hunter2\nhunter2hunter2", "not printable"),
        ("hunter2hunter2hunter2\udcff", "not printable"),
        ("file:hunter2", "is not the absolute path of a mounted secret"),
        ("projects/p/secrets/hunter2/", "is not the name of a secret"),
        ("projects/p/locations/secrets/hunter2", "is not the name of a secret"),
    ],
)
def test_a_secret_that_is_hardly_meant_is_refused(name: str, value: str, message: str) -> None:
    with pytest.raises(ConfigurationError, match=f"^{name} .*{message}") as caught:
        load_settings({name: value})
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "kept"),
    [
        ("https://api.github.com/", "https://api.github.com"),
        ("http://127.0.0.1:4321", "http://127.0.0.1:4321"),
        ("http://localhost:4321/api/v3", "http://localhost:4321/api/v3"),
        ("http://[::1]:4321", "http://[::1]:4321"),
    ],
)
def test_api_url(url: str, kept: str) -> None:
    assert load_settings({"DEPLOYER_GITHUB_API_URL": url}).github_api_url == kept


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("http://github.example.com", "would send the token unprotected"),
        ("http://127.0.0.1.example.com", "would send the token unprotected"),
        ("ftp://github.example.com", "would send the token unprotected"),
        ("api.github.com", "must be a plain web address"),
        ("https://", "must be a plain web address"),
        ("https://ada:hunter2@api.github.com", "must be a plain web address"),
        ("https://api.github.com?token=hunter2", "must be a plain web address"),
        ("https://api.github.com#hunter2", "must be a plain web address"),
        ("https://api.github.com:hunter2", "is no web address"),
        ("https://[hunter2", "is no web address"),
        ("https://GitHub.com", "is GitHub's page, not its API"),
    ],
)
def test_api_url_refused(url: str, message: str) -> None:
    with pytest.raises(ConfigurationError, match=f"^DEPLOYER_GITHUB_API_URL {message}; allowed: https://") as caught:
        load_settings({"DEPLOYER_GITHUB_API_URL": url})
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"DEPLOYER_QUEUE": "x"}, "DEPLOYER_QUEUE: 'x' is no queue; allowed: inline, pubsub"),
        (
            {"DEPLOYER_QUEUE": "pubsub"},
            "DEPLOYER_PUBSUB_TOPIC is not set; the pubsub queue needs projects/PROJECT/topics/TOPIC",
        ),
    ],
)
def test_queue_refused(settings: dict[str, str], message: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        load_settings(settings)
    assert str(caught.value) == message


@pytest.mark.parametrize("topic", [TOPIC, "projects/example.com:acme/topics/a-b_c.d~e+f%25", "projects/a/topics/abc"])
def test_topic(topic: str) -> None:
    assert load_settings({"DEPLOYER_PUBSUB_TOPIC": topic}).pubsub_topic == topic


@pytest.mark.parametrize(
    "topic",
    ["deployer", "projects/acme/topics/1st", "projects/acme/topics/ab", f"{TOPIC}/x", f"{TOPIC}\n", "projects/a/b"],
)
def test_topic_refused(topic: str) -> None:
    with pytest.raises(ConfigurationError, match=r"^DEPLOYER_PUBSUB_TOPIC: .* is no topic; allowed: projects/PROJECT/"):
        load_settings({"DEPLOYER_PUBSUB_TOPIC": topic})


@pytest.mark.parametrize("name", ["DEPLOYER_PUSH_AUDIENCE", "DEPLOYER_PUSH_ACCOUNT"])
def test_half_a_check_of_tokens_is_refused(name: str) -> None:
    with pytest.raises(
        ConfigurationError, match=r"^DEPLOYER_PUSH_AUDIENCE and DEPLOYER_PUSH_ACCOUNT belong together; set both"
    ):
        load_settings({name: "x"})


@pytest.mark.parametrize("value", ["0", "3601", "1.5", "1 min"])
def test_request_timeout_refused(value: str) -> None:
    with pytest.raises(ConfigurationError, match=r"^DEPLOYER_REQUEST_TIMEOUT: .* is no limit; .* from 1 to 3600$"):
        load_settings({"DEPLOYER_REQUEST_TIMEOUT": value})


def test_limits() -> None:
    names = ("BYTES", "FILES", "DOCUMENTS", "OBJECTS", "NODES", "DEPTH")
    made = load_settings({f"DEPLOYER_MAX_{name}": str(number) for number, name in enumerate(names, start=1)})
    assert made.limits == Limits(1, 2, 3, 4, 5, 6)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("BYTES", value) for value in ("0", "-1", "1.5", "1e3", "ten", "10 MB", "9" * 11, "\u0661")),
        *(("DEPTH", value) for value in ("0", "151")),
    ],
)
def test_limits_refused(name: str, value: str) -> None:
    most = 150 if name == "DEPTH" else 1_000_000_000
    with pytest.raises(ConfigurationError, match=rf"^DEPLOYER_MAX_{name}: '.+' is no limit; .* from 1 to {most}$"):
        load_settings({f"DEPLOYER_MAX_{name}": value})


EMULATORS = ["DEPLOYER_SECRET_MANAGER_ENDPOINT", "DEPLOYER_PUBSUB_ENDPOINT"]


@pytest.mark.parametrize("name", EMULATORS)
@pytest.mark.parametrize("endpoint", ["127.0.0.1:1", "localhost:8085", "[::1]:8085"])
def test_emulator(name: str, endpoint: str) -> None:
    made = load_settings({name: endpoint})
    assert getattr(made, name.removeprefix("DEPLOYER_").lower()) == endpoint


@pytest.mark.parametrize("name", EMULATORS)
@pytest.mark.parametrize(
    "endpoint",
    ["10.0.0.1:8085", "secretmanager.googleapis.com:443", "127.0.0.1", "http://127.0.0.1:1", "127.0.0.1:1\n"],
)
def test_emulator_elsewhere_is_refused(name: str, endpoint: str) -> None:
    with pytest.raises(ConfigurationError, match=f"^{name} must be an emulator on this machine"):
        load_settings({name: endpoint})


def test_what_is_required() -> None:
    with pytest.raises(ConfigurationError, match="DEPLOYER_CONFIG is not set"):
        Settings().require_config()
    with pytest.raises(ConfigurationError, match="DEPLOYER_GITHUB_TOKEN is not set"):
        Settings().require_github()
    with pytest.raises(
        ConfigurationError, match="DEPLOYER_WEBHOOK_SECRET is not set; make one with `openssl rand -hex 32`"
    ):
        Settings(webhook_secret_previous=SECRET).require_webhook_secrets()


def test_a_short_secret_is_refused() -> None:
    with pytest.raises(ConfigurationError, match=r"^X has 15 bytes, fewer than 16; make one with `openssl") as caught:
        check_webhook_secret("X", "hunter2hunter2x")
    assert "hunter2" not in str(caught.value)
    assert len(check_webhook_secret("X", "é" * 8)) == 16
