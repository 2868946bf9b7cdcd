"""Feishu's signature and encryption of event requests."""

from __future__ import annotations

import base64
import hashlib
import os
from binascii import Error as Base64Error


def sign(encrypt_key: str, timestamp: str, nonce: str, body: bytes) -> str:
    """Hex SHA-256 over timestamp, nonce, key and raw body."""
    return hashlib.sha256(f"{timestamp}{nonce}{encrypt_key}".encode() + body).hexdigest()


def decrypt(encrypt_key: str, encrypted: str) -> bytes | None:
    """The plain text of `encrypt`: base64 of IV and AES-256-CBC under the key's SHA-256, PKCS7; None if it is not that."""
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
    from cryptography.hazmat.primitives.padding import PKCS7

    try:
        raw = base64.b64decode(encrypted, validate=True)
        decryptor = Cipher(algorithms.AES(hashlib.sha256(encrypt_key.encode()).digest()), modes.CBC(raw[:16])).decryptor()
        padded = decryptor.update(raw[16:]) + decryptor.finalize()
        unpadder = PKCS7(128).unpadder()
        return unpadder.update(padded) + unpadder.finalize()
    except (Base64Error, ValueError):
        return None


def encrypt(encrypt_key: str, plain: bytes) -> str:
    """The reverse of `decrypt`, as Feishu does it."""
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
    from cryptography.hazmat.primitives.padding import PKCS7

    padder = PKCS7(128).padder()
    padded = padder.update(plain) + padder.finalize()
    iv = os.urandom(16)
    encryptor = Cipher(algorithms.AES(hashlib.sha256(encrypt_key.encode()).digest()), modes.CBC(iv)).encryptor()
    return base64.b64encode(iv + encryptor.update(padded) + encryptor.finalize()).decode()
