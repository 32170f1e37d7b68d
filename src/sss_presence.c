
#include <string.h>

#include "sss_presence.h"


#define SSS_PRESENCE_FORMAT  1


static int sss_presence_alive(const sss_presence_entry_t *entry,
    uint32_t now);
static int sss_presence_due(const sss_presence_entry_t *entry,
    const uint8_t *host, uint32_t now);
static int sss_presence_known(const sss_presence_entry_t *entry,
    const uint8_t *tags, size_t n);
static int sss_presence_is(const sss_presence_entry_t *entry,
    const uint8_t *host);


int
sss_presence_decode(sss_presence_t *p, const uint8_t *in, size_t len)
{
    unsigned               i, n;
    sss_presence_entry_t  *entry;

    p->n = 0;

    if (len < SSS_PRESENCE_HEADER
        || memcmp(in, "SSSP", 4) != 0
        || in[4] != SSS_PRESENCE_FORMAT)
    {
        return -1;
    }

    n = in[5];

    if (n > SSS_PRESENCE_MAX
        || len != SSS_PRESENCE_HEADER + (size_t) n * SSS_PRESENCE_ENTRY)
    {
        return -1;
    }

    in += SSS_PRESENCE_HEADER;

    for (i = 0; i < n; i++) {
        entry = &p->entry[i];

        memcpy(entry->tag, in, SSS_TAG_SIZE);
        memcpy(entry->host, in + 8, sizeof(entry->host));

        entry->seen = (uint32_t) in[16] << 24 | (uint32_t) in[17] << 16
                      | (uint32_t) in[18] << 8 | in[19];

        in += SSS_PRESENCE_ENTRY;
    }

    p->n = n;

    return 0;
}


size_t
sss_presence_encode(const sss_presence_t *p, uint8_t *out)
{
    unsigned                     i;
    const sss_presence_entry_t  *entry;

    memcpy(out, "SSSP", 4);
    out[4] = SSS_PRESENCE_FORMAT;
    out[5] = (uint8_t) p->n;

    out += SSS_PRESENCE_HEADER;

    for (i = 0; i < p->n; i++) {
        entry = &p->entry[i];

        memcpy(out, entry->tag, SSS_TAG_SIZE);
        memcpy(out + 8, entry->host, sizeof(entry->host));

        out[16] = (uint8_t) (entry->seen >> 24);
        out[17] = (uint8_t) (entry->seen >> 16);
        out[18] = (uint8_t) (entry->seen >> 8);
        out[19] = (uint8_t) entry->seen;

        out += SSS_PRESENCE_ENTRY;
    }

    return SSS_PRESENCE_HEADER + (size_t) p->n * SSS_PRESENCE_ENTRY;
}


void
sss_presence_touch(sss_presence_t *p, const uint8_t *tag,
    const uint8_t *host, uint32_t now)
{
    unsigned               i, n, company;
    sss_presence_t         old;
    sss_presence_entry_t  *entry;

    old = *p;

    entry = &p->entry[0];

    memcpy(entry->tag, tag, SSS_TAG_SIZE);
    memcpy(entry->host, host, sizeof(entry->host));
    entry->seen = now;

    n = 1;
    company = 0;

    for (i = 0; i < old.n && n < SSS_PRESENCE_MAX; i++) {
        entry = &old.entry[i];

        if (!sss_presence_alive(entry, now) || sss_presence_is(entry, host)) {
            continue;
        }

        if (sss_presence_known(entry, tag, 1) && company++ > 0) {
            continue;
        }

        p->entry[n++] = *entry;
    }

    p->n = n;
}


sss_presence_view_t
sss_presence_view(const sss_presence_t *p, const uint8_t *tags, size_t n,
    const uint8_t *host, uint32_t now)
{
    unsigned                     i, fresh, mine, others;
    sss_presence_view_t          view;
    const sss_presence_entry_t  *entry;

    memset(&view, 0, sizeof(sss_presence_view_t));

    fresh = 0;
    mine = 0;
    others = 0;

    for (i = 0; i < p->n; i++) {
        entry = &p->entry[i];

        if (!sss_presence_alive(entry, now)) {
            continue;
        }

        if (sss_presence_known(entry, tags, 1)) {

            if (sss_presence_is(entry, host)) {
                mine++;

            } else {
                others++;
            }

            if (!sss_presence_due(entry, host, now)) {
                fresh++;
            }
        }

        if (sss_presence_is(entry, host)) {
            continue;
        }

        if (sss_presence_known(entry, tags, n)) {
            view.company = 1;

        } else {
            view.foreign = 1;
        }
    }

    /*
     * If the only entry is of another host, this host adds its own at once,
     * so that the other one sees that it is not alone.
     */

    view.refresh = (fresh == 0 || (mine == 0 && others == 1));

    return view;
}


int
sss_presence_without(sss_presence_t *p, const uint8_t *tags, size_t n,
    uint32_t now)
{
    int       alive;
    unsigned  i, left;

    alive = 0;
    left = 0;

    for (i = 0; i < p->n; i++) {

        if (!sss_presence_known(&p->entry[i], tags, n)) {
            p->entry[left++] = p->entry[i];

        } else if (sss_presence_alive(&p->entry[i], now)) {
            alive = 1;
        }
    }

    p->n = left;

    return alive;
}


/*
 * An entry from the future does not count, or a forged one, or one of a host
 * with a wrong clock, would count for years.
 */

static int
sss_presence_alive(const sss_presence_entry_t *entry, uint32_t now)
{
    int64_t  age;

    age = (int64_t) now - entry->seen;

    return age <= SSS_PRESENCE_LIFE && age >= -SSS_PRESENCE_LIFE;
}


static int
sss_presence_due(const sss_presence_entry_t *entry, const uint8_t *host,
    uint32_t now)
{
    int64_t  age;

    age = (int64_t) now - entry->seen;

    if (age < 0) {
        age = -age;
    }

    return age >= (sss_presence_is(entry, host) ? SSS_PRESENCE_OWN
                                                : SSS_PRESENCE_OTHER);
}


static int
sss_presence_known(const sss_presence_entry_t *entry, const uint8_t *tags,
    size_t n)
{
    size_t  i;

    for (i = 0; i < n; i++) {
        if (memcmp(entry->tag, tags + i * SSS_TAG_SIZE, SSS_TAG_SIZE) == 0) {
            return 1;
        }
    }

    return 0;
}


static int
sss_presence_is(const sss_presence_entry_t *entry, const uint8_t *host)
{
    return memcmp(entry->host, host, sizeof(entry->host)) == 0;
}
