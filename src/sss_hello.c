
#include <stdlib.h>
#include <string.h>

#include "sss_hello.h"


#define SSS_HELLO_RECORD         5      /* header of a record              */
#define SSS_HELLO_RECORD_MAX     16384
#define SSS_HELLO_HANDSHAKE      22
#define SSS_HELLO_TLS            3      /* major version of all of SSL 3 and
                                           TLS                             */

#define SSS_HELLO_MESSAGE        4      /* header of a handshake message   */
#define SSS_HELLO_CLIENT_HELLO   1
#define SSS_HELLO_FIRST          1024   /* first size of the buffer        */

#define SSS_HELLO_VERSION        2
#define SSS_HELLO_RANDOM         32
#define SSS_HELLO_PSK_AGE        4

#define SSS_HELLO_TLS13          0x0304

#define SSS_HELLO_SERVER_NAME    0
#define SSS_HELLO_TICKET         35
#define SSS_HELLO_PSK            41
#define SSS_HELLO_EARLY          42
#define SSS_HELLO_VERSIONS       43


typedef struct {
    const uint8_t       *p;
    size_t               len;
} sss_slice_t;


/*
 * The message is parsed once, when it is complete.  If the caller's bytes have
 * all of it in one record, as they usually do, it is parsed where it is; only
 * else it is copied into "message".
 */

struct sss_hello_s {
    sss_hello_rc_t       rc;
    uint8_t              record[SSS_HELLO_RECORD];
    size_t               record_len;    /* bytes of the header so far      */
    size_t               left;          /* bytes of the record's fragment
                                           that are still to come          */
    uint8_t             *message;
    size_t               len;
    size_t               size;
    sss_hello_offer_t    offer;
    sss_hello_early_t    early;         /* without identity: there is none */
};


static sss_hello_rc_t sss_hello_record(sss_hello_t *hello, sss_slice_t *in);
static sss_hello_rc_t sss_hello_fragment(sss_hello_t *hello,
    sss_slice_t *in);
static sss_hello_rc_t sss_hello_message(const uint8_t *p, size_t len,
    size_t *total);
static int sss_hello_keep(sss_hello_t *hello, const uint8_t *p, size_t n,
    size_t limit);
static sss_hello_rc_t sss_hello_parse(sss_hello_t *hello,
    const uint8_t *body, size_t len);
static int sss_hello_extensions(sss_hello_t *hello, sss_slice_t all);
static int sss_hello_versions(sss_hello_offer_t *offer, sss_slice_t body);
static int sss_hello_psk(sss_hello_offer_t *offer, sss_slice_t body);
static void sss_hello_first(sss_hello_early_t *early, sss_slice_t body);
static int sss_slice_int(sss_slice_t *from, unsigned width, size_t *value);
static int sss_slice_take(sss_slice_t *from, size_t n, sss_slice_t *part);
static int sss_slice_vector(sss_slice_t *from, unsigned width,
    sss_slice_t *part);


sss_hello_t *
sss_hello_create(void)
{
    return calloc(1, sizeof(sss_hello_t));
}


void
sss_hello_destroy(sss_hello_t *hello)
{
    if (hello == NULL) {
        return;
    }

    free(hello->early.identity);
    free(hello->message);
    free(hello);
}


void
sss_hello_clear(sss_hello_t *hello)
{
    free(hello->early.identity);
    free(hello->message);

    memset(hello, 0, sizeof(sss_hello_t));
}


sss_hello_rc_t
sss_hello_feed(sss_hello_t *hello, const uint8_t *bytes, size_t len)
{
    sss_slice_t  in;

    in.p = bytes;
    in.len = len;

    while (hello->rc == SSS_HELLO_MORE && in.len > 0) {

        if (hello->left == 0) {
            hello->rc = sss_hello_record(hello, &in);

        } else {
            hello->rc = sss_hello_fragment(hello, &in);
        }
    }

    if (hello->rc != SSS_HELLO_MORE) {
        free(hello->message);
        hello->message = NULL;
    }

    return hello->rc;
}


const sss_hello_offer_t *
sss_hello_offer(const sss_hello_t *hello)
{
    return hello->rc == SSS_HELLO_DONE ? &hello->offer : NULL;
}


const sss_hello_early_t *
sss_hello_early(const sss_hello_t *hello)
{
    return hello->rc == SSS_HELLO_DONE && hello->early.identity != NULL
           ? &hello->early : NULL;
}


/* Reads the header of a record, of which a call may have only some bytes. */

