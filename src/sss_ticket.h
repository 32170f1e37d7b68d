
/*
 * Opens session tickets before OpenSSL does, since a decision about early data
 * needs what is in them (RFC 5077, 4, with OpenSSL's layout):
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


/*
 * Creates an opener, which must not be used by two threads at a time.  Returns
 * NULL without memory.
 */
sss_ticket_t *sss_ticket_create(void);
void sss_ticket_destroy(sss_ticket_t *opener);

/*
 * Opens a ticket of "len" bytes with its STEK into "out", which has room for
 * as many.  Returns the number of bytes of the session, or -1 if the ticket is
 * of another STEK or damaged.  The MAC is compared in constant time.
 */
long sss_ticket_open(sss_ticket_t *opener, const sss_key_t *key,
    const uint8_t *ticket, size_t len, uint8_t *out);

/*
 * Finds the number that clients add to the age of a ticket (ticket_age_add,
 * RFC 8446, 4.6.1) in a session as i2d_SSL_SESSION() writes it, since OpenSSL
 * has no function for that.  Returns 0, or -1 if the session is malformed or
 * has none.
 */
int sss_ticket_age_add(const uint8_t *session, size_t len, uint32_t *add);


#endif /* SSS_TICKET_H_INCLUDED */
