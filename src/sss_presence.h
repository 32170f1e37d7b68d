
/*
 * The presence record: which secrets are in use in a namespace.
 *
 * Records are named and sealed under a secret, so a host with another secret
 * sees an empty memcached.  To tell "I am the first" from "my secret is
 * wrong", hosts leave the public fingerprint of their secret in one record
 * that is neither named nor sealed under it.  It says nothing else, and a
 * forged one causes a warning and nothing else.
 *
 *     size  what
 *        4  "SSSP"
 *        1  format, 1
 *        1  number of entries, up to SSS_PRESENCE_MAX
 *      then for each entry, most recent first
 *        8  fingerprint of the secret
 *        8  random number of the host that wrote the entry
 *        4  when, seconds since the epoch, big-endian
 */


#ifndef SSS_PRESENCE_H_INCLUDED
#define SSS_PRESENCE_H_INCLUDED


#include <stddef.h>
#include <stdint.h>

#include "sss_secret.h"


#define SSS_PRESENCE_MAX     16
#define SSS_PRESENCE_HEADER  6
#define SSS_PRESENCE_ENTRY   20
#define SSS_PRESENCE_SIZE                                                     \
    (SSS_PRESENCE_HEADER + SSS_PRESENCE_MAX * SSS_PRESENCE_ENTRY)
#define SSS_PRESENCE_LIFE    120        /* seconds an entry counts          */
#define SSS_PRESENCE_OWN     40         /* refresh an entry of this host    */
#define SSS_PRESENCE_OTHER   20         /* refresh one of another host, so
                                           that writers take turns          */


typedef struct {
    uint8_t   tag[SSS_TAG_SIZE];
    uint8_t   host[8];
    uint32_t  seen;
} sss_presence_entry_t;


typedef struct {
    unsigned              n;
    sss_presence_entry_t  entry[SSS_PRESENCE_MAX];
} sss_presence_t;


typedef struct {
    unsigned  company:1;        /* another host has one of our secrets      */
    unsigned  foreign:1;        /* somebody has a secret we do not know     */
    unsigned  refresh:1;        /* our entry should be written again        */
} sss_presence_view_t;


/* Returns 0, or -1 if the bytes are no presence record; "p" is empty then. */
int sss_presence_decode(sss_presence_t *p, const uint8_t *in, size_t len);

/* "out" has room for SSS_PRESENCE_SIZE.  Returns the bytes written. */
size_t sss_presence_encode(const sss_presence_t *p, uint8_t *out);

/*
 * Puts this host's entry first, with the fingerprint of its first secret,
 * in place of any other of this host.  Of that fingerprint it leaves one entry
 * of another host, so that each of two hosts and more always sees company,
 * and it drops what is more than SSS_PRESENCE_LIFE from now.
 */
void sss_presence_touch(sss_presence_t *p, const uint8_t *tag,
    const uint8_t *host, uint32_t now);

/*
 * What the record tells a host with these "n" fingerprints (SSS_TAG_SIZE
 * bytes each, the first is the one it seals with).  Entries more than
 * SSS_PRESENCE_LIFE from now do not count, be they past or future.
 */
sss_presence_view_t sss_presence_view(const sss_presence_t *p,
    const uint8_t *tags, size_t n, const uint8_t *host, uint32_t now);

/*
 * Drops the entries with one of these "n" fingerprints, and returns 1 if one
 * of them counts at "now", else 0.
 */
int sss_presence_without(sss_presence_t *p, const uint8_t *tags, size_t n,
    uint32_t now);


#endif /* SSS_PRESENCE_H_INCLUDED */
