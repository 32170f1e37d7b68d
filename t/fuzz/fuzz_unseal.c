
/*
 * If the first byte is even, the rest is a record from a stranger.  If it is
 * odd, the rest says how a record of our own is damaged, and is its plaintext.
 */

#include "fuzz.h"

#include "sss_seal.h"


static void check_stranger(const uint8_t *key, const uint8_t *data,
    size_t size);
static void check_damaged(const uint8_t *key, const uint8_t *data,
    size_t size);


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t   i;
    uint8_t  key[32];

    if (size == 0) {
        return 0;
    }

    for (i = 0; i < sizeof(key); i++) {
        key[i] = (uint8_t) i;
    }

    if (data[0] % 2 == 0) {
        check_stranger(key, data + 1, size - 1);

    } else {
        check_damaged(key, data + 1, size - 1);
    }

    return 0;
}


static void
check_stranger(const uint8_t *key, const uint8_t *data, size_t size)
{
    long      ring, session;
    size_t    room;
    uint8_t  *out;

    room = size < SSS_SEAL_OVERHEAD ? 0 : size - SSS_SEAL_OVERHEAD;

    out = malloc(room + 1);
    fuzz_check(out != NULL);

    memset(out, 0xa5, room + 1);
    session = sss_unseal(key, SSS_SEAL_SESSION, NULL, 0, data, size, out);
    fuzz_check(session == -1 || session == (long) room);
    fuzz_check(session >= 0 || fuzz_zero(out, room));

    memset(out, 0xa5, room + 1);
    ring = sss_unseal(key, SSS_SEAL_RING, "main", 4, data, size, out);
    fuzz_check(ring == -1 || ring == (long) room);
    fuzz_check(ring >= 0 || fuzz_zero(out, room));

    fuzz_check(ring == -1 || session == -1);
    fuzz_check(out[room] == 0xa5);

    if (ring >= 0 || session >= 0) {
        fuzz_check(size >= SSS_SEAL_OVERHEAD);
        fuzz_check(memcmp(data, "SSS1\1", 5) == 0);
    }

    free(out);
}


static void
check_damaged(const uint8_t *key, const uint8_t *data, size_t size)
{
    long      rc;
    size_t    len, where;
    uint8_t  *sealed, *out, bits;

    if (size < 3) {
        return;
    }

    where = (size_t) data[0] << 8 | data[1];
    bits = data[2];

    data += 3;
    size -= 3;

    len = size + SSS_SEAL_OVERHEAD;
    sealed = malloc(len);
    out = malloc(size + 1);
    fuzz_check(sealed != NULL && out != NULL);

    fuzz_check(sss_seal(key, SSS_SEAL_SESSION, data, size / 2, data, size,
                        sealed)
               == 0);

    sealed[where % len] ^= bits;

    rc = sss_unseal(key, SSS_SEAL_SESSION, data, size / 2, sealed, len, out);

    if (bits == 0) {
        fuzz_check(rc == (long) size);
        fuzz_check(memcmp(out, data, size) == 0);

    } else {
        fuzz_check(rc == -1);
        fuzz_check(fuzz_zero(out, size));
    }

    free(sealed);
    free(out);
}
