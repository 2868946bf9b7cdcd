"""WeCom's signature and encryption of callbacks (an AI bot: JSON inside, empty receiver id)."""

from __future__ import annotations

import base64
import hashlib
import os
import struct
from binascii import Error as Base64Error

_BLOCK = 32


def sign(token: str, timestamp: str, nonce: str, encrypted: str) -> str:
    """SHA-1 over the four texts, sorted."""
    return hashlib.sha1("".join(sorted((token, timestamp, nonce, encrypted))).encode(), usedforsecurity=False).hexdigest()


def key_of(encoding_aes_key: str) -> bytes | None:
    """The 32 bytes of an EncodingAESKey; None if it is not one."""
    try:
        key = base64.b64decode(encoding_aes_key + "=", validate=True)
    except (Base64Error, ValueError):
        return None
    return key if len(key) == 32 else None


def decrypt(key: bytes, encrypted: str, receiver: str = "") -> bytes | None:
    """The message: AES-CBC with the key's first 16 bytes as IV, padded to 32, around 16 random bytes, a length and the receiver."""
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

    try:
        raw = base64.b64decode(encrypted, validate=True)
        decryptor = Cipher(algorithms.AES(key), modes.CBC(key[:16])).decryptor()
        padded = decryptor.update(raw) + decryptor.finalize()
    except (Base64Error, ValueError):
        return None
    count = padded[-1] if padded else 0
    if not 1 <= count <= _BLOCK or padded[-count:] != bytes([count]) * count or len(padded) - count < 20:
        return None
    plain = padded[:-count]
    size = int(struct.unpack(">I", plain[16:20])[0])
    message, to = plain[20 : 20 + size], plain[20 + size :]
    return message if len(message) == size and to == receiver.encode() else None


def encrypt(key: bytes, message: bytes, receiver: str = "") -> str:
    """The reverse of `decrypt`."""
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

    plain = os.urandom(16) + struct.pack(">I", len(message)) + message + receiver.encode()
    count = _BLOCK - len(plain) % _BLOCK
    encryptor = Cipher(algorithms.AES(key), modes.CBC(key[:16])).encryptor()
    return base64.b64encode(encryptor.update(plain + bytes([count]) * count) + encryptor.finalize()).decode()
