"""Makes certificates with the openssl command: an authority, a server and clients."""

import subprocess
from dataclasses import dataclass
from pathlib import Path

KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1")
KEY_PASSWORD = "pssst"


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificates:
    """Paths of PEM files.

    Attributes:
        encrypted_key: the key of the client, with `KEY_PASSWORD`.
        expired: a certificate for the key of the client, which was good until long ago.
        stranger: a certificate of an authority that nobody trusts, and its key.
    """

    authority: Path
    server: Path
    server_key: Path
    client: Path
    client_key: Path
    encrypted_key: Path
    expired: Path
    stranger: Path
    stranger_key: Path

    @property
    def of_server(self) -> tuple[str, ...]:
        """Settings of a server with TLS, but for its port; it demands a certificate of clients."""
        return (
            *("--tls-ca-cert-file", str(self.authority), "--tls-cert-file", str(self.server)),
            *("--tls-key-file", str(self.server_key)),
        )

    def query(self, **files: object) -> str:
        """Return the part of a URL that names files; those of the client if not given."""
        named = {"ca_file": self.authority, "cert_file": self.client, "key_file": self.client_key}
        given = {name: value for name, value in {**named, **files}.items() if value}
        return "&".join(f"{name}={value}" for name, value in given.items())


def make_certificates(folder: Path) -> Certificates:
    """Write certificates for localhost and 127.0.0.1, good for a day."""
    _authority(folder, "ca")
    _authority(folder, "other")
    server = _signed(folder, "server", "subjectAltName=DNS:localhost,IP:127.0.0.1")
    client = _signed(folder, "client", "extendedKeyUsage=clientAuth")
    stranger = _signed(folder, "stranger", "extendedKeyUsage=clientAuth", authority="other")
    encrypted = folder / "encrypted.key"
    _openssl(
        *("pkcs8", "-topk8", "-in", folder / "client.key", "-out", encrypted),
        *("-passout", f"pass:{KEY_PASSWORD}"),
    )
    return Certificates(
        authority=folder / "ca.pem",
        server=server,
        server_key=folder / "server.key",
        client=client,
        client_key=folder / "client.key",
        encrypted_key=encrypted,
        expired=_expired(folder),
        stranger=stranger,
        stranger_key=folder / "stranger.key",
    )


def _authority(folder: Path, name: str) -> None:
    _openssl(
        *("req", "-x509", *KEY, "-nodes", "-days", "1", "-subj", f"/CN={name}"),
        *("-addext", "basicConstraints=critical,CA:TRUE", "-addext", "keyUsage=keyCertSign"),
        *("-keyout", folder / f"{name}.key", "-out", folder / f"{name}.pem"),
    )


def _signed(folder: Path, name: str, extension: str, *, authority: str = "ca") -> Path:
    request, certificate = folder / f"{name}.csr", folder / f"{name}.pem"
    extensions = folder / f"{name}.ext"
    extensions.write_text(extension)
    _openssl(
        *("req", *KEY, "-nodes", "-subj", f"/CN={name}"),
        *("-keyout", folder / f"{name}.key", "-out", request),
    )
    _openssl(
        *("x509", "-req", "-in", request, "-CA", folder / f"{authority}.pem"),
        *("-CAkey", folder / f"{authority}.key", "-CAcreateserial", "-days", "1"),
        *("-extfile", extensions, "-out", certificate),
    )
    return certificate


def _expired(folder: Path) -> Path:
    """Sign the request of the client as of a day that is over."""
    (folder / "index").touch()
    (folder / "ca.cnf").write_text(
        "[ca]\ndefault_ca=x\n[x]\n"
        f"new_certs_dir={folder}\ndatabase={folder}/index\nrand_serial=yes\n"
        "default_md=sha256\npolicy=p\n[p]\ncommonName=supplied\n"
    )
    _openssl(
        *("ca", "-batch", "-notext", "-config", folder / "ca.cnf", "-in", folder / "client.csr"),
        *("-cert", folder / "ca.pem", "-keyfile", folder / "ca.key"),
        *("-startdate", "20200101000000Z", "-enddate", "20200102000000Z"),
        *("-out", folder / "expired.pem"),
    )
    return folder / "expired.pem"


def _openssl(*arguments: str | Path) -> None:
    subprocess.run(["openssl", *arguments], check=True, capture_output=True)
