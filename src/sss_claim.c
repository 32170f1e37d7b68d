
#include <string.h>

#include <openssl/sha.h>

#include "sss_claim.h"


#define SSS_CLAIM_INFO   "ngx_ssl_session_sync early log 1"
#define SSS_CLAIM_OWNER  8              /* offsets in a record             */
#define SSS_CLAIM_CHECK  16
#define SSS_CLAIM_NAME   20             /* bytes of a hash in a name       */

#define sss_len(literal)  (sizeof(literal) - 1)


static uint8_t *sss_claim_number(uint8_t *p, uint64_t n, unsigned width);
static uint64_t sss_claim_read(const uint8_t *p);
static uint32_t sss_claim_check(const uint8_t *record);
static sss_claim_rc_t sss_claim_find(const sss_claim_t *claim,
    const uint8_t *log, size_t len);


static const uint8_t  sss_claim_empty[SSS_CLAIM_LOG] = "SSL1";
static const uint8_t  sss_claim_magic[SSS_CLAIM_MARK / 2] = "SSM1";


uint64_t
sss_claim_slot(uint64_t sent)
{
    return sent / SSS_CLAIM_SLOT;
}


void
sss_claim_name(const char *ns, size_t ns_len, uint64_t slot, unsigned shard,
    char *name)
{
    size_t   i;
    uint8_t  text[sss_len(SSS_CLAIM_INFO) + 1 + SSS_CLAIM_NS + 10], *p;
    uint8_t  hash[SHA256_DIGEST_LENGTH];

    static const char  hex[] = "0123456789abcdef";

    if (ns_len > SSS_CLAIM_NS) {
        ns_len = SSS_CLAIM_NS;
    }

    memcpy(text, SSS_CLAIM_INFO, sss_len(SSS_CLAIM_INFO));
    p = text + sss_len(SSS_CLAIM_INFO);

    *p++ = (uint8_t) ns_len;

    if (ns_len > 0) {
        memcpy(p, ns, ns_len);
        p += ns_len;
    }

    p = sss_claim_number(p, slot, 8);
    p = sss_claim_number(p, shard, 2);

    (void) SHA256(text, (size_t) (p - text), hash);

    memcpy(name, "sss1:", 5);
    name += 5;

    for (i = 0; i < SSS_CLAIM_NAME; i++) {
        *name++ = hex[hash[i] >> 4];
        *name++ = hex[hash[i] & 0xf];
    }

    *name = '\0';
}


void
sss_claim_init(sss_claim_t *claim, const char *ns, size_t ns_len,
    uint64_t slot, const uint8_t *hash, const uint8_t *nonce)
{
    claim->slot = slot;

    sss_claim_name(ns, ns_len, slot, hash[0], claim->log);
    sss_claim_name(ns, ns_len, slot, SSS_CLAIM_SHARDS, claim->mark);

    memcpy(claim->record, hash + 1, SSS_CLAIM_OWNER);
    memcpy(claim->record + SSS_CLAIM_OWNER, nonce,
           SSS_CLAIM_CHECK - SSS_CLAIM_OWNER);

    (void) sss_claim_number(claim->record + SSS_CLAIM_CHECK,
                            sss_claim_check(claim->record), 4);
}


void
sss_claim_look(sss_claim_t *claim, const char *ns, size_t ns_len,
    uint64_t slot)
{
    memset(claim, 0, sizeof(sss_claim_t));

    claim->slot = slot;

    sss_claim_name(ns, ns_len, slot, SSS_CLAIM_SHARDS + 1, claim->log);
    sss_claim_name(ns, ns_len, slot, SSS_CLAIM_SHARDS, claim->mark);
}


void
sss_claim_log(uint8_t *log)
{
    memcpy(log, sss_claim_empty, SSS_CLAIM_LOG);
}


void
sss_claim_mark(uint64_t servers, uint8_t *mark)
{
    memcpy(mark, sss_claim_magic, sizeof(sss_claim_magic));

    (void) sss_claim_number(mark + sizeof(sss_claim_magic), servers, 8);
}


