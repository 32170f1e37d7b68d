
/* The input is what a memcached server answers. */

#include "fuzz.h"

#include "sss_reply.h"


static void check_value(const uint8_t *data, const sss_reply_t *reply);
static void check_prefixes(const uint8_t *data, size_t size,
    sss_reply_rc_t rc);


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t          i, left;
    sss_reply_t     reply;
    sss_reply_rc_t  rc;

    for (i = 0; i < size; i += reply.size) {

        left = size - i;
        rc = sss_reply_parse(data + i, left, &reply);

        check_prefixes(data + i, left, rc);

        if (rc == SSS_REPLY_BAD) {
            return 0;
        }

        if (rc == SSS_REPLY_MORE) {
            fuzz_check(reply.size > left);
            fuzz_check(reply.size <= SSS_REPLY_MAX);
            return 0;
        }

        fuzz_check(reply.size >= 4 && reply.size <= left);

        if (rc == SSS_REPLY_META) {
            fuzz_check(reply.value + reply.len + 2 == data + i + reply.size);
            fuzz_check(reply.left <= UINT32_MAX);
        }

        if (rc == SSS_REPLY_VALUE_OF) {
            check_value(data + i, &reply);
        }

        if (rc == SSS_REPLY_LARGE) {
            fuzz_check(reply.len > SSS_REPLY_VALUE);
            fuzz_check(reply.size <= SSS_REPLY_LINE);
        }

        fuzz_check((rc == SSS_REPLY_ERROR) == (reply.error != NULL));
    }

    return 0;
}


/* The pointers are into the reply, in this order. */

static void
check_value(const uint8_t *data, const sss_reply_t *reply)
{
    size_t  i;

    fuzz_check(reply->name == data + 6);
    fuzz_check(reply->name_len > 0 && reply->name_len <= 250);
    fuzz_check(reply->len <= SSS_REPLY_VALUE);
    fuzz_check(reply->value > reply->name + reply->name_len);
    fuzz_check(reply->value + reply->len + 2 == data + reply->size);

    for (i = 0; i < reply->name_len; i++) {
        fuzz_check(reply->name[i] != ' ' && reply->name[i] != '\n');
    }
}


/*
 * The beginning of a reply must never be taken for another one, and a bad
 * reply must stay bad with more bytes.
 */

static void
check_prefixes(const uint8_t *data, size_t size, sss_reply_rc_t rc)
{
    size_t          n;
    sss_reply_t     reply;
    sss_reply_rc_t  part;

    for (n = 0; n < size && n < 1024; n++) {

        part = sss_reply_parse(data, n, &reply);

        if (part == SSS_REPLY_MORE) {
            fuzz_check(reply.size > n);
            continue;
        }

        fuzz_check(part == rc);
    }
}
