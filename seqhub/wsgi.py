"""What the web server runs."""

from __future__ import annotations

import os

from django.core.wsgi import get_wsgi_application

from seqhub.lib.sent_path import keep_sent_path

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "seqhub.settings")
application = keep_sent_path(get_wsgi_application())
