
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include "sss_hpke.h"
#include "sss_join.h"
#include "sss_memory.h"
#include "sss_number.h"


#define SSS_JOIN_INFO   "ngx_ssl_session_sync join 1"
#define SSS_JOIN_SPACE  256             /* longest namespace               */


/* Room for the texts of one answer. */

typedef struct {
    sss_hpke_t   hpke;
    uint8_t      info[sizeof(SSS_JOIN_INFO) - 1 + SSS_JOIN_SPACE];
    uint8_t      plain[SSS_JOIN_PLAIN];
} sss_join_work_t;


static void sss_join_head(uint8_t *out, sss_join_kind_t kind, size_t number);
static void sss_join_mac(const sss_join_key_t *key, const uint8_t *text,
    size_t len, uint8_t *mac);
static int sss_join_hash(const uint8_t *in, size_t len, uint8_t *hash);
static size_t sss_join_size(const uint8_t *in);
static void sss_join_hpke(sss_join_work_t *work, const sss_join_key_t *key,
    sss_kem_t kem, const uint8_t *hash);
static void sss_join_write(const sss_group_t *group, uint64_t now_ms,
    uint8_t *plain);
static int sss_join_read(const sss_join_t *join, const uint8_t *plain,
    uint64_t now_ms, sss_group_t *group);


int
sss_join_key(sss_join_key_t *key, const uint8_t *secret, const char *ns,
    size_t ns_len)
{
    if (ns_len > SSS_JOIN_SPACE) {
        return -1;
    }

    key->secret = secret;
    key->ns = ns;
    key->ns_len = ns_len;

    if (sss_secret_mac_key(secret, SSS_JOIN_INFO, &key->mac) != 0) {
        return -1;
    }

    return sss_secret_tag(secret, 1, key->tag);
}


int
sss_join_begin(sss_join_t *join, const sss_join_key_t *key,
    const sss_label_t *group, uint64_t now_ms)
{
    size_t    n;
    uint8_t  *p;

    sss_join_end(join);

    p = join->request;
    n = sss_kem_available(SSS_KEM_XWING) ? sss_kem_public_size(SSS_KEM_XWING)
                                         : 0;

    sss_join_head(p, SSS_JOIN_ASKS, n);

    (void) sss_put32(p + 8, group->generation);
    memcpy(p + 16, group->id, SSS_GROUP_ID);

    if (sss_kem_generate(SSS_KEM_X25519, join->x25519, p + 32) != 0
        || (n != 0
            && sss_kem_generate(SSS_KEM_XWING, join->xwing,
                                p + SSS_JOIN_HEAD)
               != 0))
    {
        sss_join_end(join);
        return -1;
    }

    n += SSS_JOIN_HEAD;

    sss_join_mac(key, p, n, p + n);

    n += SSS_JOIN_MAC;

    if (sss_join_hash(p, n, join->hash) != 0) {
        sss_join_end(join);
        return -1;
    }

    join->group = *group;
    join->begun_ms = now_ms;
    join->len = n;

    return 0;
}


void
sss_join_end(sss_join_t *join)
{
    sss_memory_wipe(join, sizeof(sss_join_t));
}


sss_join_kind_t
sss_join_kind(const sss_join_key_t *key, const uint8_t *in, size_t len)
{
    uint8_t  mac[SSS_JOIN_MAC];

    if (len < SSS_JOIN_HEAD + SSS_JOIN_MAC || memcmp(in, "SSSJ\1", 5) != 0
        || sss_join_size(in) != len)
    {
        return SSS_JOIN_NOTHING;
    }

    sss_join_mac(key, in, len - SSS_JOIN_MAC, mac);

    if (CRYPTO_memcmp(mac, in + len - SSS_JOIN_MAC, SSS_JOIN_MAC) != 0) {
        return SSS_JOIN_NOTHING;
    }

    return (sss_join_kind_t) in[5];
}


