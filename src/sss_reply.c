
#include <string.h>

#include "sss_reply.h"


#define SSS_REPLY_NAME   250            /* most bytes of a key in memcached */
#define SSS_REPLY_FLAGS  UINT32_MAX


typedef struct {
    const char      *line;
    sss_reply_rc_t   rc;
} sss_reply_word_t;


static sss_reply_rc_t sss_reply_word(const uint8_t *p, size_t n,
    sss_reply_t *reply);
static int sss_reply_begins(const uint8_t *p, size_t n, const char *word);
static sss_reply_rc_t sss_reply_value(const uint8_t *p, size_t line, size_t n,
    sss_reply_t *reply);
static sss_reply_rc_t sss_reply_meta(const uint8_t *p, size_t line, size_t n,
    sss_reply_t *reply);
static sss_reply_rc_t sss_reply_item(const uint8_t *value, size_t n,
    sss_reply_t *reply, sss_reply_rc_t rc);
static int sss_reply_next(const uint8_t **p, const uint8_t *end,
    uint64_t limit, uint64_t *number);


static const sss_reply_word_t  sss_reply_words[] = {
    { "END", SSS_REPLY_END },
    { "EN", SSS_REPLY_NO_META },
    { "DELETED", SSS_REPLY_DELETED },
    { "NOT_FOUND", SSS_REPLY_NOT_FOUND },
    { "STORED", SSS_REPLY_STORED },
    { "NOT_STORED", SSS_REPLY_NOT_STORED },
    { "EXISTS", SSS_REPLY_EXISTS },
    { "ERROR", SSS_REPLY_ERROR },
    { "ERROR Too many open connections", SSS_REPLY_ERROR },
    { SSS_REPLY_UNAUTHENTICATED, SSS_REPLY_ERROR },
    { SSS_REPLY_REFUSED, SSS_REPLY_ERROR },
    { "SERVER_ERROR out of memory storing object", SSS_REPLY_ERROR },
    { "SERVER_ERROR object too large for cache", SSS_REPLY_ERROR },
    { "SERVER_ERROR Out of memory during read", SSS_REPLY_ERROR }
};

#define SSS_REPLY_WORDS  (sizeof(sss_reply_words) / sizeof(sss_reply_words[0]))


sss_reply_rc_t
sss_reply_parse(const uint8_t *p, size_t n, sss_reply_t *reply)
{
    size_t           line;
    sss_reply_rc_t   rc;
    const uint8_t   *lf;

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

    if (sss_reply_begins(p, line, "VALUE ")) {
        return sss_reply_value(p, line, n, reply);
    }

    if (sss_reply_begins(p, line, "VA ")) {
        return sss_reply_meta(p, line, n, reply);
    }

    rc = sss_reply_word(p, line, reply);

    if (rc == SSS_REPLY_BAD && sss_reply_begins(p, line, "STAT ")) {
        reply->name = p + 5;
        reply->name_len = line - 5;

        return SSS_REPLY_STAT;
    }

    return rc;
}


int
sss_reply_number(const uint8_t **p, const uint8_t *end, uint64_t limit,
    uint64_t *number)
{
    uint64_t        n, digit;
    const uint8_t  *start;

    n = 0;

    for (start = *p; *p < end && **p != ' '; (*p)++) {
        digit = (uint64_t) **p - '0';

        if (digit > 9 || digit > limit || n > (limit - digit) / 10) {
            return -1;
        }

        n = n * 10 + digit;
    }

    *number = n;

    return *p == start ? -1 : 0;
}


static sss_reply_rc_t
sss_reply_word(const uint8_t *p, size_t n, sss_reply_t *reply)
{
    size_t                   i;
    const sss_reply_word_t  *word;

    for (i = 0; i < SSS_REPLY_WORDS; i++) {
        word = &sss_reply_words[i];

        if (n == strlen(word->line) && memcmp(p, word->line, n) == 0) {

            if (word->rc == SSS_REPLY_ERROR) {
                reply->error = word->line;
            }

            return word->rc;
        }
    }

    return SSS_REPLY_BAD;
}


static int
sss_reply_begins(const uint8_t *p, size_t n, const char *word)
{
    size_t  len;

    len = strlen(word);

    return n >= len && memcmp(p, word, len) == 0;
}


/*
 * Parses an item: the line "VALUE name flags length [version]", and after it
 * the value and a line end.
 */

static sss_reply_rc_t
sss_reply_value(const uint8_t *p, size_t line, size_t n, sss_reply_t *reply)
{
    uint64_t        flags, len;
    const uint8_t  *end, *value, *space;

    end = p + line;
    value = p + reply->size;

    p += 6;
    space = memchr(p, ' ', (size_t) (end - p));

    if (space == NULL || space == p || space - p > SSS_REPLY_NAME) {
        return SSS_REPLY_BAD;
    }

    reply->name = p;
    reply->name_len = (size_t) (space - p);

    p = space;

    if (sss_reply_next(&p, end, SSS_REPLY_FLAGS, &flags) != 0
        || sss_reply_next(&p, end, SIZE_MAX / 2, &len) != 0)
    {
        return SSS_REPLY_BAD;
    }

    if (p != end) {
        reply->versioned = 1;

        if (sss_reply_next(&p, end, UINT64_MAX, &reply->cas) != 0
            || p != end)
        {
            return SSS_REPLY_BAD;
        }
    }

    reply->len = (size_t) len;

    return sss_reply_item(value, n, reply, SSS_REPLY_VALUE_OF);
}


/* "VA", length and what is left, then the value. */

static sss_reply_rc_t
sss_reply_meta(const uint8_t *p, size_t line, size_t n, sss_reply_t *reply)
{
    uint64_t        len;
    const uint8_t  *end, *value;

    end = p + line;
    value = p + reply->size;

    p += 2;

    if (sss_reply_next(&p, end, SIZE_MAX / 2, &len) != 0
        || end - p < 2 || p[0] != ' ' || p[1] != 't')
    {
        return SSS_REPLY_BAD;
    }

    p += 2;

    if (sss_reply_number(&p, end, UINT32_MAX, &reply->left) != 0 || p != end)
    {
        return SSS_REPLY_BAD;
    }

    reply->len = (size_t) len;

    return sss_reply_item(value, n, reply, SSS_REPLY_META);
}


static sss_reply_rc_t
sss_reply_item(const uint8_t *value, size_t n, sss_reply_t *reply,
    sss_reply_rc_t rc)
{
    if (reply->len > SSS_REPLY_VALUE) {
        return SSS_REPLY_LARGE;
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

    return rc;
}


/* Reads a blank and a number. */

static int
sss_reply_next(const uint8_t **p, const uint8_t *end, uint64_t limit,
    uint64_t *number)
{
    if (*p == end || **p != ' ') {
        return -1;
    }

    (*p)++;

    return sss_reply_number(p, end, limit, number);
}