static sss_hello_rc_t
sss_hello_record(sss_hello_t *hello, sss_slice_t *in)
{
    size_t   n;
    uint8_t  *head;

    head = hello->record;
    n = SSS_HELLO_RECORD - hello->record_len;

    if (n > in->len) {
        n = in->len;
    }

    memcpy(head + hello->record_len, in->p, n);

    hello->record_len += n;
    in->p += n;
    in->len -= n;

    /* OpenSSL, too, refuses what is not TLS before it has the whole header */

    if (head[0] != SSS_HELLO_HANDSHAKE
        || (hello->record_len > 1 && head[1] != SSS_HELLO_TLS))
    {
        return SSS_HELLO_OTHER;
    }

    if (hello->record_len < SSS_HELLO_RECORD) {
        return SSS_HELLO_MORE;
    }

    hello->record_len = 0;
    hello->left = (size_t) head[3] << 8 | head[4];

    if (hello->left == 0 || hello->left > SSS_HELLO_RECORD_MAX) {
        return SSS_HELLO_OTHER;
    }

    return SSS_HELLO_MORE;
}


static sss_hello_rc_t
sss_hello_fragment(sss_hello_t *hello, sss_slice_t *in)
{
    size_t           n, total;
    const uint8_t   *p;
    sss_hello_rc_t   rc;

    n = in->len < hello->left ? in->len : hello->left;
    p = in->p;

    in->p += n;
    in->len -= n;
    hello->left -= n;

    if (hello->len > 0) {
        rc = sss_hello_message(hello->message, hello->len, &total);

    } else {
        rc = sss_hello_message(p, n, &total);
    }

    if (rc == SSS_HELLO_MORE) {

        if (sss_hello_keep(hello, p, n, total) != 0) {
            return SSS_HELLO_OTHER;
        }

        p = hello->message;

        rc = sss_hello_message(p, hello->len, &total);
    }

    if (rc != SSS_HELLO_DONE) {
        return rc;
    }

    return sss_hello_parse(hello, p + SSS_HELLO_MESSAGE,
                           total - SSS_HELLO_MESSAGE);
}


/*
 * Returns SSS_HELLO_DONE if the bytes begin with a complete ClientHello.
 * "*total" becomes its length with its header, or, before the header has been
 * read, the longest that it may be.
 */

static sss_hello_rc_t
sss_hello_message(const uint8_t *p, size_t len, size_t *total)
{
    *total = SSS_HELLO_MESSAGE + SSS_HELLO_MAX;

    if (p[0] != SSS_HELLO_CLIENT_HELLO) {
        return SSS_HELLO_OTHER;
    }

    if (len < SSS_HELLO_MESSAGE) {
        return SSS_HELLO_MORE;
    }

    *total = (size_t) p[1] << 16 | (size_t) p[2] << 8 | p[3];

    if (*total > SSS_HELLO_MAX) {
        return SSS_HELLO_OTHER;
    }

    *total += SSS_HELLO_MESSAGE;

    return len < *total ? SSS_HELLO_MORE : SSS_HELLO_DONE;
}


/*
 * Adds bytes to the buffer.  It grows with the bytes that have arrived, not to
 * the length in the message's header, which a client can claim without sending
 * anything.
 */

static int
sss_hello_keep(sss_hello_t *hello, const uint8_t *p, size_t n, size_t limit)
{
    size_t    size;
    uint8_t  *message;

    if (n > hello->size - hello->len) {
        size = hello->size > 0 ? 2 * hello->size : SSS_HELLO_FIRST;

        if (size > limit) {
            size = limit;
        }

        if (size < hello->len + n) {
            size = hello->len + n;
        }

        message = realloc(hello->message, size);
        if (message == NULL) {
            return -1;
        }

        hello->message = message;
        hello->size = size;
    }

    memcpy(hello->message + hello->len, p, n);
    hello->len += n;

    return 0;
}


static sss_hello_rc_t
sss_hello_parse(sss_hello_t *hello, const uint8_t *body, size_t len)
{
    sss_slice_t         in, skip, id, suites, compression, extensions;
    sss_hello_offer_t  *offer;

    offer = &hello->offer;

    in.p = body;
    in.len = len;

    if (sss_slice_take(&in, SSS_HELLO_VERSION + SSS_HELLO_RANDOM, &skip) != 0
        || sss_slice_vector(&in, 1, &id) != 0
        || sss_slice_vector(&in, 2, &suites) != 0
        || sss_slice_vector(&in, 1, &compression) != 0)
    {
        return SSS_HELLO_OTHER;
    }

    /*
     * OpenSSL checks the compression methods only after it has looked for the
     * session, so they are not checked here.
     */

    if (id.len > SSS_HELLO_ID_MAX
        || suites.len == 0
        || suites.len % 2 != 0)
    {
        return SSS_HELLO_OTHER;
    }

    offer->id_len = (uint8_t) id.len;
    memcpy(offer->id, id.p, id.len);

    /* before TLS 1.3 there may be no extensions at all */

    if (in.len == 0) {
        return SSS_HELLO_DONE;
    }

    if (sss_slice_vector(&in, 2, &extensions) != 0
        || in.len != 0
        || sss_hello_extensions(hello, extensions) != 0)
    {
        return SSS_HELLO_OTHER;
    }

    return SSS_HELLO_DONE;
}


