"""What the web server runs."""

from __future__ import annotations

import os

from django.core.wsgi import get_wsgi_application

from seqhub.lib.sent_path import keep_sent_path

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "seqhub.settings")
pages = get_wsgi_application()

# Both need the settings and the apps that the line above has made ready.
from seqhub.proxies import TrustedProxies  # noqa: E402
from turret.api.trace.application import TraceFirst  # noqa: E402
from turret.api.trace.door import respond  # noqa: E402

application = keep_sent_path(TraceFirst(TrustedProxies(respond), pages))
