"""What kind of server asks."""

from a2wsgi.asgi import build_scope
from werkzeug.test import create_environ

from pyasynq.web.hosting import is_wsgi


def test_a_server_of_wsgi_is_told_from_one_of_asgi():
    through_a2wsgi = build_scope(create_environ("/monitoring"))

    assert is_wsgi(through_a2wsgi)
    assert not is_wsgi({"type": "http", "path": "/monitoring"})
