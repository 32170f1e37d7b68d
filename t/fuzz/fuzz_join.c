
/*
 * If the first byte is even, the rest is a record at the door, whose MAC is
 * corrected if the next bit is set.  If it is odd, the rest says how an answer
 * to a request of this host is damaged.
 */

#include "fuzz.h"

#include "sss_join.h"


#define NOW  UINT64_C(1800000000000)


static sss_join_key_t  key;
static sss_join_t      join;
static sss_group_t     group;
static const uint8_t   secret[SSS_SECRET_SIZE] = { 1, 2, 3 };


static void prepare(void);
static size_t authentic(const uint8_t *data, size_t size, uint8_t *out);
static void check_stranger(const uint8_t *bytes, size_t len);
static void check_damaged(const uint8_t *data, size_t size);
static void check_open(const uint8_t *bytes, size_t len, int good);


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t  *bytes;

    prepare();

    if (size == 0) {
        return 0;
    }

    if (data[0] & 1) {
        check_damaged(data + 1, size - 1);
        return 0;
    }

    /* an exact copy: a sanitizer sees a byte read too many */

    bytes = malloc(size + SSS_JOIN_MAC);
    fuzz_check(bytes != NULL);

    if ((data[0] & 2) && size < SSS_JOIN_REQUEST) {
        size = authentic(data + 1, size - 1, bytes);

    } else {
        memcpy(bytes, data + 1, --size);
    }

    bytes = realloc(bytes, size + (size == 0));
    fuzz_check(bytes != NULL);

    check_stranger(bytes, size);
    free(bytes);

    return 0;
}


static void
prepare(void)
{
    if (join.len != 0) {
        return;
    }

    fuzz_check(sss_join_key(&key, secret, "main", 4) == 0);

    sss_group_init(&group, 1);
    fuzz_check(sss_group_found(&group, 2000, NOW) == 0);
    fuzz_check(sss_join_begin(&join, &key, &group.label, NOW) == 0);
}


static size_t
authentic(const uint8_t *data, size_t size, uint8_t *out)
{
    uint8_t  text[SSS_JOIN_REQUEST + 4], mac[SSS_HMAC_SIZE];

    memcpy(text, data, size);
    memcpy(text + size, "main", 4);
    sss_hmac(&key.mac, text, size + 4, mac);

    memcpy(out, data, size);
    memcpy(out + size, mac, SSS_JOIN_MAC);

    return size + SSS_JOIN_MAC;
}


static void
check_stranger(const uint8_t *bytes, size_t len)
{
    size_t           n;
    uint8_t          answer[SSS_JOIN_ANSWER];
    sss_join_kind_t  kind;

    kind = sss_join_kind(&key, bytes, len);

    if (kind == SSS_JOIN_ASKS) {
        (void) sss_join_asks_for(bytes, &group.label);

        n = sss_join_answer(&key, &group, bytes, len, NOW, answer);

        if (n != 0) {
            fuzz_check(n <= sizeof(answer));
            fuzz_check(sss_join_kind(&key, answer, n) == SSS_JOIN_ANSWERS);
            check_open(answer, n, 0);
        }

    } else if (kind == SSS_JOIN_ANSWERS) {
        (void) sss_join_answers(bytes, join.hash);
        check_open(bytes, len, 0);

    } else {
        fuzz_check(kind == SSS_JOIN_NOTHING);
    }
}


static void
check_damaged(const uint8_t *data, size_t size)
{
    size_t   len, where;
    uint8_t  answer[SSS_JOIN_ANSWER];

    if (size < 3) {
        return;
    }

    len = sss_join_answer(&key, &group, join.request, join.len, NOW, answer);
    fuzz_check(len != 0);

    where = ((size_t) data[0] << 8 | data[1]) % len;
    answer[where] ^= data[2];

    fuzz_check((sss_join_kind(&key, answer, len) == SSS_JOIN_ANSWERS)
               == (data[2] == 0));

    /* only the MAC protects the header; HPKE protects the rest as well */

    if (data[2] == 0) {
        check_open(answer, len, 1);

    } else if (where >= 8 + SSS_JOIN_HASH && where < len - SSS_JOIN_MAC) {
        check_open(answer, len, 0);
    }
}


static void
check_open(const uint8_t *bytes, size_t len, int good)
{
    sss_group_t  into, before;

    memset(&into, 0xa5, sizeof(into));
    before = into;

    if (good) {
        fuzz_check(sss_join_open(&join, &key, bytes, len, NOW, &into) == 0);
        fuzz_check(sss_label_same(&into.label, &group.label));
        fuzz_check(memcmp(into.key, group.key, SSS_GROUP_KEY) == 0);
        return;
    }

    fuzz_check(sss_join_open(&join, &key, bytes, len, NOW, &into) == -1);
    fuzz_check(memcmp(&into, &before, sizeof(into)) == 0);
}
