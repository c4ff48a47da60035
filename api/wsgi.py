"""What a server loads: `front` for granian (waits on the loop), `app` for any WSGI server. Reads the settings."""

from __future__ import annotations

import core.logs
from api.app import create_app, make_platform
from api.front import Front
from core.settings import read_settings

settings = read_settings()
core.logs.configure(level=settings.log_level, as_json=settings.logs_as_json)
platform = make_platform(settings)
app = create_app(platform)
front = Front(app, platform)
