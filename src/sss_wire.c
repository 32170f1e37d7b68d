
/*
 * libmemcached 1.1.4 trusts a server further than this library may: a key
 * that is too long overruns the result, an absurd length writes in front of
 * its value, any length is allocated, and an unexpected answer to a write
 * ends the process by an assertion.  So results lie in front of spare room,
 * its memory comes from an allocator with a limit and a gap, and writes are
 * sent without reply and read back.  Its statistics go into a result of its
 * own, which has no such room: they are never asked for, see sss_clock.h.
 *
 * What is left is "VERSION" without a blank in place of an answer: its parser
 * follows a null pointer then.  Nothing here can keep that from it.
 */


#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <libmemcached/memcached.h>

#include "sss_clock.h"
#include "sss_wire.h"


#define SSS_WIRE_GAP       16           /* keeps malloc()'s alignment      */
#define SSS_WIRE_SPARE     1024         /* longer than a line of an answer */
#define SSS_WIRE_ROOM      (2 * 1024 * 1024)
#define SSS_WIRE_ITEMS     32
#define SSS_WIRE_RELATIVE  (30 * 24 * 3600)     /* memcached's own limit   */


struct sss_wire_s {
    sss_address_t        address;
    unsigned             timeout_ms;
    unsigned             open:1;        /* memc is there                   */
    unsigned             used:1;        /* and has answered before         */
    unsigned             late:1;        /* the last failure was a timeout  */
    size_t               limit;         /* of one allocation               */
    void                *result;        /* on the stack, not to be freed   */
    memcached_st         memc;
    char                 error[SSS_STORE_ERROR];
};


typedef struct {
    memcached_result_st  result;
    char                 spare[SSS_WIRE_SPARE];
} sss_wire_result_t;


static int sss_wire_open(sss_wire_t *wire);
static void sss_wire_close(sss_wire_t *wire);
static int sss_wire_fail(sss_wire_t *wire, const char *what,
    const char *reason);
static int sss_wire_fail_rc(sss_wire_t *wire, const char *what,
    memcached_return_t rc);
static const char *sss_wire_reason(sss_wire_t *wire, memcached_return_t rc);
static int sss_wire_again(sss_wire_t *wire, int reused);
static int sss_wire_read(sss_wire_t *wire, sss_store_item_t *items,
    size_t n);
static int sss_wire_fetch(sss_wire_t *wire, sss_wire_result_t *r,
    sss_store_item_t *items, size_t n);
static const char *sss_wire_take(const memcached_result_st *result,
    sss_store_item_t *items, size_t n);
static int sss_wire_write(sss_wire_t *wire, const char *name, uint64_t cas,
    const uint8_t *value, size_t len, uint32_t ttl);
static sss_store_rc_t sss_wire_check(sss_wire_t *wire, const char *name,
    uint64_t cas, const uint8_t *value, size_t len);
static void *sss_wire_malloc(const memcached_st *memc, const size_t size,
    void *context);
static void sss_wire_free(const memcached_st *memc, void *p, void *context);
static void *sss_wire_realloc(const memcached_st *memc, void *p,
    const size_t size, void *context);
static void *sss_wire_calloc(const memcached_st *memc, size_t n,
    const size_t size, void *context);


sss_wire_t *
sss_wire_create(const sss_address_t *address, unsigned timeout_ms)
{
    sss_wire_t  *wire;

    wire = calloc(1, sizeof(sss_wire_t));
    if (wire == NULL) {
        return NULL;
    }

    wire->address = *address;
    wire->timeout_ms = timeout_ms ? timeout_ms : 1;
    wire->limit = SSS_WIRE_ROOM;

    return wire;
}


void
sss_wire_destroy(sss_wire_t *wire)
{
    if (wire != NULL) {
        sss_wire_close(wire);
        free(wire);
    }
}


const char *
sss_wire_error(const sss_wire_t *wire)
{
    return wire->error;
}


sss_store_rc_t
sss_wire_get(sss_wire_t *wire, sss_store_item_t *items, size_t n)
{
    int     reused;
    size_t  i;

    wire->limit = SSS_WIRE_ROOM;

    for (i = 0; i < n; i++) {
        if (items[i].size + SSS_WIRE_ROOM > wire->limit) {
            wire->limit = items[i].size + SSS_WIRE_ROOM;
        }
    }

    do {
        reused = wire->used;

        if (sss_wire_read(wire, items, n) == 0) {
            return SSS_STORE_OK;
        }

    } while (sss_wire_again(wire, reused));

    return SSS_STORE_FAILED;
}


