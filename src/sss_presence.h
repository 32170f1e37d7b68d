
/*
 * The presence record: it shows which secrets are in use in a namespace.
 *
 * The names and the contents of all other records depend on the secret, so
 * that a host with a different secret finds nothing in memcached.  For it to
 * tell "I am the first host" from "my secret is wrong", hosts write a public
 * fingerprint of their secret into one record whose name and contents do not
 * depend on it.  Nothing but a warning follows from that record, so forging it
 * gains nothing.
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
#define SSS_PRESENCE_LIFE    120        /* seconds for which an entry counts */
#define SSS_PRESENCE_OWN     40         /* seconds after which a host renews
                                           the entry, if it is its own      */
#define SSS_PRESENCE_OTHER   20         /* the same if another host wrote it;
                                           shorter, so that hosts alternate */


typedef struct {
    uint8_t   tag[SSS_TAG_SIZE];        /* fingerprint of a secret          */
    uint8_t   host[8];                  /* random number of a host          */
    uint32_t  seen;                     /* when written, seconds since 1970 */
} sss_presence_entry_t;


typedef struct {
    unsigned              n;
    sss_presence_entry_t  entry[SSS_PRESENCE_MAX];
} sss_presence_t;


/* What the record tells this host. */

typedef struct {
    unsigned  company:1;        /* another host has one of its secrets      */
    unsigned  foreign:1;        /* another host has a secret that it lacks  */
    unsigned  refresh:1;        /* it is to write its entry again           */
} sss_presence_view_t;


/*
 * Reads the "len" bytes of a presence record.  Returns 0, or -1 if they are
 * none; "p" has no entries then.
 */
int sss_presence_decode(sss_presence_t *p, const uint8_t *in, size_t len);

/*
 * Writes the record into "out", which has room for SSS_PRESENCE_SIZE bytes.
 * Returns the number of bytes written.
 */
size_t sss_presence_encode(const sss_presence_t *p, uint8_t *out);

/*
 * Makes an entry of this host ("host", 8 bytes) with its first secret's
 * fingerprint ("tag") and the time "now" the first one, and removes its older
 * entries.  Of the entries of other hosts with that fingerprint only the
 * latest stays: two entries suffice for each host to see that it is not alone.
 * Entries more than SSS_PRESENCE_LIFE away from "now" are removed.
 */
void sss_presence_touch(sss_presence_t *p, const uint8_t *tag,
    const uint8_t *host, uint32_t now);

/*
 * Returns what the record tells the host "host" that has the secrets with
 * these "n" fingerprints, SSS_TAG_SIZE bytes each, of which it seals with the
 * first.  Entries more than SSS_PRESENCE_LIFE before or after "now" do not
 * count.
 */
sss_presence_view_t sss_presence_view(const sss_presence_t *p,
    const uint8_t *tags, size_t n, const uint8_t *host, uint32_t now);

/*
 * Removes the entries that have one of these "n" fingerprints.  Returns 1 if
 * one of the removed entries counts at "now", else 0.
 */
int sss_presence_without(sss_presence_t *p, const uint8_t *tags, size_t n,
    uint32_t now);


#endif /* SSS_PRESENCE_H_INCLUDED */
