"""An address on the command line: where a worker answers, and where it is asked."""

from typing import Any, NamedTuple

import click
from click.core import ParameterSource
from typing_extensions import override

HOW_TO_WRITE_IT = (
    "write HOST:PORT, such as 127.0.0.1:8080 or [::1]:8080, or :8080 for every address"
)
MOST_PORT = 65_535


class Address(NamedTuple):
    """Where to listen; *host* is empty for every address of this machine."""

    host: str
    port: int


class AddressType(click.ParamType[Address]):
    """An address, as HOST:PORT."""

    name = "host:port"

    @override
    def convert(self, value: Any, param: Any, ctx: Any) -> Address:
        """Read ``127.0.0.1:8080``, ``[::1]:8080`` or ``:8080``."""
        if isinstance(value, Address):
            return value
        host, separator, port = str(value).strip().rpartition(":")
        is_bracketed = host.startswith("[") and host.endswith("]")
        is_port = port.isascii() and port.isdigit() and int(port[:6]) <= MOST_PORT
        if not separator or not is_port or (":" in host and not is_bracketed):
            self.fail(f"{value!r} is no address; {HOW_TO_WRITE_IT}", param, ctx)
        return Address(host[1:-1] if is_bracketed else host, int(port))


class PortType(click.IntRange):
    """A port to listen on.

    Kubernetes puts ``tcp://10.0.0.1:9876`` into PYASYNQ_METRICS_PORT of every container beside a
    Service called pyasynq-metrics. That is not meant for us: the default counts then.
    """

    def __init__(self) -> None:
        super().__init__(0, MOST_PORT)

    @override
    def convert(self, value: Any, param: Any, ctx: Any) -> Any:
        """Read a number."""
        is_of_service = isinstance(value, str) and value.startswith("tcp://")
        if is_of_service and ctx.get_parameter_source(param.name) is ParameterSource.ENVIRONMENT:
            value = param.default
        return super().convert(value, param, ctx)