sss_store_rc_t
sss_wire_put(sss_wire_t *wire, const char *name, uint64_t cas,
    const uint8_t *value, size_t len, uint32_t ttl)
{
    int             reused;
    sss_store_rc_t  rc;

    do {
        reused = wire->used;

        if (sss_wire_write(wire, name, cas, value, len, ttl) == 0) {

            rc = sss_wire_check(wire, name, cas, value, len);
            if (rc != SSS_STORE_FAILED) {
                return rc;
            }
        }

    } while (sss_wire_again(wire, reused));

    return SSS_STORE_FAILED;
}


sss_store_rc_t
sss_wire_time(sss_wire_t *wire, uint64_t *seconds)
{
    const char  *reason;

    reason = sss_clock_read(&wire->address, wire->timeout_ms, seconds);

    if (reason == NULL) {
        return SSS_STORE_OK;
    }

    /* the connection for records is another, and stays */

    snprintf(wire->error, sizeof(wire->error), "stats: %s", reason);

    return SSS_STORE_FAILED;
}


static int
sss_wire_open(sss_wire_t *wire)
{
    memcached_st        *memc;
    uint64_t             ms;
    memcached_return_t   rc;

    if (wire->open) {
        return 0;
    }

    memc = &wire->memc;
    ms = wire->timeout_ms;

    if (memcached_create(memc) == NULL) {
        return sss_wire_fail(wire, "connect", "no memory");
    }

    wire->open = 1;
    wire->used = 0;

    rc = memcached_set_memory_allocators(memc, sss_wire_malloc,
                                         sss_wire_free, sss_wire_realloc,
                                         sss_wire_calloc, wire);
    if (rc != MEMCACHED_SUCCESS) {
        return sss_wire_fail_rc(wire, "connect", rc);
    }

    memcached_behavior_set(memc, MEMCACHED_BEHAVIOR_NO_BLOCK, 1);
    memcached_behavior_set(memc, MEMCACHED_BEHAVIOR_TCP_NODELAY, 1);
    memcached_behavior_set(memc, MEMCACHED_BEHAVIOR_SUPPORT_CAS, 1);
    memcached_behavior_set(memc, MEMCACHED_BEHAVIOR_CONNECT_TIMEOUT, ms);
    memcached_behavior_set(memc, MEMCACHED_BEHAVIOR_POLL_TIMEOUT, ms);
    memcached_behavior_set(memc, MEMCACHED_BEHAVIOR_SND_TIMEOUT, ms * 1000);
    memcached_behavior_set(memc, MEMCACHED_BEHAVIOR_RCV_TIMEOUT, ms * 1000);
    memcached_behavior_set(memc, MEMCACHED_BEHAVIOR_RETRY_TIMEOUT, 0);
    memcached_behavior_set(memc, MEMCACHED_BEHAVIOR_DEAD_TIMEOUT, 0);

    if (wire->address.port == 0) {
        rc = memcached_server_add_unix_socket(memc, wire->address.host);

    } else {
        rc = memcached_server_add(memc, wire->address.host,
                                  wire->address.port);
    }

    if (rc != MEMCACHED_SUCCESS) {
        return sss_wire_fail_rc(wire, "connect", rc);
    }

    return 0;
}


static void
sss_wire_close(sss_wire_t *wire)
{
    if (wire->open) {
        memcached_behavior_set(&wire->memc, MEMCACHED_BEHAVIOR_POLL_TIMEOUT,
                               0);
        memcached_free(&wire->memc);

        wire->open = 0;
        wire->used = 0;
    }
}


static int
sss_wire_fail(sss_wire_t *wire, const char *what, const char *reason)
{
    snprintf(wire->error, sizeof(wire->error), "%s: %s", what, reason);

    wire->late = 0;
    sss_wire_close(wire);

    return -1;
}


static int
sss_wire_fail_rc(sss_wire_t *wire, const char *what, memcached_return_t rc)
{
    const char  *reason;

    if (rc == MEMCACHED_SOME_ERRORS || rc == MEMCACHED_FAILURE
        || rc == MEMCACHED_SUCCESS)
    {
        rc = memcached_last_error(&wire->memc);
    }

    reason = sss_wire_reason(wire, rc);

    (void) sss_wire_fail(wire, what, reason);

    wire->late = (rc == MEMCACHED_TIMEOUT);

    return -1;
}


