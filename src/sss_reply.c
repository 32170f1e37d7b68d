
#include <string.h>

#include "sss_reply.h"


#define SSS_REPLY_NAME   250            /* memcached's own limit           */
#define SSS_REPLY_FLAGS  UINT32_MAX


static int sss_reply_is(const uint8_t *p, size_t n, const char *word);
static sss_reply_rc_t sss_reply_value(const uint8_t *p, size_t line, size_t n,
    sss_reply_t *reply);
static const uint8_t *sss_reply_number(const uint8_t *p, const uint8_t *end,
    uint64_t limit, uint64_t *number);


sss_reply_rc_t
sss_reply_parse(const uint8_t *p, size_t n, sss_reply_t *reply)
{
    size_t          line;
    const uint8_t  *lf;

    memset(reply, 0, sizeof(sss_reply_t));

    line = n < SSS_REPLY_LINE ? n : SSS_REPLY_LINE;
    lf = line ? memchr(p, '\n', line) : NULL;

    if (lf == NULL) {
        reply->size = n + 1;
        return line < SSS_REPLY_LINE ? SSS_REPLY_MORE : SSS_REPLY_BAD;
    }

    line = (size_t) (lf - p);

    if (line == 0 || p[line - 1] != '\r') {
        return SSS_REPLY_BAD;
    }

    reply->size = line + 1;
    line--;

    if (sss_reply_is(p, line, "END")) {
        return SSS_REPLY_END;
    }

    if (sss_reply_is(p, line, "DELETED")) {
        return SSS_REPLY_DELETED;
    }

    if (sss_reply_is(p, line, "NOT_FOUND")) {
        return SSS_REPLY_NOT_FOUND;
    }

    return sss_reply_value(p, line, n, reply);
}


static int
sss_reply_is(const uint8_t *p, size_t n, const char *word)
{
    return n == strlen(word) && memcmp(p, word, n) == 0;
}


/* "VALUE", name, flags, length and perhaps a version, then the value. */

static sss_reply_rc_t
sss_reply_value(const uint8_t *p, size_t line, size_t n, sss_reply_t *reply)
{
    uint64_t        number;
    const uint8_t  *end, *value, *space;

    end = p + line;
    value = p + reply->size;

    if (line < 6 || memcmp(p, "VALUE ", 6) != 0) {
        return SSS_REPLY_BAD;
    }

    p += 6;
    space = memchr(p, ' ', (size_t) (end - p));

    if (space == NULL || space == p || space - p > SSS_REPLY_NAME) {
        return SSS_REPLY_BAD;
    }

    reply->name = p;
    reply->name_len = (size_t) (space - p);

    p = sss_reply_number(space, end, SSS_REPLY_FLAGS, &number);
    if (p == NULL) {
        return SSS_REPLY_BAD;
    }

    p = sss_reply_number(p, end, SSS_REPLY_VALUE, &number);
    if (p == NULL) {
        return SSS_REPLY_BAD;
    }

    reply->len = (size_t) number;

    if (p != end) {
        p = sss_reply_number(p, end, UINT64_MAX, &number);
        if (p != end) {
            return SSS_REPLY_BAD;
        }
    }

    n -= reply->size;
    reply->size += reply->len + 2;

    if (n < reply->len + 2) {
        return SSS_REPLY_MORE;
    }

    if (value[reply->len] != '\r' || value[reply->len + 1] != '\n') {
        return SSS_REPLY_BAD;
    }

    reply->value = value;

    return SSS_REPLY_VALUE_OF;
}


/* A space and digits. */

static const uint8_t *
sss_reply_number(const uint8_t *p, const uint8_t *end, uint64_t limit,
    uint64_t *number)
{
    uint64_t  n, digit;

    if (end - p < 2 || *p++ != ' ' || *p < '0' || *p > '9') {
        return NULL;
    }

    for (n = 0; p < end && *p >= '0' && *p <= '9'; p++) {
        digit = (uint64_t) (*p - '0');

        if (n > (limit - digit) / 10) {
            return NULL;
        }

        n = n * 10 + digit;
    }

    *number = n;

    return p;
}
