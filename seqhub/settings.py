"""Django's settings, from the configuration. Nothing here is for site editing."""

from __future__ import annotations

import os
import secrets
import warnings
from pathlib import Path

from seqhub.config import ConfigError, load_config
from seqhub.console import unfold as console
from seqhub.database import django_databases
from seqhub.lib import queues
from seqhub.lib.log import logging_settings
from seqhub.version import VERSION

PACKAGE = Path(__file__).resolve().parent
CONFIG = load_config()

# Of `up` and its children; commands have none.
ROLE = os.environ.get("SEQHUB_ROLE", "")


def _secret_key() -> str:
    try:
        return CONFIG.secret_key_path.read_text().strip()
    except FileNotFoundError:
        # Before the first `up` there is nothing to sign: a key for one process.
        return secrets.token_urlsafe(64)
    except OSError as error:
        problem = f"{CONFIG.secret_key_path} can't be read: {error.strerror}"
        raise ConfigError("secret key", [problem]) from None


SECRET_KEY = _secret_key()
DEBUG = False
_public_url = CONFIG.server.public_url
ALLOWED_HOSTS = [
    "localhost",
    "127.0.0.1",
    "[::1]",
    CONFIG.host,
    CONFIG.server.host,
    *([_public_url.host] if _public_url and _public_url.host else []),
    *CONFIG.server.allowed_hosts,
]
USE_X_FORWARDED_HOST = False  # seqhub.proxies decides, by the peer's address
SECURE_PROXY_SSL_HEADER = None

# The pages of the admin take 12 MB of a process, which the supervisor and each cluster
# can do without. Who needs a URL gets them all the same, by seqhub.urls.
_admin = "SimpleAdminConfig" if ROLE in ("up", "cluster") else "AdminConfig"

INSTALLED_APPS = [
    # seqhub's qcluster command stands in for django-q2's.
    "seqhub",
    "seqhub.operations",
    "seqhub.console",
    "runfolders",
    "archiving",
    "turret",
    "unfold",
    "unfold.contrib.filters",
    f"django.contrib.admin.apps.{_admin}",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.humanize",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django_filters",
    "django_prometheus",
    "django_q",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "rest_framework",
]

MIDDLEWARE = [
    "django_prometheus.middleware.PrometheusBeforeMiddleware",
    "seqhub.proxies.TrustedProxies",
    "seqhub.hosts.AnyHost",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "seqhub.headers.ContentSecurityPolicy",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_prometheus.middleware.PrometheusAfterMiddleware",
]

ROOT_URLCONF = "seqhub.urls"
APPEND_SLASH = False
WSGI_APPLICATION = "seqhub.wsgi.application"

# In a wheel the templates lie in the package, in a checkout beside it.
_templates = next(
    path
    for path in (PACKAGE / "templates", PACKAGE.parent / "templates")
    if path.is_dir()
)
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [_templates],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

DATABASES = django_databases(CONFIG, web=ROLE == "web")
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
LOGIN_URL = "admin:login"
LOGIN_REDIRECT_URL = "admin:index"

LANGUAGE_CODE = "en-gb"
USE_I18N = False
USE_TZ = True
TIME_ZONE = CONFIG.time_zone

STATIC_URL = "/static/"
STATIC_ROOT = CONFIG.data_dir / "static"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
# Names are not hashed, so browsers must ask again after an upgrade.
WHITENOISE_MAX_AGE = 300

_tls = bool(_public_url and _public_url.scheme == "https")
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = _tls
SESSION_COOKIE_SAMESITE = "Lax"
SECURE_HSTS_SECONDS = 31_536_000 if _tls else 0
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
# An Origin header names the port only where it is not the scheme's own.
CSRF_TRUSTED_ORIGINS = (
    [
        f"{_public_url.scheme}://{_public_url.host}{port}"
        for port in ("", f":{_public_url.port}")
    ]
    if _public_url
    else []
)
# The proxy in front redirects to https; the trace must never be redirected.
SECURE_SSL_REDIRECT = False
# HSTS of other host names in the domain (W005, W021) is not ours to decide.
SILENCED_SYSTEM_CHECKS = ["security.W005", "security.W008", "security.W021"]
if not _tls:
    # Plain HTTP on loopback is the try-out; `check` says so in its own words.
    SILENCED_SYSTEM_CHECKS += ["security.W004", "security.W012", "security.W016"]

CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}

# django-q2: measured settings. `retry` is a visibility timeout counted from the
# dequeue, so it is far above any task's length; retries are ours, in the rows.
_short = {"workers": 2, "timeout": 120, "retry": 600, "queue_limit": 2}
Q_CLUSTER = {
    "name": "seqhub",
    "cluster_name": queues.DEFAULT,
    "orm": "default",
    "bulk": 1,
    "ack_failures": True,
    "max_attempts": 1,
    "catch_up": False,
    "guard_cycle": 0.5,
    "save_limit": 500,
    "poll": 0.5,
    "log_level": "WARNING",
    **_short,
    "ALT_CLUSTERS": {
        # One worker watches what is in flight for most of each minute.
        queues.local(CONFIG.host): {**_short, "workers": 3},
        queues.long(CONFIG.host): {
            # A restore need not wait for the seals.
            "workers": CONFIG.archiving.max_concurrent_jobs + 1,
            "timeout": None,
            "retry": 30 * 24 * 3600,
            "queue_limit": 1,
            "recycle": 1,
            "poll": 2,
        },
    },
}
# Long work has no time limit on purpose; django-q2 warns on every command.
warnings.filterwarnings("ignore", message="Retry and timeout are misconfigured")

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "seqhub.operations.api.authentication.TokenAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["seqhub.operations.api.permissions.ScopePermission"],
    "DEFAULT_FILTER_BACKENDS": ["django_filters.rest_framework.DjangoFilterBackend"],
    "DEFAULT_PAGINATION_CLASS": "seqhub.operations.api.pagination.Page",
    "DEFAULT_SCHEMA_CLASS": "seqhub.operations.api.openapi.Schema",
    "DEFAULT_PARSER_CLASSES": ["seqhub.operations.api.parsers.BoundedJSONParser"],
    "EXCEPTION_HANDLER": "seqhub.operations.api.exceptions.error_response",
    "PAGE_SIZE": 50,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "SeqHub",
    "DESCRIPTION": "Run folders of a sequencing core, what pipelines made of them, and "
    "their archives.",
    "VERSION": VERSION,
    "SERVE_INCLUDE_SCHEMA": False,
    # Calls are grouped by what follows it.
    "SCHEMA_PATH_PREFIX": "/api",
    "TAGS": [
        {"name": "1.0", "description": "For clients of arteria-runfolder."},
        {"name": "workflow", "description": "For tw, Seqera Platform's client."},
        {"name": "user", "description": "For tw as well."},
    ],
    "PREPROCESSING_HOOKS": ["seqhub.operations.api.openapi.documented"],
    "ENUM_NAME_OVERRIDES": {
        "SequencingEnum": "runfolders.choices.Sequencing",
        "StateEnum": "runfolders.choices.State",
        "OutcomeEnum": "runfolders.choices.Outcome",
        "ArchiveStatusEnum": "archiving.choices.Status",
        "AttemptOutcomeEnum": "archiving.choices.Outcome",
        "VerificationStateEnum": "archiving.choices.CheckState",
        "RestoreStateEnum": "archiving.choices.RestoreState",
        "CopyStateEnum": "archiving.choices.CopyState",
        "RunStatusEnum": "turret.choices.Status",
        "TaskStatusEnum": "turret.choices.TaskStatus",
        "LaunchStateEnum": "turret.choices.LaunchState",
    },
    "SERVE_PERMISSIONS": ["rest_framework.permissions.AllowAny"],
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
}

LOG_LEVEL_FILE = CONFIG.data_dir / "run" / "log-level"
LOGGING = logging_settings(CONFIG.log_level, LOG_LEVEL_FILE)

# The migrations of these tables are ours to run, their metrics aren't needed.
PROMETHEUS_EXPORT_MIGRATIONS = False

UNFOLD = console.UNFOLD
