
/*
 * A session ticket, opened before OpenSSL sees it, as far as a decision about
 * early data needs it (RFC 5077, 4; OpenSSL's layout):
 *
 *     offset  size  what
 *          0    16  name of the STEK
 *         16    16  IV
 *         32     n  AES-256-CBC ciphertext: a session, as i2d_SSL_SESSION()
 *    32 + n     32  HMAC-SHA256 of all before
 */


#ifndef SSS_TICKET_H_INCLUDED
#define SSS_TICKET_H_INCLUDED


#include <stddef.h>
#include <stdint.h>

#include "sss_ring.h"


#define SSS_TICKET_OVERHEAD  (SSS_KEY_NAME + 16 + 32)


typedef struct sss_ticket_s  sss_ticket_t;


/* What opens tickets, one at a time.  Returns NULL without memory. */
sss_ticket_t *sss_ticket_create(void);
void sss_ticket_destroy(sss_ticket_t *opener);

/*
 * Opens a ticket under the STEK that it names into "out", which has room for
 * "len" bytes.  Returns the bytes of the session, or -1: it is of another
 * STEK, or damaged.  Constant time in the MAC.
 */
long sss_ticket_open(sss_ticket_t *opener, const sss_key_t *key,
    const uint8_t *ticket, size_t len, uint8_t *out);

/*
 * By what a client's age of the ticket is obfuscated (ticket_age_add of RFC
 * 8446, 4.6.1), from a session as i2d_SSL_SESSION() writes it: OpenSSL has no
 * function that tells.  Returns 0, or -1 if this is no such session.
 */
int sss_ticket_age_add(const uint8_t *session, size_t len, uint32_t *add);


#endif /* SSS_TICKET_H_INCLUDED */
