
/*
 * The input is a ticket, or what is in one.  What authenticates a ticket is
 * known to nobody who sends one, so that it is fuzzed without.
 */

#include "fuzz.h"

#include <openssl/ssl.h>

#include "sss_ticket.h"


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t               *copy;
    uint32_t               add;
    SSL_SESSION           *session;
    const uint8_t         *p;
    static sss_key_t       key;
    static sss_ticket_t   *opener;

    if (opener == NULL) {
        opener = sss_ticket_create();
        fuzz_check(opener != NULL);
    }

    copy = malloc(size + 1);
    fuzz_check(copy != NULL);

    if (size >= SSS_KEY_NAME) {
        memcpy(key.name, data, SSS_KEY_NAME);
    }

    fuzz_check(sss_ticket_open(opener, &key, data, size, copy) == -1);

    /* OpenSSL reads nothing for a session that this cannot read */

    p = data;
    session = size > 0 ? d2i_SSL_SESSION(NULL, &p, (long) size) : NULL;

    if (session != NULL && (size_t) (p - data) == size) {
        fuzz_check(sss_ticket_age_add(data, size, &add) == 0);

    } else {
        (void) sss_ticket_age_add(data, size, &add);
    }

    SSL_SESSION_free(session);
    free(copy);

    return 0;
}
