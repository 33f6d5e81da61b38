"""Flask with a factory: handlers in an application context, the web UI behind a login, a worker.

flask --app flask_service pyasynq worker    in one terminal (PYASYNQ_REDIS_URL says where Redis is)
flask --app flask_service run               in another one (pip install 'pyasynq[flask,web]')

curl localhost:5000/greetings --json '{"name": "Ann"}'
curl localhost:5000/greetings/ID
"""

from typing import Any

from flask import Blueprint, Flask, current_app, jsonify, request, session
from flask.typing import ResponseReturnValue

from pyasynq.contrib.flask import Pyasynq, handle_or_404, install_error_handlers, mount_web_ui

queue = Pyasynq()
pages = Blueprint("pages", __name__)


@queue.app.task("greeting:make", max_retry=3, retention=3600)
def greet(name: str) -> str:
    """Greet somebody in the words of the application, which its context knows."""
    return f"{current_app.config['GREETING']}, {name}"


@pages.post("/greetings")
def order() -> ResponseReturnValue:
    """Enqueue a greeting, and answer at once."""
    handle = greet.enqueue(request.get_json()["name"])
    return {"id": handle.id}, 202


@pages.get("/greetings/<task_id>")
def look(task_id: str) -> ResponseReturnValue:
    """Answer with the greeting; 409 as long as it is not made."""
    return jsonify(handle_or_404(greet, task_id).result(timeout=0))


def operator() -> str | None:
    """Return who may look at the web UI: whoever your login has written into the session."""
    return session.get("operator")


def create_app(config: dict[str, Any] | None = None) -> Flask:
    """Make the application; tests give it other settings."""
    flask = Flask(__name__)
    flask.config.update(GREETING="hello", SECRET_KEY="replace me")  # noqa: S106 - an example
    flask.config.from_prefixed_env()  # such as FLASK_PYASYNQ_REDIS_URL
    flask.config.update(config or {})
    flask.register_blueprint(pages)
    queue.init_app(flask)
    install_error_handlers(flask)
    mount_web_ui(flask, "/monitoring", queue.app, auth=operator)
    return flask
