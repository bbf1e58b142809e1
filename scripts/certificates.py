"""A throw-away issuer of TLS certificates, made with the openssl command."""

import pathlib
import subprocess

KEY_KIND = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
LOOPBACK = ("IP:127.0.0.1", "IP:::1", "DNS:localhost")


def openssl(*words):
    """Runs openssl; its complaints become an exception."""
    ended = subprocess.run(["openssl", *map(str, words)], capture_output=True, text=True, check=False)
    if ended.returncode != 0:
        raise RuntimeError(f"openssl {words[0]}: {ended.stderr}")


class Issuer:
    """An issuer whose files live in a folder. `certificate` is what others must trust."""

    def __init__(self, folder, name="issuer"):
        self.folder = pathlib.Path(folder)
        self.certificate = self.folder / f"{name}.pem"
        self._key = self.folder / f"{name}.key"
        openssl("req", "-x509", *KEY_KIND, "-keyout", self._key, "-out", self.certificate, "-days", 2,
                "-subj", f"/CN={name}")

    def issue(self, name, subjects=LOOPBACK, days=2):
        """A certificate and its key, both PEM: (certificate, key). `days` below zero: it has expired. Issued again under
        the same name, it replaces the one before."""
        certificate, key, request = (self.folder / f"{name}{end}" for end in (".pem", ".key", ".csr"))
        openssl("req", "-new", *KEY_KIND, "-keyout", key, "-out", request, "-subj", f"/CN={name}",
                "-addext", f"subjectAltName={','.join(subjects)}")
        key.chmod(0o600)
        openssl("x509", "-req", "-in", request, "-CA", self.certificate, "-CAkey", self._key, "-CAcreateserial",
                "-days", days, "-copy_extensions", "copy", "-out", certificate)
        request.unlink()
        return certificate, key
