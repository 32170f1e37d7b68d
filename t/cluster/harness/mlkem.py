"""ML-KEM-768 (FIPS 203), slow and simple, for the opener of records.

Polynomials are lists of 256 numbers modulo Q.
"""

import hashlib

Q, N, K = 3329, 256, 3
ETA, DU, DV = 2, 10, 4
POLYNOMIAL = 384  # bytes of a polynomial with 12 bits for each coefficient


def _reverse(i):
    return int('{:07b}'.format(i)[::-1], 2)


ZETAS = [pow(17, _reverse(i), Q) for i in range(128)]
GAMMAS = [pow(17, 2 * _reverse(i) + 1, Q) for i in range(128)]


def _ntt(f):
    f, i, size = list(f), 1, 128
    while size >= 2:
        for start in range(0, N, 2 * size):
            zeta, i = ZETAS[i], i + 1
            for j in range(start, start + size):
                t = zeta * f[j + size] % Q
                f[j + size], f[j] = (f[j] - t) % Q, (f[j] + t) % Q
        size //= 2
    return f


def _inverse(f):
    f, i, size = list(f), 127, 2
    while size <= 128:
        for start in range(0, N, 2 * size):
            zeta, i = ZETAS[i], i - 1
            for j in range(start, start + size):
                t = f[j]
                f[j] = (t + f[j + size]) % Q
                f[j + size] = zeta * (f[j + size] - t) % Q
        size *= 2
    return [c * 3303 % Q for c in f]


def _multiply(f, g):
    out = []
    for i, gamma in enumerate(GAMMAS):
        a, b, c, d = f[2 * i], f[2 * i + 1], g[2 * i], g[2 * i + 1]
        out += [(a * c + b * d * gamma) % Q, (a * d + b * c) % Q]
    return out


def _add(*polynomials):
    return [sum(c) % Q for c in zip(*polynomials)]


def _product(left, right):
    return _add(*(_multiply(f, g) for f, g in zip(left, right)))


def _encode(f, bits):
    number = sum(c << (bits * i) for i, c in enumerate(f))
    return number.to_bytes(32 * bits, 'little')


def _decode(data, bits):
    number = int.from_bytes(data, 'little')
    return [(number >> (bits * i)) % (1 << bits) for i in range(N)]


def _compress(f, bits):
    return [((c << bits) * 2 + Q) // (2 * Q) % (1 << bits) for c in f]


def _decompress(f, bits):
    return [(c * Q * 2 + (1 << bits)) >> (bits + 1) for c in f]


def _sample_ntt(seed):
    data, f = hashlib.shake_128(seed).digest(4096), []
    for i in range(0, len(data) - 2, 3):
        a, b, c = data[i:i + 3]
        for d in (a + 256 * (b % 16), b // 16 + 16 * c):
            if d < Q and len(f) < N:
                f.append(d)
    assert len(f) == N
    return f


def _sample_cbd(seed, number):
    data = hashlib.shake_256(seed + bytes([number])).digest(64 * ETA)
    bits = int.from_bytes(data, 'little')
    out = []
    for i in range(N):
        part = bits >> (4 * i)
        out.append(((part & 1) + (part >> 1 & 1) - (part >> 2 & 1)
                    - (part >> 3 & 1)) % Q)
    return out


def _matrix(rho):
    return [[_sample_ntt(rho + bytes([j, i])) for j in range(K)]
            for i in range(K)]


def _generate(d):
    """K-PKE.KeyGen: the public key, and the private one in NTT form."""
    data = hashlib.sha3_512(d + bytes([K])).digest()
    rho, sigma = data[:32], data[32:]
    matrix = _matrix(rho)
    s = [_ntt(_sample_cbd(sigma, i)) for i in range(K)]
    e = [_ntt(_sample_cbd(sigma, K + i)) for i in range(K)]
    t = [_add(_product(matrix[i], s), e[i]) for i in range(K)]
    return b''.join(_encode(f, 12) for f in t) + rho, s


def _encrypt(public, message, coins):
    t = [_decode(public[i * POLYNOMIAL:(i + 1) * POLYNOMIAL], 12)
         for i in range(K)]
    matrix = _matrix(public[K * POLYNOMIAL:])
    y = [_ntt(_sample_cbd(coins, i)) for i in range(K)]
    noise = [_sample_cbd(coins, K + i) for i in range(K + 1)]
    u = [_add(_inverse(_product([matrix[j][i] for j in range(K)], y)),
              noise[i]) for i in range(K)]
    v = _add(_inverse(_product(t, y)), noise[K],
             _decompress(_decode(message, 1), 1))
    return (b''.join(_encode(_compress(f, DU), DU) for f in u)
            + _encode(_compress(v, DV), DV))


def _decrypt(s, ciphertext):
    size = 32 * DU
    u = [_decompress(_decode(ciphertext[i * size:(i + 1) * size], DU), DU)
         for i in range(K)]
    v = _decompress(_decode(ciphertext[K * size:], DV), DV)
    w = _inverse(_product(s, [_ntt(f) for f in u]))
    return _encode(_compress([(a - b) % Q for a, b in zip(v, w)], 1), 1)


def generate(d):
    """The public key (1184 bytes), and the private part."""
    return _generate(d)


def encapsulate(public, message):
    """What is sent to the owner of a public key, made from 32 random bytes."""
    data = hashlib.sha3_512(message
                            + hashlib.sha3_256(public).digest()).digest()
    return _encrypt(public, message, data[32:])


def decapsulate(d, z, ciphertext):
    """The shared secret, from the seeds of the private key."""
    public, s = _generate(d)
    message = _decrypt(s, ciphertext)
    data = hashlib.sha3_512(message
                            + hashlib.sha3_256(public).digest()).digest()
    if encapsulate(public, message) != ciphertext:
        return hashlib.shake_256(z + ciphertext).digest(32)
    return data[:32]