static int
sss_hello_extensions(sss_hello_t *hello, sss_slice_t all)
{
    int                 rc;
    size_t              type;
    uint64_t            seen, bit;
    sss_slice_t         body;
    sss_hello_offer_t  *offer;

    seen = 0;
    offer = &hello->offer;

    while (all.len > 0) {

        if (sss_slice_int(&all, 2, &type) != 0
            || sss_slice_vector(&all, 2, &body) != 0)
        {
            return -1;
        }

        rc = 0;

        switch (type) {

        case SSS_HELLO_SERVER_NAME:
            offer->sni_bad = sss_sni_parse(body.p, body.len, &offer->sni)
                             != 0;
            break;

        case SSS_HELLO_TICKET:
            offer->ticket = body.len > 0;
            break;

        case SSS_HELLO_VERSIONS:
            rc = sss_hello_versions(offer, body);
            break;

        case SSS_HELLO_PSK:

            /* RFC 8446, 4.2.11: it must be the last extension */

            rc = all.len == 0 ? sss_hello_psk(offer, body) : -1;

            if (offer->early) {
                sss_hello_first(&hello->early, body);
            }

            break;

        case SSS_HELLO_EARLY:
            offer->early = 1;
            break;

        default:
            continue;
        }

        bit = (uint64_t) 1 << type;

        if (rc != 0 || seen & bit) {
            return -1;
        }

        seen |= bit;
    }

    return 0;
}


static int
sss_hello_versions(sss_hello_offer_t *offer, sss_slice_t body)
{
    size_t       version;
    sss_slice_t  list;

    if (sss_slice_vector(&body, 1, &list) != 0
        || body.len != 0
        || list.len == 0)
    {
        return -1;
    }

    while (list.len > 0) {

        if (sss_slice_int(&list, 2, &version) != 0) {
            return -1;
        }

        if (version == SSS_HELLO_TLS13) {
            offer->tls13 = 1;
        }
    }

    return 0;
}


static int
sss_hello_psk(sss_hello_offer_t *offer, sss_slice_t body)
{
    sss_slice_t  list, identity, age;

    if (sss_slice_vector(&body, 2, &list) != 0) {
        return -1;
    }

    do {
        if (sss_slice_vector(&list, 2, &identity) != 0
            || sss_slice_take(&list, SSS_HELLO_PSK_AGE, &age) != 0
            || identity.len == 0)
        {
            return offer->psk ? 0 : -1;
        }

        offer->psk = 1;

    } while (identity.len != SSS_HELLO_ID_MAX && list.len > 0);

    if (identity.len == SSS_HELLO_ID_MAX) {
        offer->psk_len = SSS_HELLO_ID_MAX;
        memcpy(offer->psk_id, identity.p, SSS_HELLO_ID_MAX);
    }

    return 0;
}


/* The first PSK with its binder, as OpenSSL is going to read it. */

static void
sss_hello_first(sss_hello_early_t *early, sss_slice_t body)
{
    size_t       age;
    sss_slice_t  list, identity, binder;

    if (sss_slice_vector(&body, 2, &list) != 0
        || sss_slice_vector(&list, 2, &identity) != 0
        || sss_slice_int(&list, SSS_HELLO_PSK_AGE, &age) != 0
        || sss_slice_vector(&body, 2, &list) != 0
        || sss_slice_vector(&list, 1, &binder) != 0
        || identity.len == 0
        || binder.len < SSS_HELLO_BINDER_MIN
        || binder.len > SSS_HELLO_BINDER_MAX)
    {
        return;
    }

    early->identity = malloc(identity.len);

    if (early->identity != NULL) {
        memcpy(early->identity, identity.p, identity.len);
        memcpy(early->binder, binder.p, binder.len);

        early->identity_len = identity.len;
        early->binder_len = binder.len;
        early->age = (uint32_t) age;
    }
}


/* Reads a number of "width" bytes in network order. */

static int
sss_slice_int(sss_slice_t *from, unsigned width, size_t *value)
{
    unsigned     i;
    sss_slice_t  bytes;

    if (sss_slice_take(from, width, &bytes) != 0) {
        return -1;
    }

    *value = 0;

    for (i = 0; i < width; i++) {
        *value = *value << 8 | bytes.p[i];
    }

    return 0;
}


static int
sss_slice_take(sss_slice_t *from, size_t n, sss_slice_t *part)
{
    if (n > from->len) {
        return -1;
    }

    part->p = from->p;
    part->len = n;

    from->p += n;
    from->len -= n;

    return 0;
}


/*
 * Reads a vector as RFC 8446, 3.4, defines it: a length of "width" bytes, and
 * so many bytes.
 */

static int
sss_slice_vector(sss_slice_t *from, unsigned width, sss_slice_t *part)
{
    size_t  n;

    if (sss_slice_int(from, width, &n) != 0) {
        return -1;
    }

    return sss_slice_take(from, n, part);
}
