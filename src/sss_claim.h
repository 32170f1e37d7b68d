
/*
 * Claims: which of all hosts was the first to see a flight of early data.
 *
 * memcached has logs, items to whose end records are appended.  Every flight
 * belongs to one log, whatever host has it before it: that of the slot of 32
 * seconds in which the client says that it has sent it, and of 8 bits of the
 * flight's hash.  A host appends its record and reads the log in the same
 * message; the host whose record of the flight is the first in the log may
 * accept it.
 *
 * A log is one item: as long as it is there, so is every record that was
 * appended to it.  It can be lost as a whole, in whatever way, and be made
 * again, empty.  Therefore it counts only when it is older than the time in
 * which one flight can be accepted on two hosts (SSS_CLAIM_LIFE): who laid it
 * gave it a lifetime of SSS_CLAIM_TTL, and memcached tells with the log what
 * is left of that.  So logs are laid two slots ahead of their use.
 *
 * What hosts' clocks may differ by is a part of that time.  They are compared
 * with that of the server on every claim: it has a mark for each slot, which
 * expires at a moment that follows from the number of the slot, and tells what
 * is left until then.
 *
 * A log is on the server that consistent hashing gives among all servers,
 * usable or not.  The mark has the hash of all of them: where it is another
 * one, some host has others, and would look for the flight elsewhere.  Of
 * hosts with different servers, of which they have one in common, one at the
 * least sees the other's mark there; hosts look at all marks every few
 * seconds.
 *
 *     claim key  HKDF(AES key || HMAC key of the STEK, no salt,
 *                     "ngx_ssl_session_sync early 1", 32 bytes)
 *     hash       HMAC-SHA256(claim key, SHA-256(identity of the first PSK) ||
 *                its binder)
 *     slot       (time of the session + the client's age of it) / 32 s
 *     names      "sss1:" and, as 40 hex digits, the first 20 bytes of
 *                SHA-256("ngx_ssl_session_sync early log 1" || length of the
 *                namespace (1 byte) || namespace || slot (8) || shard (2)):
 *                the shard of a log is the first byte of the hash, that of
 *                the mark 256
 *     log        "SSL1", 16 zeros, and records of 20 bytes: a = bytes 1 to 8
 *                of the hash, b = 8 random bytes that say whose it is, and the
 *                upper 4 bytes of (a * 0x9e3779b97f4a7c15 + b)
 *                * 0xd6e8feb86659fd93 modulo 2^64: a record that was changed
 *                on its way would be that of another flight
 *     mark       "SSM1", 4 zeros, and 8 bytes: the hash of the servers
 *
 * Numbers are in network order.
 */


#ifndef SSS_CLAIM_H_INCLUDED
#define SSS_CLAIM_H_INCLUDED


#include <stddef.h>
#include <stdint.h>

#include "sss_secret.h"


#define SSS_CLAIM_SHARDS   256          /* logs of a slot                  */
#define SSS_CLAIM_SLOT     32           /* seconds                         */
#define SSS_CLAIM_AHEAD    2            /* slots                           */
#define SSS_CLAIM_TTL      128          /* of a log, seconds               */
#define SSS_CLAIM_MARKS    8            /* slots until a mark expires      */

/*
 * OpenSSL accepts early data while the age of the ticket differs from the
 * client's by -1 to 10 seconds, rounded: for 11 seconds by the clock of one
 * host.
 */
#define SSS_CLAIM_WINDOW   11
#define SSS_CLAIM_CLOCK    4            /* between a host and a server, s  */
#define SSS_CLAIM_HASTE    2            /* from the claim to OpenSSL's look
                                           at the clock, at the most, s    */

/* the window, two clocks told in seconds, haste, the age of the log rounded,
   and a margin */
#define SSS_CLAIM_LIFE     (SSS_CLAIM_WINDOW + 2 * (SSS_CLAIM_CLOCK + 1)      \
                            + SSS_CLAIM_HASTE + 1 + 2)

#define SSS_CLAIM_RECORD   20
#define SSS_CLAIM_HASH     9            /* bytes of a hash that are used   */
#define SSS_CLAIM_LOG      20           /* bytes of an empty log           */
#define SSS_CLAIM_MARK     16
#define SSS_CLAIM_NS       255


typedef enum {
    SSS_CLAIM_FIRST = 0,        /* nobody was faster                       */
    SSS_CLAIM_REPLAY,           /* somebody was                            */
    SSS_CLAIM_LOST,             /* there is no log, or no mark             */
    SSS_CLAIM_YOUNG,            /* the log may have forgotten              */
    SSS_CLAIM_SERVERS,          /* some host has other servers             */
    SSS_CLAIM_TIME,             /* the clocks differ                       */
    SSS_CLAIM_BAD               /* the log is none                         */
} sss_claim_rc_t;


/* What a server is asked. */

typedef struct {
    uint64_t   slot;
    char       log[SSS_NAME_SIZE];
    char       mark[SSS_NAME_SIZE];
    uint8_t    record[SSS_CLAIM_RECORD];
} sss_claim_t;


/* And what it has answered, besides the bytes of the log. */

typedef struct {
    unsigned   stored:1;        /* the record was appended                 */
    unsigned   logged:1;        /* there is a log                          */
    unsigned   marked:1;        /* and a mark                              */
    uint64_t   log_left;        /* seconds until they expire               */
    uint64_t   mark_left;
    uint64_t   servers;
} sss_claim_reply_t;


/* The slot of what was sent at this time, in seconds since the epoch. */
uint64_t sss_claim_slot(uint64_t sent);

/*
 * The name of a log, or of the mark (SSS_CLAIM_SHARDS), SSS_NAME_SIZE bytes.
 * A namespace has up to SSS_CLAIM_NS bytes.
 */
void sss_claim_name(const char *ns, size_t ns_len, uint64_t slot,
    unsigned shard, char *name);

/*
 * A claim for a flight with this hash (SSS_CLAIM_HASH bytes), with 8 random
 * bytes of the claimant's.
 */
void sss_claim_init(sss_claim_t *claim, const char *ns, size_t ns_len,
    uint64_t slot, const uint8_t *hash, const uint8_t *nonce);

/* A claim of nothing, in a log that nobody lays: a look at the mark. */
void sss_claim_look(sss_claim_t *claim, const char *ns, size_t ns_len,
    uint64_t slot);

/* An empty log, SSS_CLAIM_LOG bytes, and a mark, SSS_CLAIM_MARK bytes. */
void sss_claim_log(uint8_t *log);
void sss_claim_mark(uint64_t servers, uint8_t *mark);

/* When the mark of a slot expires, seconds since the epoch. */
uint64_t sss_claim_mark_expires(uint64_t slot);

/* The hash in "len" bytes of a mark.  Returns 0, or -1: it is none. */
int sss_claim_mark_read(const uint8_t *mark, size_t len, uint64_t *servers);

/*
 * What the answer to a claim means to a host with these servers, at "now"
 * (seconds since the epoch, by the clock that OpenSSL asks).  "log" is NULL if
 * it was too long to be kept.
 */
sss_claim_rc_t sss_claim_judge(const sss_claim_t *claim,
    const sss_claim_reply_t *reply, const uint8_t *log, size_t len,
    uint64_t servers, uint64_t now);

/* What a claim came to, for the log; static. */
const char *sss_claim_strerror(sss_claim_rc_t rc);


#endif /* SSS_CLAIM_H_INCLUDED */