int
sss_join_asks_for(const uint8_t *request, const sss_label_t *group)
{
    return sss_get32(request + 8) == group->generation
           && memcmp(request + 16, group->id, SSS_GROUP_ID) == 0;
}


int
sss_join_has_hash(const uint8_t *request, size_t len, const uint8_t *hash)
{
    uint8_t  its[SSS_JOIN_HASH];

    return sss_join_hash(request, len, its) == 0
           && memcmp(its, hash, SSS_JOIN_HASH) == 0;
}


int
sss_join_answers(const uint8_t *answer, const uint8_t *hash)
{
    return memcmp(answer + 8, hash, SSS_JOIN_HASH) == 0;
}


size_t
sss_join_answer(const sss_join_key_t *key, const sss_group_t *group,
    const uint8_t *request, size_t len, uint64_t now_ms, uint8_t *out)
{
    int               rc;
    size_t            n;
    sss_kem_t         kem;
    const uint8_t    *public_key;
    sss_join_work_t   work;

    kem = SSS_KEM_X25519;
    public_key = request + 32;

    if ((request[6] || request[7]) && sss_kem_available(SSS_KEM_XWING)) {
        kem = SSS_KEM_XWING;
        public_key = request + SSS_JOIN_HEAD;
    }

    sss_join_head(out, SSS_JOIN_ANSWERS, kem);

    if (sss_join_hash(request, len, out + 8) != 0) {
        return 0;
    }

    n = 8 + SSS_JOIN_HASH + sss_kem_sent_size(kem);

    sss_join_write(group, now_ms, work.plain);
    sss_join_hpke(&work, key, kem, out + 8);

    rc = sss_hpke_seal(&work.hpke, public_key, work.plain, SSS_JOIN_PLAIN,
                       out + 8 + SSS_JOIN_HASH, out + n);

    sss_memory_wipe(&work, sizeof(work));

    if (rc != 0) {
        return 0;
    }

    n += SSS_JOIN_PLAIN + SSS_AEAD_TAG;

    sss_join_mac(key, out, n, out + n);

    return n + SSS_JOIN_MAC;
}


int
sss_join_open(const sss_join_t *join, const sss_join_key_t *key,
    const uint8_t *answer, size_t len, uint64_t now_ms, sss_group_t *group)
{
    int               rc;
    size_t            n;
    sss_kem_t         kem;
    const uint8_t    *private_key, *public_key;
    sss_join_work_t   work;

    kem = (sss_kem_t) (answer[6] << 8 | answer[7]);

    private_key = join->x25519;
    public_key = join->request + 32;

    if (kem == SSS_KEM_XWING) {

        if (join->len <= SSS_JOIN_HEAD + SSS_JOIN_MAC) {
            return -1;
        }

        private_key = join->xwing;
        public_key = join->request + SSS_JOIN_HEAD;
    }

    n = 8 + SSS_JOIN_HASH + sss_kem_sent_size(kem);

    sss_join_hpke(&work, key, kem, join->hash);

    rc = sss_hpke_open(&work.hpke, private_key, public_key,
                       answer + 8 + SSS_JOIN_HASH, answer + n,
                       len - n - SSS_JOIN_MAC, work.plain);

    if (rc == 0) {
        rc = sss_join_read(join, work.plain, now_ms, group);
    }

    sss_memory_wipe(&work, sizeof(work));

    return rc;
}


static void
sss_join_head(uint8_t *out, sss_join_kind_t kind, size_t number)
{
    memset(out, 0, 16);

    memcpy(out, "SSSJ\1", 5);
    out[5] = (uint8_t) kind;
    out[6] = (uint8_t) (number >> 8);
    out[7] = (uint8_t) number;
}


/* How long a message that begins like this must be; 0: it is none. */

