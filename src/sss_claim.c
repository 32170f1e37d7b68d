
#include <string.h>

#include <openssl/sha.h>

#include "sss_claim.h"
#include "sss_name.h"
#include "sss_number.h"


#define SSS_CLAIM_INFO   "ngx_ssl_session_sync early log 1"
#define SSS_CLAIM_OWNER  8              /* offsets in a record             */
#define SSS_CLAIM_CHECK  16

#define sss_len(literal)  (sizeof(literal) - 1)


static uint32_t sss_claim_check(const uint8_t *record);
static int sss_claim_timely(const sss_claim_badge_t *badge, uint64_t now);
static sss_claim_rc_t sss_claim_find(const sss_claim_t *claim,
    const uint8_t *log, size_t len);


static const uint8_t  sss_claim_magic[4] = { 'S', 'S', 'B', '1' };


uint64_t
sss_claim_slot(uint64_t sent)
{
    return sent / SSS_CLAIM_SLOT;
}


void
sss_claim_name(const char *ns, size_t ns_len, uint64_t slot, unsigned shard,
    char *name)
{
    uint8_t  text[sss_len(SSS_CLAIM_INFO) + 1 + SSS_CLAIM_NS + 10], *p;
    uint8_t  hash[SHA256_DIGEST_LENGTH];

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

    p = sss_put64(p, slot);
    *p++ = (uint8_t) (shard >> 8);
    *p++ = (uint8_t) shard;

    (void) SHA256(text, (size_t) (p - text), hash);

    sss_name_write(hash, name);
}


void
sss_claim_init(sss_claim_t *claim, const char *ns, size_t ns_len,
    uint64_t slot, const uint8_t *hash, const uint8_t *nonce, uint64_t server)
{
    claim->server = server;

    sss_claim_name(ns, ns_len, slot, hash[0], claim->log);
    sss_claim_name(ns, ns_len, 0, SSS_CLAIM_SHARDS, claim->badge);

    memcpy(claim->record, hash + 1, SSS_CLAIM_OWNER);
    memcpy(claim->record + SSS_CLAIM_OWNER, nonce,
           SSS_CLAIM_CHECK - SSS_CLAIM_OWNER);

    (void) sss_put32(claim->record + SSS_CLAIM_CHECK,
                     sss_claim_check(claim->record));
}


void
sss_claim_look(sss_claim_t *claim, const char *ns, size_t ns_len)
{
    memset(claim, 0, sizeof(sss_claim_t));

    sss_claim_name(ns, ns_len, 0, 0, claim->log);
    sss_claim_name(ns, ns_len, 0, SSS_CLAIM_SHARDS, claim->badge);
}


void
sss_claim_badge(uint64_t id, uint64_t expires, uint8_t *badge)
{
    memcpy(badge, sss_claim_magic, sizeof(sss_claim_magic));

    badge = sss_put64(badge + sizeof(sss_claim_magic), id);
    (void) sss_put64(badge, expires);
}


uint64_t
sss_claim_badge_expires(uint64_t now)
{
    return now < INT32_MAX - SSS_CLAIM_YEAR ? now + SSS_CLAIM_YEAR
                                            : INT32_MAX;
}


void
sss_claim_badge_read(const uint8_t *value, size_t len, uint64_t left,
    sss_claim_badge_t *badge)
{
    uint64_t  expires;

    memset(badge, 0, sizeof(sss_claim_badge_t));

    if (len != SSS_CLAIM_BADGE
        || memcmp(value, sss_claim_magic, sizeof(sss_claim_magic)) != 0)
    {
        return;
    }

    expires = sss_get64(value + sizeof(sss_claim_magic) + 8);

    if (expires <= INT32_MAX && left <= expires) {
        badge->id = sss_get64(value + sizeof(sss_claim_magic));
        badge->clock = expires - left;
    }
}


sss_claim_rc_t
sss_claim_judge(const sss_claim_t *claim, const sss_claim_reply_t *reply,
    const uint8_t *log, size_t len, uint64_t now)
{
    sss_claim_rc_t  rc;

    if (!reply->logged) {
        return SSS_CLAIM_LOST;
    }

    if (log == NULL || len < SSS_CLAIM_LOG || len % SSS_CLAIM_RECORD != 0
        || memcmp(log, SSS_CLAIM_EMPTY, SSS_CLAIM_LOG) != 0)
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

    if (claim->server == 0
        || reply->before.id != claim->server
        || reply->after.id != claim->server)
    {
        return SSS_CLAIM_SERVER;
    }

    if (reply->log_left > SSS_CLAIM_TTL - SSS_CLAIM_LIFE) {
        return SSS_CLAIM_YOUNG;
    }

    /* what was done in between was done between these two times */

    if (!sss_claim_timely(&reply->before, now)
        || !sss_claim_timely(&reply->after, now))
    {
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
        "memcached is not the process that the ticket names",
        "the log of claims in memcached is too new",
        "the clock differs from that of memcached",
        "the log of claims in memcached is none"
    };

    return text[rc];
}


static uint32_t
sss_claim_check(const uint8_t *record)
{
    uint64_t  sum;

    sum = sss_get64(record) * 0x9e3779b97f4a7c15
          + sss_get64(record + SSS_CLAIM_OWNER);

    return (uint32_t) (sum * 0xd6e8feb86659fd93 >> 32);
}


/* Whether the clock of the server is about the host's. */

static int
sss_claim_timely(const sss_claim_badge_t *badge, uint64_t now)
{
    return badge->clock <= now + SSS_CLAIM_CLOCK
           && now <= badge->clock + SSS_CLAIM_CLOCK;
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

        (void) sss_put32(check, sss_claim_check(record));

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
