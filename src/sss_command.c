
#include <string.h>
#include <time.h>

#include "sss_command.h"


#define SSS_COMMAND_LINE      160       /* room for a command with one name,
                                           without its value               */
#define SSS_COMMAND_LOOKUP    (2 * SSS_NAME_SIZE + 16)
#define SSS_COMMAND_RELATIVE  (30 * 24 * 3600)  /* memcached takes a larger
                                                   number for a time since
                                                   the epoch               */


static void sss_command_add(sss_buffer_t *out, const char *text);
static void sss_command_number(sss_buffer_t *out, uint64_t n);
static uint64_t sss_command_expires(uint32_t ttl);
static void sss_command_store(sss_buffer_t *out, const char *command,
    const char *name, const uint8_t *value, size_t len, uint64_t expires,
    uint64_t cas, const char *end);


int
sss_command_get(sss_buffer_t *out, const sss_queue_t *lookups)
{
    size_t          n;
    sss_request_t  *request;

    n = 0;

    for (request = lookups->head; request; request = request->next) {
        n += SSS_COMMAND_LOOKUP;
    }

    if (sss_buffer_reserve(out, n) != 0) {
        return -1;
    }

    sss_command_add(out, "get");

    for (request = lookups->head; request; request = request->next) {
        sss_command_add(out, " ");
        sss_command_add(out, request->name);
    }

    sss_command_add(out, "\r\n");

    for (request = lookups->head; request; request = request->next) {

        if (request->op == SSS_REQUEST_TAKE) {
            sss_command_add(out, "delete ");
            sss_command_add(out, request->name);
            sss_command_add(out, "\r\n");
        }
    }

    return 0;
}


int
sss_command_set(sss_buffer_t *out, const char *name, const uint8_t *value,
    size_t len, uint32_t ttl)
{
    if (sss_buffer_reserve(out, len + SSS_COMMAND_LINE) != 0) {
        return -1;
    }

    sss_command_store(out, "set ", name, value, len, sss_command_expires(ttl),
                      0, " noreply\r\n");

    return 0;
}


int
sss_command_add_item(sss_buffer_t *out, const char *name,
    const uint8_t *value, size_t len, uint64_t expires)
{
    if (sss_buffer_reserve(out, len + SSS_COMMAND_LINE) != 0) {
        return -1;
    }

    sss_command_store(out, "add ", name, value, len, expires, 0,
                      " noreply\r\n");

    return 0;
}


int
sss_command_claim(sss_buffer_t *out, const sss_claim_t *claim)
{
    if (sss_buffer_reserve(out, 4 * SSS_COMMAND_LINE) != 0) {
        return -1;
    }

    sss_command_add(out, "mg ");
    sss_command_add(out, claim->badge);
    sss_command_add(out, " t v\r\n");

    sss_command_store(out, "append ", claim->log, claim->record,
                      SSS_CLAIM_RECORD, 0, 0, "\r\n");

    sss_command_add(out, "mg ");
    sss_command_add(out, claim->log);
    sss_command_add(out, " t v\r\nmg ");
    sss_command_add(out, claim->badge);
    sss_command_add(out, " t v\r\n");

    return 0;
}


int
sss_command_delete(sss_buffer_t *out, const char *name)
{
    if (sss_buffer_reserve(out, SSS_COMMAND_LINE) != 0) {
        return -1;
    }

    sss_command_add(out, "delete ");
    sss_command_add(out, name);
    sss_command_add(out, " noreply\r\n");

    return 0;
}


int
sss_command_exchange(sss_buffer_t *out, const sss_exchange_t *x)
{
    size_t  i;

    if (sss_buffer_reserve(out, SSS_COMMAND_LINE + x->item.len
                                + x->n * SSS_NAME_SIZE)
        != 0)
    {
        return -1;
    }

    switch (x->op) {

    case SSS_EXCHANGE_READ:
        sss_command_add(out, "gets");

        for (i = 0; i < x->n; i++) {
            sss_command_add(out, " ");
            sss_command_add(out, x->items[i].name);
        }

        sss_command_add(out, "\r\n");
        break;

    case SSS_EXCHANGE_WRITE:
        sss_command_store(out, x->item.cas ? "cas " : "add ", x->item.name,
                          x->item.value, x->item.len,
                          sss_command_expires(x->ttl), x->item.cas, "\r\n");
        break;

    case SSS_EXCHANGE_CLOCK:
        sss_command_add(out, "stats\r\n");
    }

    return 0;
}


/* Cannot fail: the caller has reserved enough room. */

static void
sss_command_add(sss_buffer_t *out, const char *text)
{
    (void) sss_buffer_add(out, text, strlen(text));
}


/*
 * Adds a number in decimal.  printf() would take longer than all the rest of a
 * store.
 */

static void
sss_command_number(sss_buffer_t *out, uint64_t n)
{
    char  digits[20], *p;

    p = digits + sizeof(digits);

    do {
        *--p = (char) ('0' + n % 10);
        n /= 10;
    } while (n > 0);

    (void) sss_buffer_add(out, p, (size_t) (digits + sizeof(digits) - p));
}


static uint64_t
sss_command_expires(uint32_t ttl)
{
    uint64_t  expires;

    expires = ttl ? ttl : 1;

    if (expires > SSS_COMMAND_RELATIVE) {
        expires += (uint64_t) time(NULL);

        /* memcached refuses a time that does not fit into 31 bits */

        if (expires > INT32_MAX) {
            expires = SSS_COMMAND_RELATIVE;
        }
    }

    return expires;
}


/*
 * Adds a storage command: its line, the value, and a line end.  "command" ends
 * with a blank, "end" is what follows the last number of the line.
 */

static void
sss_command_store(sss_buffer_t *out, const char *command, const char *name,
    const uint8_t *value, size_t len, uint64_t expires, uint64_t cas,
    const char *end)
{
    sss_command_add(out, command);
    sss_command_add(out, name);
    sss_command_add(out, " 0 ");
    sss_command_number(out, expires);
    sss_command_add(out, " ");
    sss_command_number(out, len);

    if (cas != 0) {
        sss_command_add(out, " ");
        sss_command_number(out, cas);
    }

    sss_command_add(out, end);
    (void) sss_buffer_add(out, value, len);
    sss_command_add(out, "\r\n");
}
