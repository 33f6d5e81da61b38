"""Where to listen is read from the command line and the environment."""

import click
import pytest
from click.testing import CliRunner

from pyasynq.cli.http_address import PortType


@click.command
@click.option("--port", type=PortType(), default=9876, envvar=["PYASYNQ_METRICS_PORT", "PORT"])
def show(port):
    click.echo(port)


@pytest.mark.parametrize(
    ("arguments", "variable", "said"),
    [
        ([], "tcp://10.0.0.1:80", "9876\n"),
        (["--port", "80"], "tcp://10.0.0.1:80", "80\n"),
        ([], "81", "81\n"),
    ],
)
def test_what_kubernetes_says_of_a_service_is_no_port_of_ours(arguments, variable, said):
    found = CliRunner().invoke(show, arguments, env={"PYASYNQ_METRICS_PORT": variable})

    assert found.output == said


@pytest.mark.parametrize("port", ["tcp://10.0.0.1:80", "65536", "-1", "x"])
def test_what_is_no_port_is_refused(port):
    assert CliRunner().invoke(show, ["--port", port]).exit_code == 2
