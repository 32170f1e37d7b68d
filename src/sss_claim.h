
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
 * Every server has a badge, an item with a random number that whoever finds
 * none there has made up.  A ticket carries the badge of one server, and its
 * flights are claimed there and nowhere else: before a record is appended and
 * after the log was read, in the same message, the server must wear it.  So
 * all claims of a flight are made to one process of memcached, whatever hosts
 * believe of addresses, and what was restarted is another one.
 *
 * What hosts' clocks may differ by is a part of the time above.  They are
 * compared with that of the server by its badge, which says when it expires,
 * while memcached tells what is left until then.
 *
 *     claim key  HKDF(AES key || HMAC key of the STEK, no salt,
 *                     "ngx_ssl_session_sync early 1", 32 bytes)
 *     hash       HMAC-SHA256(claim key, SHA-256(identity of the first PSK) ||
 *                its binder)
 *     slot       (time of the session + the client's age of it) / 32 s
 *     names      "sss1:" and, as 40 hex digits, the first 20 bytes of
 *                SHA-256("ngx_ssl_session_sync early log 1" || length of the
 *                namespace (1 byte) || namespace || slot (8) || shard (2)):
 *                the shard of a log is the first byte of the hash; the badge
 *                has shard 256 of slot 0
 *     log        "SSL1", 16 zeros, and records of 20 bytes: a = bytes 1 to 8
 *                of the hash, b = 8 random bytes that say whose it is, and the
 *                upper 4 bytes of (a * 0x9e3779b97f4a7c15 + b)
 *                * 0xd6e8feb86659fd93 modulo 2^64: a record that was changed
 *                on its way would be that of another flight
 *     badge      "SSB1", 8 random bytes that are not all zeros, and when it
 *                expires, seconds since the epoch (8 bytes)
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
#define SSS_CLAIM_YEAR     31536000     /* life of a badge, seconds        */

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
#define SSS_CLAIM_EMPTY    "SSL1\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
#define SSS_CLAIM_BADGE    20           /* bytes                           */
#define SSS_CLAIM_NS       255


typedef enum {
    SSS_CLAIM_FIRST = 0,        /* nobody was faster                       */
    SSS_CLAIM_REPLAY,           /* somebody was                            */
    SSS_CLAIM_LOST,             /* there is no log                         */
    SSS_CLAIM_SERVER,           /* it is not the server of the ticket      */
    SSS_CLAIM_YOUNG,            /* the log may have forgotten              */
    SSS_CLAIM_TIME,             /* the clocks differ                       */
    SSS_CLAIM_BAD               /* the log is none                         */
} sss_claim_rc_t;


/* What a server is asked. */

typedef struct {
    uint64_t   server;                  /* its badge                       */
    char       log[SSS_NAME_SIZE];
    char       badge[SSS_NAME_SIZE];
    uint8_t    record[SSS_CLAIM_RECORD];
} sss_claim_t;


typedef struct {
    uint64_t   id;                      /* 0: there is none                */
    uint64_t   clock;                   /* of the server, seconds since the
                                           epoch                           */
} sss_claim_badge_t;


/* And what it has answered, in this order, besides the bytes of the log. */

typedef struct {
    sss_claim_badge_t  before;
    unsigned           stored:1;        /* the record was appended         */
    unsigned           logged:1;        /* there is a log                  */
    uint64_t           log_left;        /* seconds until it expires        */
    sss_claim_badge_t  after;
} sss_claim_reply_t;


/* The slot of what was sent at this time, in seconds since the epoch. */
uint64_t sss_claim_slot(uint64_t sent);

/*
 * The name of a log, or of the badge (slot 0, SSS_CLAIM_SHARDS), SSS_NAME_SIZE
 * bytes.  A namespace has up to SSS_CLAIM_NS bytes.
 */
void sss_claim_name(const char *ns, size_t ns_len, uint64_t slot,
    unsigned shard, char *name);

/*
 * A claim for a flight with this hash (SSS_CLAIM_HASH bytes), with 8 random
 * bytes of the claimant's, to the server with this badge.
 */
void sss_claim_init(sss_claim_t *claim, const char *ns, size_t ns_len,
    uint64_t slot, const uint8_t *hash, const uint8_t *nonce,
    uint64_t server);

/* A claim of nothing, in a log that nobody lays: a look at the badge. */
void sss_claim_look(sss_claim_t *claim, const char *ns, size_t ns_len);

/* A badge, SSS_CLAIM_BADGE bytes; "id" is not 0. */
void sss_claim_badge(uint64_t id, uint64_t expires, uint8_t *badge);

/*
 * When a badge expires that is made now, both seconds since the epoch: a year
 * later, or at the last time that memcached knows.
 */
uint64_t sss_claim_badge_expires(uint64_t now);

/* What an item says that expires in "left" seconds: "badge->id" 0, if none. */
void sss_claim_badge_read(const uint8_t *value, size_t len, uint64_t left,
    sss_claim_badge_t *badge);

/*
 * What the answer to a claim means at "now" (seconds since the epoch, by the
 * clock that OpenSSL asks).  "log" is NULL if it was too long to be kept.
 */
sss_claim_rc_t sss_claim_judge(const sss_claim_t *claim,
    const sss_claim_reply_t *reply, const uint8_t *log, size_t len,
    uint64_t now);

/* What a claim came to, for the log; static. */
const char *sss_claim_strerror(sss_claim_rc_t rc);


#endif /* SSS_CLAIM_H_INCLUDED */