static const char *
sss_wire_reason(sss_wire_t *wire, memcached_return_t rc)
{
    int          number;
    const char  *message;

    number = memcached_last_error_errno(&wire->memc);
    message = memcached_last_error_message(&wire->memc);

    switch (rc) {

    case MEMCACHED_TIMEOUT:
        if (message != NULL
            && strstr(message, gai_strerror(EAI_AGAIN)) != NULL)
        {
            return "the name could not be resolved";
        }

        return "timed out";

    case MEMCACHED_HOST_LOOKUP_FAILURE:
        return "the name could not be resolved";

    case MEMCACHED_MEMORY_ALLOCATION_FAILURE:
        return "the answer is too large";

    case MEMCACHED_UNKNOWN_READ_FAILURE:
    case MEMCACHED_PROTOCOL_ERROR:
    case MEMCACHED_PARTIAL_READ:
        return "the answer is not memcached's";

    default:
        if (number != 0) {
            return strerror(number);
        }

        if (rc == MEMCACHED_CONNECTION_FAILURE) {
            return wire->used ? "the connection was lost"
                              : "the connection was refused or closed";
        }

        return memcached_strerror(&wire->memc, rc);
    }
}


/*
 * A connection that was idle may have been closed meanwhile, by a restart of
 * the server for one: that says nothing about the server now.
 */

static int
sss_wire_again(sss_wire_t *wire, int reused)
{
    return reused && !wire->late;
}


static int
sss_wire_read(sss_wire_t *wire, sss_store_item_t *items, size_t n)
{
    int                  rc;
    size_t               i, len[SSS_WIRE_ITEMS];
    const char          *names[SSS_WIRE_ITEMS];
    sss_wire_result_t    r;
    memcached_return_t   mrc;

    if (n == 0 || n > SSS_WIRE_ITEMS) {
        return sss_wire_fail(wire, "get", "bad number of items");
    }

    /* it connects for every item, and tells why the last connect failed */

    if (!wire->used && n > 1 && sss_wire_read(wire, items, 1) != 0) {
        return -1;
    }

    for (i = 0; i < n; i++) {
        items[i].len = 0;
        items[i].cas = 0;
        items[i].found = 0;

        names[i] = items[i].name;
        len[i] = strlen(items[i].name);
    }

    if (sss_wire_open(wire) != 0) {
        return -1;
    }

    mrc = memcached_mget(&wire->memc, names, len, n);

    if (mrc != MEMCACHED_SUCCESS) {
        return sss_wire_fail_rc(wire, "get", mrc);
    }

    if (memcached_result_create(&wire->memc, &r.result) == NULL) {
        return sss_wire_fail(wire, "get", "no memory");
    }

    wire->result = &r.result;

    rc = sss_wire_fetch(wire, &r, items, n);

    if (wire->result != NULL) {
        wire->result = NULL;
        memcached_result_free(&r.result);
    }

    if (rc != 0) {
        sss_wire_close(wire);
        return -1;
    }

    wire->used = 1;

    return 0;
}


/* Leaves the connection as it is: the result's memory hangs on it. */

static int
sss_wire_fetch(sss_wire_t *wire, sss_wire_result_t *r,
    sss_store_item_t *items, size_t n)
{
    size_t               i;
    const char          *reason;
    memcached_return_t   rc;
    memcached_result_st  fresh;

    /* a value of its own from the first: see the head of this file */

    reason = "no memory";

    if (memcached_result_set_value(&r->result, "", 1) != MEMCACHED_SUCCESS) {
        goto failed;
    }

    fresh = r->result;

    for (i = 0; i <= n; i++) {

        /* without a count, it calls any answer it does not know a miss */

        r->result.count = 1;

        if (memcached_fetch_result(&wire->memc, &r->result, &rc) == NULL) {

            if (rc == MEMCACHED_END) {
                return 0;
            }

            r->result.options = fresh.options;
            reason = sss_wire_reason(wire, rc);
            wire->late = (rc == MEMCACHED_TIMEOUT);
            goto broken;
        }

        r->result.options = fresh.options;

        reason = sss_wire_take(&r->result, items, n);
        if (reason != NULL) {
            goto failed;
        }
    }

    reason = "the answer is not memcached's";

failed:

    wire->late = 0;

broken:

    snprintf(wire->error, sizeof(wire->error), "get: %s", reason);

    return -1;
}


