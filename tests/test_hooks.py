import pytest

from deployer.errors import RenderError
from deployer.hooks import Hook, parse_hook, parse_wave
from deployer.manifest import Manifest

HOOK = "argocd.argoproj.io/hook"
POLICY = "argocd.argoproj.io/hook-delete-policy"
WAVE = "argocd.argoproj.io/sync-wave"
HELM, HELM_POLICY, WEIGHT = "helm.sh/hook", "helm.sh/hook-delete-policy", "helm.sh/hook-weight"


def job(annotations: dict[str, str] | None) -> Manifest:
    metadata = {"name": "migrate", "annotations": annotations}
    return Manifest({"apiVersion": "batch/v1", "kind": "Job", "metadata": metadata}, "job.yaml, document 2")


def hook(annotations: dict[str, str]) -> Hook:
    found = parse_hook(job(annotations))
    assert found
    return found


@pytest.mark.parametrize(
    ("annotations", "phases"),
    [
        ({HOOK: "PreSync"}, ("PreSync",)),
        ({HOOK: "Sync"}, ("Sync",)),
        ({HOOK: "PostSync"}, ("PostSync",)),
        ({HOOK: "SyncFail"}, ("SyncFail",)),
        ({HOOK: "PreDelete"}, ("PreDelete",)),
        ({HOOK: "PostDelete"}, ("PostDelete",)),
        ({HOOK: "Skip"}, ()),
        ({HOOK: " PostSync ,,PreSync, PostSync,"}, ("PreSync", "PostSync")),
        ({HOOK: "PostDelete,SyncFail"}, ("SyncFail", "PostDelete")),
        ({HELM: "pre-install"}, ("PreSync",)),
        ({HELM: "pre-install,pre-upgrade"}, ("PreSync",)),
        ({HELM: "post-upgrade, post-install"}, ("PostSync",)),
        ({HELM: "post-install,pre-upgrade"}, ("PreSync", "PostSync")),
        ({HELM: "pre-delete"}, ("PreDelete",)),
        ({HELM: "post-delete"}, ("PostDelete",)),
        ({HELM: "post-delete,pre-install"}, ("PreSync", "PostDelete")),
        *(({HELM: word}, ()) for word in ("test", "test-success", "test-failure", "pre-rollback", "post-rollback")),
        ({HELM: "test,pre-upgrade,pre-rollback"}, ("PreSync",)),
        ({HELM: "Pre-Install"}, ("PreSync",)),
        ({HELM: "crd-install,pre-install"}, ("PreSync",)),
        ({HELM: "crd-install,test"}, ()),
        # Argo CD's annotation goes before Helm's, and what that says is not even read.
        ({HOOK: "PostSync", HELM: "pre-install"}, ("PostSync",)),
        ({HOOK: "Skip", HELM: "pre-install"}, ()),
        ({HOOK: "Sync", HELM: "never"}, ("Sync",)),
    ],
)
def test_phases(annotations: dict[str, str], phases: tuple[str, ...]) -> None:
    assert hook(annotations).phases == phases


@pytest.mark.parametrize(
    "annotations",
    [
        None,
        {},
        {"app": "shop", WAVE: "1"},
        {WEIGHT: "1"},
        {HELM: "crd-install"},
        {HELM: "crd-install", HELM_POLICY: "before-hook-creation"},
    ],
)
def test_an_ordinary_object_is_no_hook(annotations: dict[str, str] | None) -> None:
    assert parse_hook(job(annotations)) is None


@pytest.mark.parametrize(
    ("annotations", "policies"),
    [
        ({}, {"BeforeHookCreation"}),
        ({POLICY: ""}, {"BeforeHookCreation"}),
        ({POLICY: "HookSucceeded"}, {"HookSucceeded"}),
        ({POLICY: "HookFailed, HookSucceeded,"}, {"HookSucceeded", "HookFailed"}),
        ({POLICY: "BeforeHookCreation"}, {"BeforeHookCreation"}),
        ({HELM_POLICY: ""}, {"BeforeHookCreation"}),
        ({HELM_POLICY: "before-hook-creation,hook-succeeded"}, {"BeforeHookCreation", "HookSucceeded"}),
        ({HELM_POLICY: "Hook-Failed"}, {"HookFailed"}),
        ({HELM_POLICY: "hook-failed", POLICY: "HookSucceeded"}, {"HookSucceeded", "HookFailed"}),
    ],
)
@pytest.mark.parametrize("kind", [{HOOK: "PreSync"}, {HELM: "pre-install"}, {HOOK: "Skip"}])
def test_policies(kind: dict[str, str], annotations: dict[str, str], policies: set[str]) -> None:
    assert hook({**kind, **annotations}).policies == policies


