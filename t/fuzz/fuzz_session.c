
/*
 * The first byte chooses what the rest is: an ID from a stranger, a record
 * from a stranger, or how an ID and a record of our own are damaged.
 */

#include "fuzz.h"

#include "sss_seal.h"
#include "sss_session.h"


#define KEYS  6
#define NOW   1000


static void check_stranger(sss_session_keys_t *keys, const sss_ring_t *ring,
    const uint8_t *data, size_t size);
static void check_record(sss_session_keys_t *keys, const sss_ring_t *ring,
    const uint8_t *data, size_t size);
static void check_damaged(sss_session_keys_t *keys, const sss_ring_t *ring,
    const uint8_t *data, size_t size);
static sss_ring_t *make_ring(void);


static uint8_t  scope[SSS_SCOPE_SIZE] = { 1, 2, 3 };


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static sss_ring_t          *ring;
    static sss_session_keys_t  *keys;

    if (ring == NULL) {
        ring = make_ring();
        keys = sss_session_keys_create();
        fuzz_check(keys != NULL);
    }

    if (size == 0) {
        return 0;
    }

    switch (data[0] % 4) {

    case 0:
        check_stranger(keys, ring, data + 1, size - 1);
        break;

    case 1:
        check_record(keys, ring, data + 1, size - 1);
        break;

    case 2:
        check_damaged(keys, ring, data + 1, size - 1);
        break;

    default:
        sss_session_keys_sweep(keys, ring);
    }

    return 0;
}


/*
 * A ring in which four names begin with the same bytes; one of the other keys
 * has expired.
 */

static sss_ring_t *
make_ring(void)
{
    unsigned     i;
    sss_key_t    key;
    sss_ring_t  *ring;

    ring = malloc(sss_ring_size(KEYS));
    fuzz_check(ring != NULL);

    sss_ring_init(ring, KEYS);

    for (i = 0; i < KEYS; i++) {
        memset(&key, 0, sizeof(key));

        key.slot = 1 + i;
        key.rotation = 10;
        key.expires = i == 0 ? NOW : NOW + 1;

        memset(key.name, 'n', 4);
        memset(key.name + 4, 'A' + (int) i, sizeof(key.name) - 4);
        memset(key.aes, 'a' + (int) i, sizeof(key.aes));
        memset(key.hmac, 'h' + (int) i, sizeof(key.hmac));

        if (i < 2) {
            key.name[0] = (uint8_t) i;
        }

        fuzz_check(sss_ring_add(ring, &key) == 1);
    }

    return ring;
}


/* The rest of the input is an ID. */

static void
check_stranger(sss_session_keys_t *keys, const sss_ring_t *ring,
    const uint8_t *data, size_t size)
{
    size_t            i;
    uint8_t           id[SSS_SESSION_ID];
    const sss_key_t  *key;

    key = sss_session_id_verify(keys, ring, data, size, NOW);

    /* one of the seed inputs is an ID of this ring, no other input can be */

    if (key != NULL) {
        fuzz_check(size == SSS_SESSION_ID);
        fuzz_check(memcmp(key->name, data, 4) == 0);
        fuzz_check(key->expires > NOW);

        for (i = 0; i < 22; i++) {
            memcpy(id, data, sizeof(id));
            id[i] ^= 1;
            fuzz_check(sss_session_id_verify(keys, ring, id, sizeof(id), NOW)
                       == NULL);
        }

        fuzz_check(sss_session_id_verify(keys, ring, data, size, NOW + 1)
                   == NULL);
    }
}


/* The length of the namespace, its bytes, an ID, and a record. */

static void
check_record(sss_session_keys_t *keys, const sss_ring_t *ring,
    const uint8_t *data, size_t size)
{
    char            name[SSS_NAME_SIZE];
    size_t          room;
    uint8_t        *out;
    sss_sni_t       sni;
    const char     *ns;
    size_t          ns_len;
    const uint8_t  *id;

    if (size < 1 + SSS_SESSION_ID || size - 1 - SSS_SESSION_ID < data[0]) {
        return;
    }

    ns_len = data[0];
    ns = (const char *) data + 1;
    id = data + 1 + ns_len;

    data = id + SSS_SESSION_ID;
    size -= 1 + ns_len + SSS_SESSION_ID;

    (void) sss_sni_set(&sni, ns, ns_len);

    sss_session_name(keys, &ring->keys[1], id, name);
    fuzz_check(strlen(name) == SSS_NAME_SIZE - 1);
    fuzz_check(strspn(name + 5, "0123456789abcdef") == 40);

    room = size < SSS_SESSION_OVERHEAD ? 0 : size - SSS_SESSION_OVERHEAD;

    out = malloc(room + 1);
    fuzz_check(out != NULL);
    memset(out, 0xa5, room + 1);

    fuzz_check(sss_session_open(keys, &ring->keys[1], ns, ns_len, id, scope,
                                &sni, data, size, out)
               == -1);
    fuzz_check(size < SSS_SESSION_OVERHEAD || fuzz_zero(out, room));
    fuzz_check(out[room] == 0xa5);

    free(out);
}


/*
 * Which byte of the ID, of the scope, of the name and of the record is changed
 * by which bits; what is left is the session.
 */

static void
check_damaged(sss_session_keys_t *keys, const sss_ring_t *ring,
    const uint8_t *data, size_t size)
{
    long              rc;
    size_t            len, where;
    uint8_t           id[SSS_SESSION_ID], other[SSS_SCOPE_SIZE];
    uint8_t          *sealed, *out;
    unsigned          id_bits, bits;
    sss_sni_t         sni, name;
    const sss_key_t  *key, *found;

    if (size < 9) {
        return;
    }

    fuzz_check(sss_sni_set(&sni, "a.example", 9) == 0);

    key = &ring->keys[data[0] % (KEYS - 1)];
    fuzz_check(key->expires > NOW);
    fuzz_check(sss_session_id_mint(keys, key, scope, &sni, id) == 0);

    len = size - 9 + SSS_SESSION_OVERHEAD;
    sealed = malloc(len);
    out = malloc(len - SSS_SESSION_OVERHEAD + 1);
    fuzz_check(sealed != NULL && out != NULL);

    fuzz_check(sss_session_seal(keys, key, "main", 4, id, scope, &sni,
                                data + 9, size - 9, sealed)
               == 0);

    where = data[1] % SSS_SESSION_ID;
    id_bits = data[2];
    id[where] ^= (uint8_t) id_bits;

    memcpy(other, scope, sizeof(other));
    other[data[3] % SSS_SCOPE_SIZE] ^= data[4];

    name = sni;
    name.name[data[5] % sni.len] ^= data[6];

    sealed[data[7] % len] ^= data[8];

    found = sss_session_id_verify(keys, ring, id, sizeof(id), NOW);
    fuzz_check(found == (id_bits == 0 || where >= 22 ? key : NULL));

    bits = id_bits | data[4] | data[6];

    fuzz_check(sss_session_id_bound(keys, key, id, other, &name)
               == (bits == 0));

    fuzz_check(sss_session_id_accept(keys, ring, id, sizeof(id), other,
                                     &name, NOW)
               == (bits == 0 ? key : NULL));

    rc = sss_session_open(keys, key, "main", 4, id, other, &name, sealed,
                          len, out);

    if ((bits | data[8]) == 0) {
        fuzz_check(rc == (long) (size - 9));
        fuzz_check(memcmp(out, data + 9, size - 9) == 0);

    } else {
        fuzz_check(rc == -1);
        fuzz_check(fuzz_zero(out, size - 9));
    }

    free(sealed);
    free(out);
}
