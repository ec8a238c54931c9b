"""Certificates of one installation: of its own servers, and of clients, whom they name."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from ipaddress import ip_address
from typing import Self
from urllib.parse import quote, unquote

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from harness.domain.ids import TenantId
from harness.domain.principal import Principal, Role
from harness.errors import Unauthenticated
from harness.ports.clock import Clock

AUTHORITY_LIFE = timedelta(days=3650)
SERVER_LIFE = timedelta(days=30)
LOOPBACK = "127.0.0.1"
_SKEW = timedelta(hours=1)
_WHO = "spiffe://ath/tenant"


@dataclass(frozen=True, slots=True)
class Certificate:
    """A certificate with its key, each as PEM."""

    chain: bytes
    key: bytes


@dataclass(frozen=True, slots=True)
class InstallationAuthority:
    """Signs certificates that this installation, and nobody else, takes for true."""

    clock: Clock
    _certificate: x509.Certificate
    _key: ec.EllipticCurvePrivateKey

    @classmethod
    def fresh(cls, clock: Clock) -> Self:
        """One that nobody trusts yet."""
        key = ec.generate_private_key(ec.SECP256R1())
        name = _named("AI test harness")
        usage = dict.fromkeys(
            (
                *("digital_signature", "content_commitment", "key_encipherment"),
                *("data_encipherment", "key_agreement", "encipher_only", "decipher_only"),
            ),
            False,
        )
        certificate = (
            _builder(clock, name, name, key.public_key(), AUTHORITY_LIFE)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(x509.KeyUsage(key_cert_sign=True, crl_sign=True, **usage), critical=True)
            .add_extension(
                x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False
            )
            .sign(key, hashes.SHA256())
        )
        return cls(clock, certificate, key)

    @classmethod
    def of(cls, clock: Clock, saved: Certificate) -> Self:
        """The one that was saved."""
        key = serialization.load_pem_private_key(saved.key, None)
        if not isinstance(key, ec.EllipticCurvePrivateKey):
            raise ValueError("The authority's key is of another kind.")
        return cls(clock, x509.load_pem_x509_certificate(saved.chain), key)

    @property
    def saved(self) -> Certificate:
        """To be kept where nobody else reads it."""
        return Certificate(_pem(self._certificate), _pem_of_key(self._key))

    @property
    def pem(self) -> bytes:
        """The certificate that servers and clients of the installation trust."""
        return _pem(self._certificate)

    def server(self) -> Certificate:
        """For a server on this machine's loopback, for a month."""
        names = [x509.IPAddress(ip_address(LOOPBACK)), x509.DNSName("localhost")]
        return self._signed("server", names, ExtendedKeyUsageOID.SERVER_AUTH, SERVER_LIFE)

    def client(self, who: Principal, life: timedelta) -> Certificate:
        """For a client, who is this principal in all projects of the tenant meanwhile."""
        path = "/".join(quote(part, safe="") for part in (who.tenant, who.role, who.name))
        names = [x509.UniformResourceIdentifier(f"{_WHO}/{path}")]
        return self._signed(who.name[:64], names, ExtendedKeyUsageOID.CLIENT_AUTH, life)

    def _signed(
        self,
        subject: str,
        names: Sequence[x509.GeneralName],
        use: x509.ObjectIdentifier,
        life: timedelta,
    ) -> Certificate:
        key = ec.generate_private_key(ec.SECP256R1())
        issuer = self._certificate.subject
        certificate = (
            _builder(self.clock, _named(subject), issuer, key.public_key(), life)
            .add_extension(x509.SubjectAlternativeName(names), critical=False)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(x509.ExtendedKeyUsage([use]), critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()),
                critical=False,
            )
            .sign(self._key, hashes.SHA256())
        )
        return Certificate(_pem(certificate), _pem_of_key(key))


def principal_named(names: list[str]) -> Principal:
    """Whom a client's certificate names; whether it is ours was checked with the connection.

    Raises:
        Unauthenticated: it names nobody, or several.
    """
    ours = [name.removeprefix(f"{_WHO}/") for name in names if name.startswith(f"{_WHO}/")]
    parts = [unquote(part) for part in ours[0].split("/")] if len(ours) == 1 else []
    if len(parts) != 3 or parts[1] not in set(Role):
        raise Unauthenticated("The client's certificate names nobody. Make one: ath sandbox grant")
    tenant, role, name = parts
    return Principal(name, TenantId(tenant), Role(role))


def _builder(
    clock: Clock,
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePublicKey,
    life: timedelta,
) -> x509.CertificateBuilder:
    now = clock.now()
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _SKEW)
        .not_valid_after(now + life)
    )


def _named(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def _pem_of_key(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