static const char *
sss_wire_take(const memcached_result_st *result, sss_store_item_t *items,
    size_t n)
{
    size_t             i, len;
    sss_store_item_t  *item;

    len = memcached_result_key_length(result);

    for (i = 0; i < n; i++) {
        item = &items[i];

        if (strlen(item->name) != len
            || memcmp(item->name, result->item_key, len) != 0)
        {
            continue;
        }

        item->cas = memcached_result_cas(result);

        if (item->cas == 0) {
            return "the server keeps no versions of items (option -C)";
        }

        if (item->found) {
            break;
        }

        item->found = 1;
        item->len = memcached_result_length(result);

        if (item->len != 0 && item->len <= item->size) {
            memcpy(item->value, memcached_result_value(result), item->len);
        }

        return NULL;
    }

    return "the answer is not memcached's";
}


static int
sss_wire_write(sss_wire_t *wire, const char *name, uint64_t cas,
    const uint8_t *value, size_t len, uint32_t ttl)
{
    time_t               expiration;
    memcached_st        *memc;
    memcached_return_t   rc;

    if (sss_wire_open(wire) != 0) {
        return -1;
    }

    memc = &wire->memc;
    expiration = ttl ? ttl : 1;

    if (expiration > SSS_WIRE_RELATIVE) {
        expiration += time(NULL);
    }

    memcached_behavior_set(memc, MEMCACHED_BEHAVIOR_NOREPLY, 1);

    if (cas == 0) {
        rc = memcached_add(memc, name, strlen(name), (const char *) value,
                           len, expiration, 0);

    } else {
        rc = memcached_cas(memc, name, strlen(name), (const char *) value,
                           len, expiration, 0, cas);
    }

    memcached_behavior_set(memc, MEMCACHED_BEHAVIOR_NOREPLY, 0);

    /* a send that failed may be reported in this way only */

    if (rc != MEMCACHED_SUCCESS
        || memcached_last_error(memc) != MEMCACHED_SUCCESS)
    {
        return sss_wire_fail_rc(wire, "write", rc);
    }

    return 0;
}


/*
 * Whoever finds another value lost to another host, be it before or after
 * his own write: he has to look again in both cases.
 */

static sss_store_rc_t
sss_wire_check(sss_wire_t *wire, const char *name, uint64_t cas,
    const uint8_t *value, size_t len)
{
    int               same;
    sss_store_item_t  item;

    memset(&item, 0, sizeof(item));
    snprintf(item.name, sizeof(item.name), "%s", name);

    item.size = len;
    item.value = malloc(len + 1);

    if (item.value == NULL) {
        (void) sss_wire_fail(wire, "write", "no memory");
        return SSS_STORE_FAILED;
    }

    wire->limit = len + SSS_WIRE_ROOM;

    if (sss_wire_read(wire, &item, 1) != 0) {
        free(item.value);
        return SSS_STORE_FAILED;
    }

    same = item.found && item.len == len
           && memcmp(item.value, value, len) == 0;

    free(item.value);

    if (same) {
        return SSS_STORE_OK;
    }

    if (item.found || cas != 0) {
        return SSS_STORE_CONFLICT;
    }

    (void) sss_wire_fail(wire, "write", "the server did not store the item");

    return SSS_STORE_FAILED;
}


static void *
sss_wire_malloc(const memcached_st *memc, const size_t size, void *context)
{
    char        *p;
    sss_wire_t  *wire;

    (void) memc;

    wire = context;

    if (size > wire->limit) {
        return NULL;
    }

    p = malloc(SSS_WIRE_GAP + size);

    return p == NULL ? NULL : p + SSS_WIRE_GAP;
}


static void
sss_wire_free(const memcached_st *memc, void *p, void *context)
{
    sss_wire_t  *wire;

    (void) memc;

    wire = context;

    if (p == NULL) {
        return;
    }

    /* overrun, a result takes itself for one that was allocated */

    if (p == wire->result) {
        wire->result = NULL;
        return;
    }

    free((char *) p - SSS_WIRE_GAP);
}


static void *
sss_wire_realloc(const memcached_st *memc, void *p, const size_t size,
    void *context)
{
    char        *q;
    sss_wire_t  *wire;

    wire = context;

    if (p == NULL) {
        return sss_wire_malloc(memc, size, context);
    }

    if (size > wire->limit) {
        return NULL;
    }

    q = realloc((char *) p - SSS_WIRE_GAP, SSS_WIRE_GAP + size);

    return q == NULL ? NULL : q + SSS_WIRE_GAP;
}


static void *
sss_wire_calloc(const memcached_st *memc, size_t n, const size_t size,
    void *context)
{
    void  *p;

    if (size != 0 && n > SIZE_MAX / size) {
        return NULL;
    }

    p = sss_wire_malloc(memc, n * size, context);

    if (p != NULL) {
        memset(p, 0, n * size);
    }

    return p;
}
