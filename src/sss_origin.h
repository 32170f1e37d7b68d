
/*
 * The origin of a session: what it carries of the full handshake in which it
 * began.
 *
 * In a resumption no certificates are exchanged, neither the server's nor the
 * client's.  So the full handshake leaves in the session what later handshakes
 * need to judge whether it may resume.  It does so by
 * SSL_SESSION_set1_ticket_appdata(): OpenSSL puts these bytes into tickets,
 * where they are encrypted and authenticated, and into serialised sessions.  A
 * ticket that renews the session has the same bytes, except for the badge.
 *
 * Numbers are big-endian:
 *
 *     size  what
 *        1  format, 1
 *        4  generation of the cluster's keys at that time
 *        8  badge of the server for claims, see sss_claim.h; 0: none
 *       32  trust scope of the server{} block that the name selected
 *       32  SHA-256 of the names in the certificates of that server
 *        5  when the full handshake was, seconds since the epoch
 *        5  when the client's certificate chain expires: the earliest end of
 *           validity in it, seconds since the epoch; all bits set without a
 *           client certificate
 *        1  length of the server name, 0 for none
 *  0 to 255 server name, lower case
 *        1  number of certificates in the client's verified chain, 0 to 16,
 *           its own first
 *           for each of them:
 *       16    SHA-256 of its issuer's name in DER, the first 16 bytes
 *        1    length of the serial number
 *  1 to 64    serial number, an INTEGER in DER
 */


#ifndef SSS_ORIGIN_H_INCLUDED
#define SSS_ORIGIN_H_INCLUDED


#include <stddef.h>
#include <stdint.h>

#include "sss_sni.h"


#define SSS_ORIGIN_NAMES      32
#define SSS_ORIGIN_CHAIN      16        /* most certificates of a chain    */
#define SSS_ORIGIN_ISSUER     16        /* bytes of an issuer's hash       */
#define SSS_ORIGIN_SERIAL     64        /* most bytes of a serial number   */
#define SSS_ORIGIN_TIME       5         /* bytes of a time                 */
#define SSS_ORIGIN_NEVER      ((UINT64_C(1) << (8 * SSS_ORIGIN_TIME)) - 1)

#define SSS_ORIGIN_MAX                                                        \
    (1 + 4 + 8 + SSS_SCOPE_SIZE + SSS_ORIGIN_NAMES + 2 * SSS_ORIGIN_TIME      \
     + 1 + SSS_SNI_MAX + 1                                                    \
     + SSS_ORIGIN_CHAIN * (SSS_ORIGIN_ISSUER + 1 + SSS_ORIGIN_SERIAL))


/*
 * A certificate of the client's chain, identified as CRLs do it: by its issuer
 * and its serial number.
 */

typedef struct {
    uint8_t               issuer[SSS_ORIGIN_ISSUER];
    size_t                serial_len;
    const uint8_t        *serial;       /* not owned                       */
} sss_origin_cert_t;


typedef struct {
    uint32_t              generation;
    uint64_t              badge;
    uint8_t               scope[SSS_SCOPE_SIZE];
    uint8_t               names[SSS_ORIGIN_NAMES];
    uint64_t              made;
    uint64_t              expires;
    sss_sni_t             sni;
    size_t                n_chain;
    sss_origin_cert_t     chain[SSS_ORIGIN_CHAIN];
} sss_origin_t;


/*
 * Writes the bytes described above into "out", which has room for
 * SSS_ORIGIN_MAX.  Returns their number, or 0 if the chain or a serial number
 * is too long for the format, or a serial number is empty.
 */
size_t sss_origin_write(const sss_origin_t *origin, uint8_t *out);

/*
 * Reads the "len" bytes of an origin.  Serial numbers in "origin" point into
 * "bytes", which must outlive it.  Returns 0, or -1 if sss_origin_write()
 * could not have written these bytes; "origin" is undefined then.
 */
int sss_origin_read(const uint8_t *bytes, size_t len, sss_origin_t *origin);


#endif /* SSS_ORIGIN_H_INCLUDED */