uint64_t
sss_claim_mark_expires(uint64_t slot)
{
    return (slot + SSS_CLAIM_MARKS) * SSS_CLAIM_SLOT;
}


int
sss_claim_mark_read(const uint8_t *mark, size_t len, uint64_t *servers)
{
    *servers = 0;

    if (len != SSS_CLAIM_MARK
        || memcmp(mark, sss_claim_magic, sizeof(sss_claim_magic)) != 0)
    {
        return -1;
    }

    *servers = sss_claim_read(mark + sizeof(sss_claim_magic));

    return 0;
}


sss_claim_rc_t
sss_claim_judge(const sss_claim_t *claim, const sss_claim_reply_t *reply,
    const uint8_t *log, size_t len, uint64_t servers, uint64_t now)
{
    uint64_t        clock;
    sss_claim_rc_t  rc;

    if (!reply->logged || !reply->marked) {
        return SSS_CLAIM_LOST;
    }

    if (log == NULL || len < SSS_CLAIM_LOG || len % SSS_CLAIM_RECORD != 0
        || memcmp(log, sss_claim_empty, SSS_CLAIM_LOG) != 0)
    {
        return SSS_CLAIM_BAD;
    }

    rc = sss_claim_find(claim, log, len);

    if (rc != SSS_CLAIM_FIRST) {
        return rc;
    }

    if (!reply->stored) {
        return SSS_CLAIM_LOST;
    }

    if (reply->log_left > SSS_CLAIM_TTL - SSS_CLAIM_LIFE) {
        return SSS_CLAIM_YOUNG;
    }

    if (reply->servers != servers) {
        return SSS_CLAIM_SERVERS;
    }

    clock = sss_claim_mark_expires(claim->slot) - reply->mark_left;

    if (now + SSS_CLAIM_CLOCK < clock || clock + SSS_CLAIM_CLOCK < now) {
        return SSS_CLAIM_TIME;
    }

    return SSS_CLAIM_FIRST;
}


const char *
sss_claim_strerror(sss_claim_rc_t rc)
{
    static const char *const  text[] = {
        "nobody has claimed it before",
        "it has been claimed before",
        "memcached has no log of claims",
        "the log of claims in memcached is too new",
        "some host has other memcached servers",
        "the clock differs from that of memcached",
        "the log of claims in memcached is none"
    };

    return text[rc];
}


static uint8_t *
sss_claim_number(uint8_t *p, uint64_t n, unsigned width)
{
    while (width-- > 0) {
        *p++ = (uint8_t) (n >> 8 * width);
    }

    return p;
}


static uint64_t
sss_claim_read(const uint8_t *p)
{
    size_t    i;
    uint64_t  n;

    n = 0;

    for (i = 0; i < 8; i++) {
        n = n << 8 | p[i];
    }

    return n;
}


static uint32_t
sss_claim_check(const uint8_t *record)
{
    uint64_t  sum;

    sum = sss_claim_read(record) * 0x9e3779b97f4a7c15
          + sss_claim_read(record + SSS_CLAIM_OWNER);

    return (uint32_t) (sum * 0xd6e8feb86659fd93 >> 32);
}


/* Whose is the first record of this flight? */

static sss_claim_rc_t
sss_claim_find(const sss_claim_t *claim, const uint8_t *log, size_t len)
{
    size_t          i;
    uint8_t         check[4];
    const uint8_t  *record;

    for (i = SSS_CLAIM_LOG; i < len; i += SSS_CLAIM_RECORD) {

        record = log + i;

        (void) sss_claim_number(check, sss_claim_check(record), 4);

        if (memcmp(record + SSS_CLAIM_CHECK, check, sizeof(check)) != 0) {
            return SSS_CLAIM_BAD;
        }

        if (memcmp(record, claim->record, SSS_CLAIM_OWNER) == 0) {
            return memcmp(record, claim->record, SSS_CLAIM_RECORD) == 0
                   ? SSS_CLAIM_FIRST : SSS_CLAIM_REPLAY;
        }
    }

    /* the log was made again since it was appended to */

    return SSS_CLAIM_LOST;
}