static size_t
sss_join_size(const uint8_t *in)
{
    size_t  n;

    n = (size_t) in[6] << 8 | in[7];

    switch (in[5]) {

    case SSS_JOIN_ASKS:

        if (n != 0 && n != sss_kem_public_size(SSS_KEM_XWING)) {
            return 0;
        }

        return SSS_JOIN_HEAD + n + SSS_JOIN_MAC;

    case SSS_JOIN_ANSWERS:

        n = sss_kem_sent_size((sss_kem_t) n);

        return n == 0 ? 0 : 8 + SSS_JOIN_HASH + n + SSS_JOIN_PLAIN
                            + SSS_AEAD_TAG + SSS_JOIN_MAC;
    }

    return 0;
}


static void
sss_join_mac(const sss_join_key_t *key, const uint8_t *text, size_t len,
    uint8_t *mac)
{
    uint8_t  all[SSS_JOIN_REQUEST + SSS_JOIN_ANSWER + SSS_JOIN_SPACE];
    uint8_t  full[SSS_HMAC_SIZE];

    memcpy(all, text, len);

    if (key->ns_len > 0) {
        memcpy(all + len, key->ns, key->ns_len);
    }

    sss_hmac(&key->mac, all, len + key->ns_len, full);
    memcpy(mac, full, SSS_JOIN_MAC);
}


static int
sss_join_hash(const uint8_t *in, size_t len, uint8_t *hash)
{
    return EVP_Digest(in, len, hash, NULL, EVP_sha256(), NULL) == 1 ? 0 : -1;
}


static void
sss_join_hpke(sss_join_work_t *work, const sss_join_key_t *key, sss_kem_t kem,
    const uint8_t *hash)
{
    memcpy(work->info, SSS_JOIN_INFO, sizeof(SSS_JOIN_INFO) - 1);

    if (key->ns_len > 0) {
        memcpy(work->info + sizeof(SSS_JOIN_INFO) - 1, key->ns, key->ns_len);
    }

    work->hpke.kem = kem;
    work->hpke.psk = key->secret;
    work->hpke.psk_id = key->tag;
    work->hpke.psk_id_len = SSS_TAG_SIZE;
    work->hpke.info = work->info;
    work->hpke.info_len = sizeof(SSS_JOIN_INFO) - 1 + key->ns_len;
    work->hpke.aad = hash;
    work->hpke.aad_len = SSS_JOIN_HASH;
}


static void
sss_join_write(const sss_group_t *group, uint64_t now_ms, uint8_t *plain)
{
    uint8_t   *p;
    uint64_t   elapsed;

    elapsed = now_ms > group->since_ms ? now_ms - group->since_ms : 0;

    p = sss_put32(plain, group->label.generation);
    p = sss_put32(p, group->label.epoch);
    p = sss_put64(p, group->label.created);

    memcpy(p, group->label.id, SSS_GROUP_ID);

    p = sss_put32(p + SSS_GROUP_ID, group->label.poll_ms);
    p = sss_put64(p, elapsed);

    memcpy(p, group->key, SSS_GROUP_KEY);
}


/* An answer about another group is none that a working member gives. */

static int
sss_join_read(const sss_join_t *join, const uint8_t *plain, uint64_t now_ms,
    sss_group_t *group)
{
    uint64_t     elapsed, begun_ms;
    sss_label_t  label;

    label.generation = sss_get32(plain);
    label.epoch = sss_get32(plain + 4);
    label.created = sss_get64(plain + 8);
    memcpy(label.id, plain + 16, SSS_GROUP_ID);
    label.poll_ms = sss_get32(plain + 32);
    elapsed = sss_get64(plain + 36);

    if (!sss_label_same(&label, &join->group) || label.created == 0) {
        return -1;
    }

    begun_ms = join->begun_ms < now_ms ? join->begun_ms : now_ms;

    sss_group_init(group, label.generation);

    group->label = label;
    group->since_ms = elapsed < begun_ms ? begun_ms - elapsed : 0;
    group->member = 1;
    memcpy(group->key, plain + 44, SSS_GROUP_KEY);

    return 0;
}
