"""Makes certificates with the openssl command: an authority, a server and a client."""

import subprocess
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificates:
    """Paths of PEM files."""

    authority: Path
    server: Path
    server_key: Path
    client: Path
    client_key: Path


def make_certificates(folder: Path) -> Certificates:
    """Write certificates for localhost and 127.0.0.1, good for a day."""
    authority, key = folder / "ca.pem", folder / "ca.key"
    _openssl(
        *("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=test"),
        *("-addext", "basicConstraints=critical,CA:TRUE", "-addext", "keyUsage=keyCertSign"),
        *("-keyout", key, "-out", authority),
    )
    server = _signed(folder, "server", "subjectAltName=DNS:localhost,IP:127.0.0.1")
    client = _signed(folder, "client", "extendedKeyUsage=clientAuth")
    return Certificates(
        authority=authority,
        server=server,
        server_key=folder / "server.key",
        client=client,
        client_key=folder / "client.key",
    )


def _signed(folder: Path, name: str, extension: str) -> Path:
    request, certificate = folder / f"{name}.csr", folder / f"{name}.pem"
    extensions = folder / f"{name}.ext"
    extensions.write_text(extension)
    _openssl(
        *("req", "-newkey", "rsa:2048", "-nodes", "-subj", f"/CN={name}"),
        *("-keyout", folder / f"{name}.key", "-out", request),
    )
    _openssl(
        *("x509", "-req", "-in", request, "-CA", folder / "ca.pem", "-CAkey", folder / "ca.key"),
        *("-CAcreateserial", "-days", "1", "-extfile", extensions, "-out", certificate),
    )
    return certificate


def _openssl(*arguments: str | Path) -> None:
    subprocess.run(["openssl", *arguments], check=True, capture_output=True)