@pytest.mark.parametrize(
    ("annotations", "problem"),
    [
        ({HOOK: "Presync"}, f"{HOOK}: 'Presync' is unknown; did you mean PreSync?; allowed: PreSync, Sync, PostSync, "),
        ({HOOK: "PreSync,PostSink"}, f"{HOOK}: 'PostSink' is unknown; did you mean PostSync?; "),
        ({HOOK: "pre-install"}, f"{HOOK}: 'pre-install' is unknown; allowed: PreSync, "),
        ({HOOK: "skip"}, f"{HOOK}: 'skip' is unknown; did you mean Skip?; "),
        ({HOOK: "x" * 50}, f"{HOOK}: '{'x' * 40}' is unknown; allowed: "),
        ({HOOK: ""}, f"{HOOK}: is empty; allowed: PreSync, "),
        ({HOOK: " , "}, f"{HOOK}: is empty; allowed: "),
        ({HOOK: "", HELM: "pre-install"}, f"{HOOK}: is empty; allowed: "),
        ({HOOK: "Skip,PreSync"}, f"{HOOK}: Skip contradicts every phase; keep Skip, or the others"),
        ({HELM: "pre-instal"}, f"{HELM}: 'pre-instal' is unknown; did you mean pre-install?; allowed: pre-install, "),
        ({HELM: "PreSync"}, f"{HELM}: 'presync' is unknown; "),
        ({HELM: ""}, f"{HELM}: is empty; allowed: pre-install, "),
        ({HOOK: "Sync", POLICY: "HookSucceded"}, f"{POLICY}: 'HookSucceded' is unknown; did you mean HookSucceeded?; "),
        ({HOOK: "Sync", POLICY: "hook-failed"}, f"{POLICY}: 'hook-failed' is unknown; "),
        ({HELM: "test", HELM_POLICY: "never"}, f"{HELM_POLICY}: 'never' is unknown; allowed: before-hook-creation, "),
        ({POLICY: "HookSucceeded"}, f"{POLICY}: is for hooks, and this is none; add {HOOK}, or remove it"),
        ({HELM_POLICY: ""}, f"{HELM_POLICY}: is for hooks, and this is none; add {HELM}, or remove it"),
    ],
)
def test_what_makes_no_hook_is_refused_with_its_place(annotations: dict[str, str], problem: str) -> None:
    with pytest.raises(RenderError) as error:
        parse_hook(job(annotations))
    assert str(error.value).startswith(f"job.yaml, document 2: Job/migrate: metadata.annotations: {problem}")


@pytest.mark.parametrize(
    ("annotations", "wave"),
    [
        (None, 0),
        ({}, 0),
        ({WAVE: "3"}, 3),
        ({WAVE: "-5"}, -5),
        ({WAVE: "+2"}, 2),
        ({WAVE: "007"}, 7),
        ({WAVE: "2147483647"}, 2147483647),
        ({WAVE: "-2147483648"}, -2147483648),
        ({WEIGHT: "-4"}, -4),
        ({WEIGHT: "4", WAVE: "1"}, 1),
        ({WEIGHT: "x", WAVE: "0"}, 0),
    ],
)
def test_wave(annotations: dict[str, str] | None, wave: int) -> None:
    assert parse_wave(job(annotations)) == wave


@pytest.mark.parametrize("name", [WAVE, WEIGHT])
@pytest.mark.parametrize(
    "text", ["", "one", "1.5", "1e3", " 1", "1\n", "1_0", "0x1", "--1", "٣", "2147483648", "-2147483649", "9" * 5000]
)
def test_a_wave_is_a_whole_number(name: str, text: str) -> None:
    with pytest.raises(RenderError) as error:
        parse_wave(job({name: text}))
    assert f'{name}: {text[:40]!r} is no whole number; allowed: "-2147483648" to "2147483647"' in str(error.value)
