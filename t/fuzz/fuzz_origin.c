
/*
 * The input is the origin of a session.  It must be refused, or else be
 * exactly what is written for the same origin.
 */

#include "fuzz.h"

#include "sss_origin.h"


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t        i, len;
    uint8_t       out[SSS_ORIGIN_MAX];
    sss_origin_t  origin;

    memset(&origin, 0xa5, sizeof(origin));

    if (sss_origin_read(data, size, &origin) != 0) {
        return 0;
    }

    fuzz_check(size <= SSS_ORIGIN_MAX);
    fuzz_check(origin.n_chain <= SSS_ORIGIN_CHAIN);

    for (i = 0; i < origin.n_chain; i++) {
        fuzz_check(origin.chain[i].serial_len > 0
                   && origin.chain[i].serial_len <= SSS_ORIGIN_SERIAL);
        fuzz_check(origin.chain[i].serial >= data
                   && origin.chain[i].serial + origin.chain[i].serial_len
                      <= data + size);
    }

    len = sss_origin_write(&origin, out);

    fuzz_check(len == size);
    fuzz_check(memcmp(out, data, len) == 0);

    return 0;
}
