"""A certificate authority of one sandbox, for hosts whose HTTPS must be read."""

import hashlib
import ssl
import tempfile
from base64 import b64encode
from collections import OrderedDict
from datetime import timedelta
from functools import partial
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from harness.domain.host_name import address_of
from harness.ports.clock import Clock

LIFE = timedelta(days=7)
_SKEW = timedelta(hours=1)
_MOST_HOSTS = 256


class Authority:
    """Makes certificates that only what trusts this authority accepts; its key never leaves."""

    def __init__(self, clock: Clock) -> None:
        """A fresh authority."""
        self._clock = clock
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._leaf_key = ec.generate_private_key(ec.SECP256R1())
        self._name = _named("Sandbox egress")
        self._certificate = self._signed_own()
        self._contexts: OrderedDict[str, ssl.SSLContext] = OrderedDict()

    @property
    def pem(self) -> str:
        """The certificate that the sandbox must trust."""
        return self._certificate.public_bytes(serialization.Encoding.PEM).decode()

    @property
    def key_digest(self) -> str:
        """SHA-256 of the public key that all its hosts have, in base64, as browsers take it."""
        data = self._leaf_key.public_key().public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        return b64encode(hashlib.sha256(data).digest()).decode()

    def context(self, host: str) -> ssl.SSLContext:
        """Speaks TLS 1.2 or newer and HTTP/1.1 as this host; the latest hosts are kept."""
        found = self._contexts.pop(host, None) or self._made(host)
        self._contexts[host] = found
        if len(self._contexts) > _MOST_HOSTS:
            self._contexts.popitem(last=False)
        return found

    def _made(self, host: str) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.set_alpn_protocols(["http/1.1"])
        context.sni_callback = partial(_only, host)
        # OpenSSL takes certificates from files alone.
        with tempfile.TemporaryDirectory(prefix="ath-certificate-") as folder:
            path = Path(folder) / "chain.pem"
            path.write_bytes(self._leaf(host))
            context.load_cert_chain(path)
        return context

    def _leaf(self, host: str) -> bytes:
        address = address_of(host)
        name = x509.IPAddress(ip_address(address)) if address else x509.DNSName(host)
        certificate = (
            self._builder(_named(host[:64]), self._leaf_key)
            .add_extension(x509.SubjectAlternativeName([name]), critical=False)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()),
                critical=False,
            )
            .sign(self._key, hashes.SHA256())
        )
        return certificate.public_bytes(serialization.Encoding.PEM) + self._leaf_key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )

    def _signed_own(self) -> x509.Certificate:
        usage = dict.fromkeys(
            (
                *("digital_signature", "content_commitment", "key_encipherment"),
                *("data_encipherment", "key_agreement", "encipher_only", "decipher_only"),
            ),
            False,
        )
        return (
            self._builder(self._name, self._key)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(x509.KeyUsage(key_cert_sign=True, crl_sign=True, **usage), critical=True)
            .add_extension(
                x509.SubjectKeyIdentifier.from_public_key(self._key.public_key()), critical=False
            )
            .sign(self._key, hashes.SHA256())
        )

    def _builder(
        self, subject: x509.Name, key: ec.EllipticCurvePrivateKey
    ) -> x509.CertificateBuilder:
        now = self._clock.now()
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - _SKEW)
            .not_valid_after(now + LIFE)
        )


def _only(host: str, _tls: object, asked: str | None, _context: ssl.SSLContext) -> int | None:
    """Refuse whoever connected to this host and asks for another one."""
    is_meant = asked is None or asked.lower().removesuffix(".") == host
    return None if is_meant else ssl.ALERT_DESCRIPTION_UNRECOGNIZED_NAME


def _named(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])
