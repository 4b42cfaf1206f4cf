# SPDX-License-Identifier: Apache-2.0
"""Certificates with faults, and servers that show them."""
import datetime
import os
import socket
import ssl
import threading

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import AuthorityInformationAccessOID, NameOID

DAY = datetime.timedelta(days=1)


class Signer:
    def __init__(self, common_name, parent=None):
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
        self.cert = make(self.name, self.key.public_key(), parent or self, ca=True)


def make(subject, public_key, signer, names=(), ca=False, start=-1, end=30, aia=False):
    now = datetime.datetime.now(datetime.timezone.utc)
    b = (x509.CertificateBuilder().subject_name(subject).issuer_name(signer.name).public_key(public_key)
         .serial_number(x509.random_serial_number()).not_valid_before(now + start * DAY).not_valid_after(now + end * DAY)
         .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
         .add_extension(x509.SubjectKeyIdentifier.from_public_key(public_key), critical=False)
         .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.key.public_key()), critical=False))
    if ca:
        b = b.add_extension(x509.KeyUsage(key_cert_sign=True, crl_sign=True, digital_signature=False, content_commitment=False,
                                          key_encipherment=False, data_encipherment=False, key_agreement=False,
                                          encipher_only=False, decipher_only=False), critical=True)
    if names:
        b = b.add_extension(x509.SubjectAlternativeName([x509.DNSName(n) for n in names]), critical=False)
    if aia:
        b = b.add_extension(x509.AuthorityInformationAccess([x509.AccessDescription(
            AuthorityInformationAccessOID.CA_ISSUERS, x509.UniformResourceIdentifier("http://ca.example.org/i.der"))]), False)
    return b.sign(signer.key, hashes.SHA256())


def pem(*certs):
    return b"".join(c.public_bytes(serialization.Encoding.PEM) for c in certs)


class Authority:
    """A root that is trusted by --ca FILE, an intermediate, and one that nobody knows."""

    def __init__(self, folder):
        self.folder = str(folder)
        self.root = Signer("Test Root")
        self.intermediate = Signer("Test Intermediate", self.root)
        self.stranger = Signer("Corp Proxy CA")
        self.ca = self.write("root.pem", pem(self.root.cert))
        self.n = 0

    def write(self, name, data):
        path = os.path.join(self.folder, name)
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as f:
            f.write(data)
        return path

    def leaf(self, name, *more, chain=True, signer=None, self_signed=False, **kw):
        """(certificate file, key file)"""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        signer = signer or self.intermediate
        if self_signed:
            signer = Signer.__new__(Signer)
            signer.key, signer.name = key, subject
        cert = make(subject, key.public_key(), signer, [name, *more], **kw)
        self.n += 1
        above = [signer.cert] if chain and not self_signed else []
        return (self.write(f"leaf{self.n}.pem", pem(cert, *above)),
                self.write(f"leaf{self.n}.key", key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                                                                  serialization.NoEncryption())))


class TlsServer:
    """Answers every request over TLS with the same bytes."""

    def __init__(self, files, answer=b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", old=False):
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        if old:
            self.context.set_ciphers("ALL:@SECLEVEL=0")
            self.context.minimum_version = ssl.TLSVersion.TLSv1
            self.context.maximum_version = ssl.TLSVersion.TLSv1_1
        self.context.load_cert_chain(*files)
        self.answer = answer
        self.n = 0
        self.sock = socket.socket()
        self.sock.bind(("127.0.0.1", 0))
        self.sock.listen(16)
        self.address = "127.0.0.1:%d" % self.sock.getsockname()[1]
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self):
        while True:
            try:
                sock, _ = self.sock.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(sock,), daemon=True).start()

    def _serve(self, sock):
        try:
            with self.context.wrap_socket(sock, server_side=True) as tls:
                data = b""
                while b"\r\n\r\n" not in data:
                    more = tls.recv(65536)
                    if not more:
                        return
                    data += more
                self.n += 1
                tls.sendall(self.answer)
        except OSError:
            sock.close()

    def close(self):
        try:
            self.sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.sock.close()
