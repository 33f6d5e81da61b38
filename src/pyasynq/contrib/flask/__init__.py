"""pyasynq in applications of Flask: an extension, answers to errors, the web UI.

It needs the extra ``flask``.
"""

try:
    import flask as _library
except ImportError as error:
    raise ImportError(
        "pyasynq.contrib.flask needs Flask; run: pip install 'pyasynq[flask]'"
    ) from error

from pyasynq.contrib.flask.extension import Pyasynq
from pyasynq.contrib.flask.requests import handle_or_404, install_error_handlers
from pyasynq.contrib.flask.web import mount_web_ui

del _library

__all__ = ["Pyasynq", "handle_or_404", "install_error_handlers", "mount_web_ui"]
