
/*
 * The first four bytes are the time, the fifth says which host reads; the rest
 * is a presence record.
 */

#include "fuzz.h"

#include "sss_presence.h"


static void check_touch(sss_presence_t *p, const uint8_t *tags,
    const uint8_t *host, uint32_t now);
static unsigned count(const sss_presence_t *p, const uint8_t *tag,
    const uint8_t *host);


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t          tags[2 * SSS_TAG_SIZE], host[8];
    uint8_t          out[SSS_PRESENCE_SIZE];
    uint32_t         now;
    sss_presence_t   p;

    if (size < 5) {
        return 0;
    }

    now = (uint32_t) data[0] << 24 | (uint32_t) data[1] << 16
          | (uint32_t) data[2] << 8 | data[3];

    /* few different fingerprints, so that some are in the record */

    memset(tags, 'A' + data[4] % 4, SSS_TAG_SIZE);
    memset(tags + SSS_TAG_SIZE, 'A' + data[4] / 4 % 4, SSS_TAG_SIZE);
    memset(host, 'a' + data[4] / 16 % 4, sizeof(host));

    data += 5;
    size -= 5;

    memset(&p, 0xa5, sizeof(p));

    if (sss_presence_decode(&p, data, size) != 0) {
        fuzz_check(p.n == 0);

    } else {
        fuzz_check(p.n <= SSS_PRESENCE_MAX);
        fuzz_check(sss_presence_encode(&p, out) == size);
        fuzz_check(memcmp(out, data, size) == 0);
    }

    check_touch(&p, tags, host, now);

    return 0;
}


static void
check_touch(sss_presence_t *p, const uint8_t *tags, const uint8_t *host,
    uint32_t now)
{
    unsigned              i, k, had;
    uint8_t               out[SSS_PRESENCE_SIZE];
    sss_presence_t        old, again;
    sss_presence_view_t   before, after;
    const uint8_t        *name;

    old = *p;
    before = sss_presence_view(p, tags, 2, host, now);

    sss_presence_touch(p, tags, host, now);
    after = sss_presence_view(p, tags, 2, host, now);

    fuzz_check(p->n >= 1 && p->n <= SSS_PRESENCE_MAX);
    fuzz_check(memcmp(p->entry[0].tag, tags, SSS_TAG_SIZE) == 0);
    fuzz_check(memcmp(p->entry[0].host, host, 8) == 0);
    fuzz_check(p->entry[0].seen == now);

    fuzz_check(count(p, NULL, host) == 1);
    fuzz_check(count(p, tags, NULL) <= 2);
    fuzz_check(after.refresh == 0);

    for (i = 1; i < p->n; i++) {
        name = p->entry[i].tag;
        had = 0;

        for (k = 0; k < old.n; k++) {
            had += memcmp(&p->entry[i], &old.entry[k],
                          sizeof(sss_presence_entry_t))
                   == 0;
        }

        fuzz_check(had > 0);
        fuzz_check(count(p, name, NULL) <= count(&old, name, NULL) + 1);
    }

    /*
     * no entry is lost or invented, except for the last one of a full record
     */

    fuzz_check(after.company <= before.company);
    fuzz_check(after.foreign <= before.foreign);

    if (old.n < SSS_PRESENCE_MAX) {
        fuzz_check(after.company == before.company);
        fuzz_check(after.foreign == before.foreign);
    }

    fuzz_check(sss_presence_decode(&again, out, sss_presence_encode(p, out))
               == 0);
    fuzz_check(again.n == p->n);
    fuzz_check(memcmp(again.entry, p->entry,
                      p->n * sizeof(sss_presence_entry_t))
               == 0);
}


/* Entries with this fingerprint, or of this host. */

static unsigned
count(const sss_presence_t *p, const uint8_t *tag, const uint8_t *host)
{
    unsigned  i, n;

    n = 0;

    for (i = 0; i < p->n; i++) {
        n += (tag == NULL
              || memcmp(p->entry[i].tag, tag, SSS_TAG_SIZE) == 0)
             && (host == NULL || memcmp(p->entry[i].host, host, 8) == 0);
    }

    return n;
}
